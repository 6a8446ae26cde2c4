-- What did each version bring, keep and drop against the one before it?
WITH pair AS (
    SELECT dataset, version, lag(version) OVER (PARTITION BY dataset ORDER BY version) AS before
    FROM dataset_version_summary
), seen AS (
    SELECT p.dataset, p.before, p.version, r.instruction_id, bool_or(r.version = p.before) AS stood,
        bool_or(r.version = p.version) AS stands
    FROM pair p
    JOIN row_version r ON r.dataset = p.dataset AND r.version IN (p.before, p.version)
    GROUP BY p.dataset, p.before, p.version, r.instruction_id
)
SELECT dataset, before, version, count(*) FILTER (WHERE stands AND stood IS NOT TRUE) AS added,
    count(*) FILTER (WHERE stands AND stood) AS kept, count(*) FILTER (WHERE stood AND NOT stands) AS dropped
FROM seen
GROUP BY dataset, before, version
ORDER BY dataset, version;
