-- How many accepted rows did a seed give? How many seeds gave that many?
SELECT dataset, version, accepted AS accepted_rows, count(*) AS seeds
FROM (
    SELECT d.name AS dataset, o.version, o.ordinal, count(*) FILTER (WHERE o.status = 'accepted') AS accepted
    FROM outcome o
    JOIN dataset d ON (d.dataset_id, d.head_version) = (o.dataset_id, o.version) AND d.kind = 'dataset'
    GROUP BY d.name, o.version, o.ordinal
) seed
GROUP BY dataset, version, accepted
ORDER BY dataset, version, accepted;
