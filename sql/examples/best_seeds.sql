-- Which seeds gave the most accepted rows, and how many evolutions were refused on the way?
SELECT d.name AS dataset, o.version, o.ordinal, i.head AS seed,
    count(*) FILTER (WHERE o.status = 'accepted') AS accepted, count(*) FILTER (WHERE o.status <> 'accepted') AS refused
FROM outcome o
JOIN dataset d ON (d.dataset_id, d.head_version) = (o.dataset_id, o.version) AND d.kind = 'dataset'
JOIN LATERAL (
    SELECT parent_id FROM outcome first
    WHERE (first.dataset_id, first.version, first.ordinal) = (o.dataset_id, o.version, o.ordinal)
    ORDER BY round LIMIT 1
) root ON true
JOIN instruction i ON i.instruction_id = root.parent_id
GROUP BY d.name, o.version, o.ordinal, i.head
ORDER BY accepted DESC, refused, o.ordinal
LIMIT 10;
