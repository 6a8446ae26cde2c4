-- Which accepted rows descend from seeds of which licence?
SELECT d.name AS dataset, o.version, s.licence, count(DISTINCT o.row_id) AS rows
FROM outcome o
JOIN dataset d USING (dataset_id)
JOIN version_parent p ON (p.dataset_id, p.version) = (o.dataset_id, o.version)
JOIN seed_ordinal n ON (n.dataset_id, n.ordinal) = (p.parent_dataset_id, o.ordinal)
JOIN seed_origin s ON s.instruction_id = n.instruction_id
WHERE o.status = 'accepted' AND d.kind = 'dataset'
GROUP BY d.name, o.version, s.licence
ORDER BY dataset, o.version, rows DESC;
