-- Where a row comes from and what came of it.

CREATE FUNCTION analytics.ancestors(p_instruction uuid, p_max_depth int DEFAULT 100)
RETURNS TABLE (instruction_id uuid, depth int)
LANGUAGE sql STABLE ROWS 20 AS $$
    WITH RECURSIVE line (id, d) AS (
        SELECT p_instruction, 0
        UNION
        SELECT e.parent_id, line.d + 1
        FROM line JOIN lineage.derivation e ON e.child_id = line.id
        WHERE line.d < p_max_depth
    )
    SELECT id, min(d) FROM line GROUP BY id ORDER BY min(d), id
$$;
COMMENT ON FUNCTION analytics.ancestors IS
    'An instruction (depth 0) and everything it was evolved from, back to seeds; depth is the shortest way.';

CREATE FUNCTION analytics.descendants(p_instructions uuid[], p_max_depth int DEFAULT 100)
RETURNS TABLE (instruction_id uuid, depth int)
LANGUAGE sql STABLE ROWS 20 AS $$
    WITH RECURSIVE line (id, d) AS (
        SELECT unnest(p_instructions), 0
        UNION
        SELECT e.child_id, line.d + 1
        FROM line JOIN lineage.derivation e ON e.parent_id = line.id
        WHERE line.d < p_max_depth
    )
    SELECT id, min(d) FROM line GROUP BY id ORDER BY min(d), id
$$;
COMMENT ON FUNCTION analytics.descendants IS
    'Instructions (depth 0) and everything that was evolved from them, refused evolutions too.';

CREATE VIEW analytics.row_provenance AS
SELECT e.child_id AS instruction_id, e.parent_id, i.head, s.operator, s.round,
    p.name AS prompt, encode(p.sha256, 'hex') AS prompt_hash,
    m.name AS model, m.revision AS model_revision, m.tokenizer, s.size_class, d.params AS decoding, s.code_version,
    encode(e.request_hash, 'hex') AS request_hash, g.seed, g.finish_reason, g.n_prompt_tokens, g.n_tokens, g.seconds,
    r.flow, r.run_key, t.task, t.shard, t.try_number, t.attempt_id,
    NULL::text AS source, NULL::bigint AS line, NULL::text AS licence
FROM lineage.derivation e
JOIN lineage.step s USING (step_id)
JOIN lineage.prompt p USING (prompt_id)
JOIN lineage.model m ON m.model_id = s.model_id
JOIN lineage.decoding d USING (decoding_id)
LEFT JOIN lineage.instruction i ON i.instruction_id = e.child_id
LEFT JOIN lineage.generation g ON g.request_hash = e.request_hash
LEFT JOIN lineage.task_attempt t ON t.attempt_id = coalesce(g.attempt_id, s.attempt_id)
LEFT JOIN lineage.run r USING (run_id)
UNION ALL
SELECT o.instruction_id, NULL, i.head, 'seed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, t.code_version,
    NULL, NULL, NULL, NULL, NULL, NULL, r.flow, r.run_key, t.task, t.shard, t.try_number, t.attempt_id,
    o.source, o.line, o.licence
FROM lineage.seed_origin o
LEFT JOIN lineage.instruction i USING (instruction_id)
LEFT JOIN lineage.task_attempt t USING (attempt_id)
LEFT JOIN lineage.run r USING (run_id);
COMMENT ON VIEW analytics.row_provenance IS
    'How every instruction came about: one line for each way it was evolved, and one for each place in a seed source.';
COMMENT ON COLUMN analytics.row_provenance.instruction_id IS 'Made of the text: the same text has the same id.';
COMMENT ON COLUMN analytics.row_provenance.parent_id IS 'What it was evolved from; null for a seed.';
COMMENT ON COLUMN analytics.row_provenance.head IS 'The first 120 characters.';
COMMENT ON COLUMN analytics.row_provenance.operator IS 'How it was evolved; seed where it was not.';
COMMENT ON COLUMN analytics.row_provenance.round IS 'From 0; null for a seed.';
COMMENT ON COLUMN analytics.row_provenance.prompt IS 'Name of the prompt; its body is in lineage.prompt.';
COMMENT ON COLUMN analytics.row_provenance.prompt_hash IS 'SHA-256 of the body of the prompt.';
COMMENT ON COLUMN analytics.row_provenance.model IS 'The evolver.';
COMMENT ON COLUMN analytics.row_provenance.model_revision IS 'SHA-256 over the weight files.';
COMMENT ON COLUMN analytics.row_provenance.tokenizer IS 'SHA-256 over the tokenizer files.';
COMMENT ON COLUMN analytics.row_provenance.size_class IS 'slm or llm: the arm of the comparison.';
COMMENT ON COLUMN analytics.row_provenance.decoding IS 'Temperature, top_p and the other parameters.';
COMMENT ON COLUMN analytics.row_provenance.code_version IS 'Of the code that made it.';
COMMENT ON COLUMN analytics.row_provenance.request_hash IS 'Of the recorded generation.';
COMMENT ON COLUMN analytics.row_provenance.seed IS 'The random seed of the request.';
COMMENT ON COLUMN analytics.row_provenance.finish_reason IS 'stop, length or error.';
COMMENT ON COLUMN analytics.row_provenance.n_prompt_tokens IS 'Tokens that the model read.';
COMMENT ON COLUMN analytics.row_provenance.n_tokens IS 'Tokens that it wrote.';
COMMENT ON COLUMN analytics.row_provenance.seconds IS 'From submission to end; requests of one batch overlap.';
COMMENT ON COLUMN analytics.row_provenance.flow IS 'Of the run whose attempt generated it.';
COMMENT ON COLUMN analytics.row_provenance.run_key IS 'Of that run.';
COMMENT ON COLUMN analytics.row_provenance.task IS 'Of that attempt.';
COMMENT ON COLUMN analytics.row_provenance.shard IS 'Of that attempt.';
COMMENT ON COLUMN analytics.row_provenance.try_number IS 'Of that attempt.';
COMMENT ON COLUMN analytics.row_provenance.attempt_id IS 'That attempt.';
COMMENT ON COLUMN analytics.row_provenance.source IS 'File that a seed stood in.';
COMMENT ON COLUMN analytics.row_provenance.line IS 'Its line there, from 1.';
COMMENT ON COLUMN analytics.row_provenance.licence IS 'SPDX name of the licence of the seed.';

