-- Who ran, what their stages put out, and which objects exist.

CREATE TABLE lineage.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    flow text NOT NULL,
    run_key text NOT NULL,
    trigger_kind text NOT NULL,
    conf jsonb NOT NULL DEFAULT '{}',
    code_version text NOT NULL,
    recipe_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (flow, run_key)
);
COMMENT ON TABLE lineage.run IS 'One run of a flow: a DAG run, or one `evol run`.';
COMMENT ON COLUMN lineage.run.run_key IS 'What tells the runs of one flow apart: the DAG run id.';

CREATE TABLE lineage.task_attempt (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES lineage.run,
    task text NOT NULL,
    shard int NOT NULL,
    try_number int NOT NULL,
    code_version text NOT NULL,
    state text NOT NULL DEFAULT 'running',
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    UNIQUE (run_id, task, shard, try_number)
);
COMMENT ON TABLE lineage.task_attempt IS
    'One try at one task. attempt_id is the fencing token: of two at the same work the larger one owns it.';
COMMENT ON COLUMN lineage.task_attempt.shard IS '-1 where the task has no shards.';

CREATE TABLE lineage.stage_output (
    run_id bigint NOT NULL REFERENCES lineage.run,
    stage text NOT NULL,
    shard int NOT NULL,
    attempt_id bigint NOT NULL REFERENCES lineage.task_attempt,
    output json NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, stage, shard)
);
COMMENT ON TABLE lineage.stage_output IS 'What a stage hands to the next: object hashes and counts, never rows.';
COMMENT ON COLUMN lineage.stage_output.output IS 'json, not jsonb: texts come back as they were, NUL characters too.';

CREATE TABLE lineage.object_file (
    file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    n_bytes bigint NOT NULL,
    n_rows bigint NOT NULL,
    schema_hash bytea NOT NULL CHECK (length(schema_hash) = 32),
    attempt_id bigint REFERENCES lineage.task_attempt,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
COMMENT ON TABLE lineage.object_file IS 'Objects of the store that something refers to.';
COMMENT ON COLUMN lineage.object_file.attempt_id IS 'The first attempt that wrote it.';
COMMENT ON COLUMN lineage.object_file.deleted_at IS 'Set by garbage collection before the file goes.';
