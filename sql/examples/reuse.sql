-- How many answers behind a version were made by its own run, and how many by earlier ones?
SELECT d.name AS dataset, v.version, count(*) AS requests,
    count(*) FILTER (WHERE made.run_id = own.run_id) AS made_for_it,
    count(*) FILTER (WHERE made.run_id <> own.run_id) AS replayed
FROM dataset_version v
JOIN dataset d USING (dataset_id)
JOIN task_attempt own ON own.attempt_id = v.attempt_id
JOIN LATERAL (
    SELECT DISTINCT q.request_hash
    FROM outcome o CROSS JOIN LATERAL (VALUES (o.request_hash), (o.respond_hash)) q (request_hash)
    WHERE (o.dataset_id, o.version) = (v.dataset_id, v.version) AND q.request_hash IS NOT NULL
) asked ON true
JOIN generation g USING (request_hash)
JOIN task_attempt made ON made.attempt_id = g.attempt_id
GROUP BY d.name, v.version
ORDER BY d.name, v.version;
