-- Which operators and models run into their token limit?
SELECT d.name AS dataset, o.version, s.operator, m.name AS model, count(*) AS requests,
    count(*) FILTER (WHERE g.finish_reason = 'length') AS cut,
    round(avg((g.finish_reason = 'length')::int)::numeric, 3) AS share_cut
FROM outcome o
CROSS JOIN LATERAL (VALUES (o.step_id, o.request_hash), (o.respond_step_id, o.respond_hash)) q (step_id, request_hash)
JOIN dataset d ON (d.dataset_id, d.head_version) = (o.dataset_id, o.version)
JOIN step s ON s.step_id = q.step_id
JOIN model m USING (model_id)
JOIN generation g ON g.request_hash = q.request_hash
GROUP BY d.name, o.version, s.operator, m.name
ORDER BY dataset, share_cut DESC, s.operator;
