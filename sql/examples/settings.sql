-- Which prompts, weights and decodings stand behind each version?
SELECT d.name AS dataset, o.version, s.operator, p.name AS prompt, left(encode(p.sha256, 'hex'), 12) AS prompt_hash,
    m.name AS model, left(m.revision, 12) AS weights, dc.params ->> 'temperature' AS temperature,
    dc.params ->> 'max_tokens' AS max_tokens, count(*) AS rows
FROM outcome o
CROSS JOIN LATERAL (VALUES (o.step_id), (o.respond_step_id)) q (step_id)
JOIN dataset d USING (dataset_id)
JOIN step s ON s.step_id = q.step_id
JOIN prompt p USING (prompt_id)
JOIN model m USING (model_id)
JOIN decoding dc USING (decoding_id)
GROUP BY d.name, o.version, s.operator, p.name, p.sha256, m.name, m.revision, dc.params
ORDER BY dataset, o.version, s.operator;
