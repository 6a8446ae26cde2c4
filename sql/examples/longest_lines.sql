-- Which accepted rows are farthest from their seed, and what were they evolved by?
SELECT d.name AS dataset, o.version, line.depth, seed.head AS seed, i.head AS row, line.operators
FROM outcome o
JOIN dataset d ON (d.dataset_id, d.head_version) = (o.dataset_id, o.version) AND d.kind = 'dataset'
JOIN instruction i ON i.instruction_id = o.row_id
CROSS JOIN LATERAL (
    SELECT max(a.depth) AS depth, (array_agg(a.instruction_id ORDER BY a.depth DESC))[1] AS seed_id,
        (SELECT string_agg(s.operator, ' > ' ORDER BY earlier.round)
            FROM outcome earlier JOIN step s USING (step_id)
            WHERE (earlier.dataset_id, earlier.version, earlier.ordinal) = (o.dataset_id, o.version, o.ordinal)
                AND earlier.round <= o.round AND earlier.status = 'accepted') AS operators
    FROM ancestors(o.row_id) a
) line
JOIN instruction seed ON seed.instruction_id = line.seed_id
WHERE o.status = 'accepted'
ORDER BY line.depth DESC, o.ordinal, o.round DESC
LIMIT 10;
