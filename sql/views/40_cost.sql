-- What rows cost.

CREATE VIEW analytics.token_cost AS
WITH asked AS (
    SELECT o.dataset_id, o.version, q.step_id, q.request_hash
    FROM lineage.outcome o
    CROSS JOIN LATERAL (VALUES (o.step_id, o.request_hash), (o.respond_step_id, o.respond_hash))
        q (step_id, request_hash)
    WHERE q.request_hash IS NOT NULL
    UNION ALL
    SELECT dataset_id, version, step_id, request_hash FROM lineage.autoif_reply
    UNION ALL
    SELECT DISTINCT c.dataset_id, c.version, r.step_id, c.request_hash
    FROM lineage.autoif_constraint c
    JOIN lineage.derivation r ON r.child_id = c.constraint_id AND r.request_hash = c.request_hash
    WHERE c.status = 'accepted'
)
SELECT d.name AS dataset, a.version, s.operator, s.size_class, m.name AS model,
    count(*) AS n_requests,
    sum(g.n_prompt_tokens)::bigint AS n_prompt_tokens,
    sum(g.n_tokens)::bigint AS n_tokens,
    sum(g.seconds)::float8 AS request_seconds,
    sum(g.n_prompt_tokens + g.n_tokens)::float8 / nullif(v.n_accepted, 0) AS tokens_per_accepted_row,
    sum(g.seconds)::float8 / nullif(v.n_accepted, 0) AS request_seconds_per_accepted_row
FROM asked a
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.dataset_version v USING (dataset_id, version)
JOIN lineage.step s USING (step_id)
JOIN lineage.model m USING (model_id)
LEFT JOIN lineage.generation g ON g.request_hash = a.request_hash
GROUP BY d.name, a.version, s.operator, s.size_class, m.name, v.n_accepted;
COMMENT ON VIEW analytics.token_cost IS
    'Tokens and time behind a version, refused rows included, by operator (respond: the answers) and model; of AutoIF '
    'also the constraints that were kept and all that was said for checkers. Scores, verdicts of judges and '
    'descriptions of checkers are not in it. '
    'A replayed generation counts as if made for it; what a run generated anew is in run_summary.';
COMMENT ON COLUMN analytics.token_cost.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.token_cost.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.token_cost.operator IS 'Of evolution, of constraints and checkers, or respond.';
COMMENT ON COLUMN analytics.token_cost.size_class IS 'slm or llm.';
COMMENT ON COLUMN analytics.token_cost.model IS 'That was asked.';
COMMENT ON COLUMN analytics.token_cost.n_requests IS 'Requests behind the rows.';
COMMENT ON COLUMN analytics.token_cost.n_prompt_tokens IS 'That the model read.';
COMMENT ON COLUMN analytics.token_cost.n_tokens IS 'That the model wrote.';
COMMENT ON COLUMN analytics.token_cost.request_seconds IS
    'Sum over requests, from submission to end. Requests of one batch overlap: more than the time on the clock.';
COMMENT ON COLUMN analytics.token_cost.tokens_per_accepted_row IS
    'Read and written, by accepted rows of the whole version: add the lines up for the full cost of a row.';
COMMENT ON COLUMN analytics.token_cost.request_seconds_per_accepted_row IS 'Likewise.';
