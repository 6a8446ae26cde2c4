-- How far apart are two arms on the same seeds?
SELECT name, metric, round, n, round(mean_a::numeric, 3) AS mean_a, round(mean_b::numeric, 3) AS mean_b,
    round(difference::numeric, 3) AS difference, round(low::numeric, 3) AS low, round(high::numeric, 3) AS high,
    round(sign_p::numeric, 4) AS sign_p
FROM paired_metric
ORDER BY comparison_id DESC, metric, round;
