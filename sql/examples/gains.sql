-- Does a row score higher than the row that it was evolved from, by operator?
WITH scored AS (
    SELECT o.dataset_id, o.version, o.row_id, o.parent_id, st.operator, m.name AS metric, s.scorer_id, s.value
    FROM outcome o
    JOIN step st USING (step_id)
    JOIN score s ON s.subject_id = o.response_id
    JOIN metric m USING (metric_id)
    WHERE o.status = 'accepted' AND s.value IS NOT NULL
)
SELECT d.name AS dataset, child.version, child.metric, child.operator, count(*) AS pairs,
    round(avg(child.value - parent.value)::numeric, 3) AS mean_gain,
    round(avg((child.value > parent.value)::int)::numeric, 2) AS share_higher
FROM scored child
JOIN scored parent ON parent.row_id = child.parent_id
    AND (parent.dataset_id, parent.version, parent.metric, parent.scorer_id)
        = (child.dataset_id, child.version, child.metric, child.scorer_id)
JOIN dataset d ON (d.dataset_id, d.head_version) = (child.dataset_id, child.version)
GROUP BY d.name, child.version, child.metric, child.operator
ORDER BY dataset, metric, mean_gain DESC;
