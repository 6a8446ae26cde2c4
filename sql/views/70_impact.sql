-- What hangs on a row, a model or a prompt; what stands behind a checkpoint.

CREATE FUNCTION analytics.affected_versions(p_instructions uuid[])
RETURNS TABLE (dataset text, version int, kind text, state text, is_head boolean, n_affected bigint, n_rows bigint)
LANGUAGE sql STABLE AS $$
    WITH line AS MATERIALIZED (SELECT instruction_id FROM analytics.descendants(p_instructions))
    SELECT d.name, v.version, d.kind, v.state::text, v.version IS NOT DISTINCT FROM d.head_version,
        count(*), v.n_rows
    FROM line
    JOIN lineage.row_location l ON l.row_id = line.instruction_id
    JOIN lineage.dataset_version_file f ON f.file_id = l.file_id AND f.role = 'data'
    JOIN lineage.dataset_version v USING (dataset_id, version)
    JOIN lineage.dataset d USING (dataset_id)
    GROUP BY d.name, v.version, d.kind, v.state, d.head_version, v.n_rows
    ORDER BY d.name, v.version
$$;
COMMENT ON FUNCTION analytics.affected_versions IS
    'Versions that hold any of these instructions or anything evolved from them, with how many such rows.';

CREATE FUNCTION analytics.affected_checkpoints(p_instructions uuid[])
RETURNS TABLE (
    training_run_id bigint, training_state text, base_model text, dataset text, version int, split text,
    n_affected bigint, checkpoint text, step int, uri text
)
LANGUAGE sql STABLE AS $$
    SELECT t.training_run_id, t.state, m.name, a.dataset, a.version, i.split, a.n_affected,
        encode(c.sha256, 'hex'), c.step, c.uri
    FROM analytics.affected_versions(p_instructions) a
    JOIN lineage.dataset d ON d.name = a.dataset
    JOIN lineage.training_input i ON (i.dataset_id, i.version) = (d.dataset_id, a.version)
    JOIN lineage.training_run t USING (training_run_id)
    JOIN lineage.model m ON m.model_id = t.base_model_id
    LEFT JOIN lineage.checkpoint c USING (training_run_id)
    ORDER BY t.training_run_id, c.step, a.dataset, a.version, i.split
$$;
COMMENT ON FUNCTION analytics.affected_checkpoints IS
    'Training runs that read such a version, and their checkpoints; checkpoint is null where a run has none yet.';

CREATE VIEW analytics.step_use AS
WITH used AS (
    SELECT o.dataset_id, o.version, q.step_id, o.row_id
    FROM lineage.outcome o CROSS JOIN LATERAL (VALUES (o.step_id), (o.respond_step_id)) q (step_id)
    WHERE o.status = 'accepted' AND q.step_id IS NOT NULL
)
SELECT d.name AS dataset, u.version, v.state::text AS state, s.operator, s.round, p.name AS prompt,
    encode(p.sha256, 'hex') AS prompt_hash, m.name AS model, m.revision AS model_revision, s.size_class,
    count(*) AS n_rows
FROM used u
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.dataset_version v USING (dataset_id, version)
JOIN lineage.step s USING (step_id)
JOIN lineage.prompt p USING (prompt_id)
JOIN lineage.model m USING (model_id)
GROUP BY d.name, u.version, v.state, s.operator, s.round, p.name, p.sha256, m.name, m.revision, s.size_class;
COMMENT ON VIEW analytics.step_use IS 'Which steps (operator or respond, prompt, model) made the rows of a version.';
COMMENT ON COLUMN analytics.step_use.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.step_use.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.step_use.state IS 'published, quarantined or retracted.';
COMMENT ON COLUMN analytics.step_use.operator IS 'Of evolution, or respond for the answers.';
COMMENT ON COLUMN analytics.step_use.round IS 'From 0.';
COMMENT ON COLUMN analytics.step_use.prompt IS 'Name of the prompt.';
COMMENT ON COLUMN analytics.step_use.prompt_hash IS 'SHA-256 of its body.';
COMMENT ON COLUMN analytics.step_use.model IS 'That was asked.';
COMMENT ON COLUMN analytics.step_use.model_revision IS 'SHA-256 over its weight files.';
COMMENT ON COLUMN analytics.step_use.size_class IS 'slm or llm.';
COMMENT ON COLUMN analytics.step_use.n_rows IS 'Rows of the version that it made.';

