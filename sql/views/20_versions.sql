-- Versions, what was refused, and runs.

CREATE VIEW analytics.dataset_version_summary AS
SELECT d.name AS dataset, v.version, d.kind, v.state::text AS state,
    v.version IS NOT DISTINCT FROM d.head_version AS is_head,
    v.n_rows, v.n_in, v.n_accepted, v.n_rejected, v.n_failed,
    v.n_rejected::float8 / nullif(v.n_in, 0) AS reject_rate,
    f.n_objects, f.n_bytes,
    ARRAY(SELECT gate ->> 'name' FROM jsonb_array_elements(v.gates) gate
        WHERE NOT (gate ->> 'passed')::boolean) AS closed_gates,
    ARRAY(SELECT format('%s@%s', pd.name, p.parent_version) FROM lineage.version_parent p
        JOIN lineage.dataset pd ON pd.dataset_id = p.parent_dataset_id
        WHERE (p.dataset_id, p.version) = (v.dataset_id, v.version) ORDER BY p.ord) AS parents,
    ARRAY(SELECT tag FROM lineage.dataset_tag g
        WHERE (g.dataset_id, g.version) = (v.dataset_id, v.version) ORDER BY tag) AS tags,
    v.recipe_hash, v.code_version, r.flow, r.run_key, v.attempt_id, v.created_at,
    v.released_by, v.released_at, v.release_reason
FROM lineage.dataset_version v
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.task_attempt t USING (attempt_id)
JOIN lineage.run r USING (run_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS n_objects, coalesce(sum(o.n_bytes), 0)::bigint AS n_bytes
    FROM lineage.dataset_version_file vf JOIN lineage.object_file o USING (file_id)
    WHERE (vf.dataset_id, vf.version) = (v.dataset_id, v.version)
) f;
COMMENT ON VIEW analytics.dataset_version_summary IS 'Every version of every dataset in one line.';
COMMENT ON COLUMN analytics.dataset_version_summary.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.dataset_version_summary.version IS 'Numbers rise by one; quarantined ones count.';
COMMENT ON COLUMN analytics.dataset_version_summary.kind IS 'seeds or dataset.';
COMMENT ON COLUMN analytics.dataset_version_summary.state IS 'published, quarantined (a gate closed) or retracted.';
COMMENT ON COLUMN analytics.dataset_version_summary.is_head IS 'Whether the bare name means this version.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_rows IS 'Rows of its data objects.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_in IS 'Rows that went in: accepted + rejected + failed.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_accepted IS 'The rows of the version.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_rejected IS 'Refused by a rule.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_failed IS 'Could not be processed.';
COMMENT ON COLUMN analytics.dataset_version_summary.reject_rate IS 'Rejected by all; null where nothing went in.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_objects IS 'Parquet objects: data, refused rows, scores.';
COMMENT ON COLUMN analytics.dataset_version_summary.n_bytes IS 'Of these objects.';
COMMENT ON COLUMN analytics.dataset_version_summary.closed_gates IS 'Gates that did not pass.';
COMMENT ON COLUMN analytics.dataset_version_summary.parents IS 'Versions that it was built from.';
COMMENT ON COLUMN analytics.dataset_version_summary.tags IS 'Names that people gave it.';
COMMENT ON COLUMN analytics.dataset_version_summary.recipe_hash IS 'Of the recipe; empty for seeds.';
COMMENT ON COLUMN analytics.dataset_version_summary.code_version IS 'Of the code that published it.';
COMMENT ON COLUMN analytics.dataset_version_summary.flow IS 'Of the run that published it.';
COMMENT ON COLUMN analytics.dataset_version_summary.run_key IS 'Of that run.';
COMMENT ON COLUMN analytics.dataset_version_summary.attempt_id IS 'The attempt that published it.';
COMMENT ON COLUMN analytics.dataset_version_summary.created_at IS 'When, by the clock of the database.';
COMMENT ON COLUMN analytics.dataset_version_summary.released_by IS 'Who let it out of quarantine.';
COMMENT ON COLUMN analytics.dataset_version_summary.released_at IS 'When.';
COMMENT ON COLUMN analytics.dataset_version_summary.release_reason IS 'Why.';

CREATE VIEW analytics.rejects_by_reason AS
SELECT d.name AS dataset, o.version, o.stage, o.status::text AS status, o.reason, count(*) AS n,
    count(*)::float8 / nullif(v.n_in, 0) AS share
FROM lineage.outcome o
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.dataset_version v USING (dataset_id, version)
WHERE o.status <> 'accepted'
GROUP BY d.name, o.version, o.stage, o.status, o.reason, v.n_in;
COMMENT ON VIEW analytics.rejects_by_reason IS 'Why rows did not make it into a version.';
COMMENT ON COLUMN analytics.rejects_by_reason.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.rejects_by_reason.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.rejects_by_reason.stage IS 'Where it was decided.';
COMMENT ON COLUMN analytics.rejects_by_reason.status IS 'rejected (by a rule) or failed (by an error).';
COMMENT ON COLUMN analytics.rejects_by_reason.reason IS 'Name of the rule or the error.';
COMMENT ON COLUMN analytics.rejects_by_reason.n IS 'Rows.';
COMMENT ON COLUMN analytics.rejects_by_reason.share IS 'Of all rows that went in.';