CREATE VIEW analytics.response_provenance AS
SELECT a.response_id, a.instruction_id, a.n_chars, coalesce(s.operator, 'seed') AS operator, s.round,
    p.name AS prompt, encode(p.sha256, 'hex') AS prompt_hash, m.name AS model, m.revision AS model_revision,
    m.tokenizer, s.size_class, d.params AS decoding, s.code_version, encode(a.request_hash, 'hex') AS request_hash,
    g.seed, g.finish_reason, g.n_prompt_tokens, g.n_tokens, g.seconds,
    r.flow, r.run_key, t.task, t.shard, t.try_number, t.attempt_id
FROM lineage.response a
LEFT JOIN lineage.step s USING (step_id)
LEFT JOIN lineage.prompt p USING (prompt_id)
LEFT JOIN lineage.model m ON m.model_id = s.model_id
LEFT JOIN lineage.decoding d USING (decoding_id)
LEFT JOIN lineage.generation g ON g.request_hash = a.request_hash
LEFT JOIN lineage.task_attempt t ON t.attempt_id = coalesce(g.attempt_id, s.attempt_id)
LEFT JOIN lineage.run r USING (run_id);
COMMENT ON VIEW analytics.response_provenance IS
    'How every response came about. Columns as in row_provenance; operator seed: the source brought the answer.';
COMMENT ON COLUMN analytics.response_provenance.response_id IS 'Made of instruction, input and response.';
COMMENT ON COLUMN analytics.response_provenance.instruction_id IS 'What it answers.';
COMMENT ON COLUMN analytics.response_provenance.n_chars IS 'Length of the response.';

CREATE VIEW analytics.row_version AS
SELECT l.row_id AS instruction_id, d.name AS dataset, f.version, v.state::text AS state,
    encode(o.sha256, 'hex') AS object, l.row_no
FROM lineage.row_location l
JOIN lineage.dataset_version_file f ON f.file_id = l.file_id AND f.role = 'data'
JOIN lineage.object_file o ON o.file_id = l.file_id
JOIN lineage.dataset_version v USING (dataset_id, version)
JOIN lineage.dataset d USING (dataset_id);
COMMENT ON VIEW analytics.row_version IS 'Which versions hold which instruction, and where its full text lies.';
COMMENT ON COLUMN analytics.row_version.instruction_id IS 'The row.';
COMMENT ON COLUMN analytics.row_version.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.row_version.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.row_version.state IS 'published, quarantined or retracted.';
COMMENT ON COLUMN analytics.row_version.object IS 'SHA-256 of the Parquet object.';
COMMENT ON COLUMN analytics.row_version.row_no IS 'Row in that object, from 0.';

-- What a column means in row_provenance it means here, too.
DO $$
DECLARE
    said record;
BEGIN
    FOR said IN
        SELECT theirs.attname, col_description(theirs.attrelid, theirs.attnum) AS meaning
        FROM pg_attribute theirs JOIN pg_attribute ours
            ON ours.attrelid = 'analytics.response_provenance'::regclass AND ours.attname = theirs.attname
        WHERE theirs.attrelid = 'analytics.row_provenance'::regclass
            AND theirs.attname <> 'instruction_id' AND theirs.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN analytics.response_provenance.%I IS %L', said.attname, said.meaning);
    END LOOP;
END $$;
COMMENT ON COLUMN analytics.response_provenance.model IS 'The model that answered.';
COMMENT ON COLUMN analytics.response_provenance.operator IS 'respond; seed where the source brought the answer.';
