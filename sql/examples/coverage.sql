-- For which share of the accepted rows is there a value of each metric?
SELECT dataset, version, metric, scorer, sum(n_rows) AS rows, sum(n_scored) AS with_value,
    round(sum(n_scored) / nullif(sum(n_rows), 0), 3) AS coverage
FROM metric_by_round_model
WHERE is_head
GROUP BY dataset, version, metric, scorer, scorer_revision
ORDER BY dataset, coverage, metric;