CREATE FUNCTION analytics.rows_by_model(p_model text) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT o.row_id
    FROM lineage.outcome o
    JOIN lineage.step s ON s.step_id IN (o.step_id, o.respond_step_id)
    JOIN lineage.model m USING (model_id)
    WHERE m.name = p_model AND o.status = 'accepted' AND o.row_id IS NOT NULL
$$;
COMMENT ON FUNCTION analytics.rows_by_model IS 'Accepted instructions that a model evolved or answered, in any version.';

CREATE FUNCTION analytics.rows_by_prompt(p_prompt_hash text) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT o.row_id
    FROM lineage.outcome o
    JOIN lineage.step s ON s.step_id IN (o.step_id, o.respond_step_id)
    JOIN lineage.prompt p USING (prompt_id)
    WHERE p.sha256 = decode(p_prompt_hash, 'hex') AND o.status = 'accepted' AND o.row_id IS NOT NULL
$$;
COMMENT ON FUNCTION analytics.rows_by_prompt IS 'Accepted instructions that a prompt made or had answered.';

CREATE FUNCTION analytics.model_uses(p_model text)
RETURNS TABLE (work text, what text, dataset text, version int, model_revision text, n_rows bigint)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN u.operator = 'respond' THEN 'answered' ELSE 'evolved' END, format('%s, round %s', u.operator, u.round),
        u.dataset, u.version, u.model_revision, u.n_rows
    FROM analytics.step_use u WHERE u.model = p_model
    UNION ALL
    SELECT 'scored', mt.name, d.name, v.version, sc.revision, sum(v.n_rows)::bigint
    FROM lineage.version_metric v
    JOIN lineage.scorer sc USING (scorer_id) JOIN lineage.metric mt USING (metric_id) JOIN lineage.dataset d USING (dataset_id)
    WHERE sc.name = p_model AND v.operator IS NULL
    GROUP BY mt.name, d.name, v.version, sc.revision
    UNION ALL
    SELECT 'trained from', format('training run %s', t.training_run_id), d.name, i.version, m.revision, v.n_rows
    FROM lineage.training_run t
    JOIN lineage.model m ON m.model_id = t.base_model_id
    JOIN lineage.training_input i USING (training_run_id)
    JOIN lineage.dataset_version v USING (dataset_id, version)
    JOIN lineage.dataset d USING (dataset_id)
    WHERE m.name = p_model
    ORDER BY 3, 4, 1, 2
$$;
COMMENT ON FUNCTION analytics.model_uses IS
    'What a model did for versions: evolved, answered, scored, or was trained from. n_rows: rows that it did it to.';

CREATE FUNCTION analytics.checkpoint_sources(p_checkpoint text)
RETURNS TABLE (
    depth int, dataset text, version int, kind text, state text, split text, weight float8, n_rows bigint, parents text[]
)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE source (dataset_id, version, d, split, weight) AS (
        SELECT i.dataset_id, i.version, 0, i.split, i.weight
        FROM lineage.checkpoint c JOIN lineage.training_input i USING (training_run_id)
        WHERE c.sha256 = decode(p_checkpoint, 'hex')
        UNION
        SELECT p.parent_dataset_id, p.parent_version, source.d + 1, NULL, NULL
        FROM source JOIN lineage.version_parent p USING (dataset_id, version)
    )
    SELECT min(s.d), d.name, v.version, d.kind, v.state::text, max(s.split), max(s.weight), v.n_rows,
        ARRAY(SELECT format('%s@%s', pd.name, p.parent_version) FROM lineage.version_parent p
            JOIN lineage.dataset pd ON pd.dataset_id = p.parent_dataset_id
            WHERE (p.dataset_id, p.version) = (v.dataset_id, v.version) ORDER BY p.ord)
    FROM source s
    JOIN lineage.dataset_version v USING (dataset_id, version)
    JOIN lineage.dataset d USING (dataset_id)
    GROUP BY d.name, v.dataset_id, v.version, d.kind, v.state, v.n_rows, s.split
    ORDER BY 1, 2, 3, 6
$$;
COMMENT ON FUNCTION analytics.checkpoint_sources IS
    'Versions that a checkpoint was trained on (depth 0), and those that they were built from.';