CREATE VIEW analytics.operator_rates AS
SELECT d.name AS dataset, o.version, o.round, s.operator, s.size_class, m.name AS model, m.revision AS model_revision,
    count(*) AS n_in,
    count(*) FILTER (WHERE o.status = 'accepted') AS n_accepted,
    count(*) FILTER (WHERE o.status = 'rejected') AS n_rejected,
    count(*) FILTER (WHERE o.status = 'failed') AS n_failed,
    count(o.row_id) AS n_parsed,
    avg((o.status = 'accepted')::int)::float8 AS accept_rate,
    avg((o.status = 'rejected')::int)::float8 AS reject_rate,
    avg((o.row_id IS NOT NULL)::int)::float8 AS parse_rate
FROM lineage.outcome o
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.step s USING (step_id)
JOIN lineage.model m USING (model_id)
GROUP BY d.name, o.version, o.round, s.operator, s.size_class, m.name, m.revision;
COMMENT ON VIEW analytics.operator_rates IS 'How often each operator and model made something of use.';
COMMENT ON COLUMN analytics.operator_rates.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.operator_rates.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.operator_rates.round IS 'From 0.';
COMMENT ON COLUMN analytics.operator_rates.operator IS 'Of evolution.';
COMMENT ON COLUMN analytics.operator_rates.size_class IS 'slm or llm.';
COMMENT ON COLUMN analytics.operator_rates.model IS 'The evolver.';
COMMENT ON COLUMN analytics.operator_rates.model_revision IS 'SHA-256 over its weight files.';
COMMENT ON COLUMN analytics.operator_rates.n_in IS 'Evolutions tried.';
COMMENT ON COLUMN analytics.operator_rates.n_accepted IS 'Accepted.';
COMMENT ON COLUMN analytics.operator_rates.n_rejected IS 'Refused by a rule.';
COMMENT ON COLUMN analytics.operator_rates.n_failed IS 'Could not be processed.';
COMMENT ON COLUMN analytics.operator_rates.n_parsed IS 'Replies that held an instruction.';
COMMENT ON COLUMN analytics.operator_rates.accept_rate IS 'Accepted by tried.';
COMMENT ON COLUMN analytics.operator_rates.reject_rate IS 'Rejected by tried.';
COMMENT ON COLUMN analytics.operator_rates.parse_rate IS 'Parsed by tried.';

CREATE VIEW analytics.run_summary AS
SELECT r.run_id, r.flow, r.run_key, r.trigger_kind, r.recipe_hash, r.code_version, r.created_at,
    t.ended_at, extract(epoch FROM t.ended_at - r.created_at)::float8 AS seconds, t.n_attempts, t.n_failed_attempts,
    g.n_generations, g.n_prompt_tokens, g.n_tokens,
    ARRAY(SELECT format('%s@%s', d.name, v.version) FROM lineage.dataset_version v
        JOIN lineage.dataset d USING (dataset_id) JOIN lineage.task_attempt a ON a.attempt_id = v.attempt_id
        WHERE a.run_id = r.run_id ORDER BY v.created_at, d.name) AS versions
FROM lineage.run r
CROSS JOIN LATERAL (
    SELECT max(ended_at) AS ended_at, count(*) AS n_attempts,
        count(*) FILTER (WHERE state NOT IN ('running', 'success')) AS n_failed_attempts
    FROM lineage.task_attempt WHERE run_id = r.run_id
) t
CROSS JOIN LATERAL (
    SELECT count(g.request_hash) AS n_generations, coalesce(sum(g.n_prompt_tokens), 0)::bigint AS n_prompt_tokens,
        coalesce(sum(g.n_tokens), 0)::bigint AS n_tokens
    FROM lineage.task_attempt a JOIN lineage.generation g USING (attempt_id) WHERE a.run_id = r.run_id
) g;
COMMENT ON VIEW analytics.run_summary IS
    'Every run: how long, how many attempts, what it generated anew and published.';
COMMENT ON COLUMN analytics.run_summary.run_id IS 'The run.';
COMMENT ON COLUMN analytics.run_summary.flow IS 'Which flow.';
COMMENT ON COLUMN analytics.run_summary.run_key IS 'The DAG run id, or the key of a command.';
COMMENT ON COLUMN analytics.run_summary.trigger_kind IS 'What started it.';
COMMENT ON COLUMN analytics.run_summary.recipe_hash IS 'Of the recipe.';
COMMENT ON COLUMN analytics.run_summary.code_version IS 'Of the code that started it.';
COMMENT ON COLUMN analytics.run_summary.created_at IS 'When it began.';
COMMENT ON COLUMN analytics.run_summary.ended_at IS 'When its last attempt ended that did.';
COMMENT ON COLUMN analytics.run_summary.seconds IS 'Between the two.';
COMMENT ON COLUMN analytics.run_summary.n_attempts IS 'Attempts at all of its tasks.';
COMMENT ON COLUMN analytics.run_summary.n_failed_attempts IS 'Those that ended without success.';
COMMENT ON COLUMN analytics.run_summary.n_generations IS 'Model outputs that this run was the first to record.';
COMMENT ON COLUMN analytics.run_summary.n_prompt_tokens IS 'That the models read for them.';
COMMENT ON COLUMN analytics.run_summary.n_tokens IS 'That the models wrote for them.';
COMMENT ON COLUMN analytics.run_summary.versions IS 'Versions that it published or quarantined.';
