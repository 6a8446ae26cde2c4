-- How do the metrics move from round to round?
SELECT dataset, version, metric, round, model, n_scored, n_rows,
    round(mean::numeric, 3) AS mean, round(median::numeric, 3) AS median
FROM metric_by_round_model
WHERE is_head
ORDER BY dataset, metric, model, round;
