-- Which seeds gave no accepted row in the newest versions?
SELECT s.dataset, s.version, s.ordinal, left(i.head, 80) AS seed, s.tries, s.reasons
FROM (
    SELECT d.name AS dataset, o.version, o.ordinal, count(*) AS tries,
        (array_agg(o.parent_id ORDER BY o.round))[1] AS seed_id,
        array_agg(DISTINCT o.reason) AS reasons
    FROM outcome o
    JOIN dataset d ON (d.dataset_id, d.head_version) = (o.dataset_id, o.version) AND d.kind = 'dataset'
    GROUP BY d.name, o.version, o.ordinal
    HAVING count(*) FILTER (WHERE o.status = 'accepted') = 0
) s
LEFT JOIN instruction i ON i.instruction_id = s.seed_id
ORDER BY s.dataset, s.ordinal;
