-- How is each metric spread over the version's rows, undefined values apart?
SELECT metric, scorer, count(*) AS scores, count(value) AS with_value, round(quantile_cont(value, 0.05), 3) AS p05,
    round(median(value), 3) AS median, round(quantile_cont(value, 0.95), 3) AS p95, mode(nullif(reason, '')) AS reason
FROM scores
GROUP BY metric, scorer
ORDER BY metric;
