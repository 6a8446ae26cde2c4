-- How long do requests take, and how many tokens do they write, by operator?
SELECT s.operator, m.name AS model, count(*) AS requests,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY g.n_tokens)::numeric) AS median_tokens,
    round(percentile_cont(0.95) WITHIN GROUP (ORDER BY g.n_tokens)::numeric) AS p95_tokens,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY g.seconds)::numeric, 1) AS median_seconds,
    round(percentile_cont(0.95) WITHIN GROUP (ORDER BY g.seconds)::numeric, 1) AS p95_seconds
FROM (
    SELECT DISTINCT q.step_id, q.request_hash
    FROM outcome o
    CROSS JOIN LATERAL (VALUES (o.step_id, o.request_hash), (o.respond_step_id, o.respond_hash))
        q (step_id, request_hash)
) asked
JOIN generation g USING (request_hash)
JOIN step s USING (step_id)
JOIN model m ON m.model_id = s.model_id
GROUP BY s.operator, m.name
ORDER BY median_seconds DESC, s.operator;
