-- Scores, long and partitioned by metric; training runs and checkpoints; the outbox.

CREATE TABLE lineage.metric (
    metric_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE lineage.scorer (
    scorer_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    revision text NOT NULL,
    UNIQUE (name, revision)
);
COMMENT ON COLUMN lineage.scorer.name IS 'The model that scored; empty for arithmetic on the text alone.';
COMMENT ON COLUMN lineage.scorer.revision IS 'Hash of all that decides the score beside the text.';

CREATE TABLE lineage.score (
    metric_id smallint NOT NULL,
    subject_id uuid NOT NULL,
    scorer_id int NOT NULL,
    value float8,
    label text NOT NULL,
    reason text NOT NULL,
    attempt_id bigint NOT NULL,
    PRIMARY KEY (subject_id, metric_id, scorer_id)
) PARTITION BY LIST (metric_id);
COMMENT ON COLUMN lineage.score.subject_id IS 'An instruction or a response; the metric says which.';
COMMENT ON COLUMN lineage.score.value IS 'Null where it could not be computed; reason says why.';

-- A metric's number. A new metric gets its own partition, made aside and attached, so that readers and writers
-- of other metrics are not held up.
CREATE FUNCTION lineage.metric_number(p_name text) RETURNS smallint
LANGUAGE plpgsql AS $$
DECLARE
    found_id smallint;
BEGIN
    SELECT metric_id INTO found_id FROM lineage.metric WHERE name = p_name;
    IF FOUND THEN
        RETURN found_id;
    END IF;
    INSERT INTO lineage.metric (name) VALUES (p_name) ON CONFLICT (name) DO NOTHING RETURNING metric_id INTO found_id;
    IF NOT FOUND THEN
        SELECT metric_id INTO STRICT found_id FROM lineage.metric WHERE name = p_name;
        RETURN found_id;
    END IF;
    EXECUTE format('CREATE TABLE lineage.score_%s (LIKE lineage.score INCLUDING ALL)', found_id);
    EXECUTE format(
        'ALTER TABLE lineage.score ATTACH PARTITION lineage.score_%s FOR VALUES IN (%s)', found_id, found_id
    );
    RETURN found_id;
END $$;

-- Figures of a version's accepted rows, made once when it is published, so that analysts need not wait for them.
CREATE TABLE lineage.version_metric (
    dataset_id int NOT NULL,
    version int NOT NULL,
    metric_id smallint NOT NULL REFERENCES lineage.metric,
    scorer_id int NOT NULL REFERENCES lineage.scorer,
    round int NOT NULL,
    operator text,
    model_id int NOT NULL,
    size_class text NOT NULL,
    n_rows bigint NOT NULL,
    n_scored bigint NOT NULL,
    mean float8,
    deviation float8,
    p05 float8,
    median float8,
    p95 float8
);
CREATE INDEX version_metric_of ON lineage.version_metric (dataset_id, version);
COMMENT ON COLUMN lineage.version_metric.operator IS 'Null in the line that counts all operators together.';

-- Make a version's figures, or make them anew after its rows were scored by another metric or scorer.
CREATE FUNCTION lineage.summarise_scores(p_dataset int, p_version int) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM lineage.version_metric WHERE dataset_id = p_dataset AND version = p_version;
    WITH subject AS (
        SELECT o.round, o.step_id, s.subject_id
        FROM lineage.outcome o CROSS JOIN LATERAL (VALUES (o.row_id), (o.response_id)) s (subject_id)
        WHERE o.dataset_id = p_dataset AND o.version = p_version AND o.status = 'accepted'
    ), figure AS (
        SELECT sc.metric_id, sc.scorer_id, su.round, st.operator, st.model_id, st.size_class,
            count(*) AS n_rows, count(sc.value) AS n_scored, avg(sc.value) AS mean, stddev_samp(sc.value) AS deviation,
            percentile_cont(ARRAY[0.05, 0.5, 0.95]) WITHIN GROUP (ORDER BY sc.value) AS at
        FROM subject su
        JOIN lineage.score sc USING (subject_id)
        JOIN lineage.step st USING (step_id)
        GROUP BY GROUPING SETS (
            (sc.metric_id, sc.scorer_id, su.round, st.operator, st.model_id, st.size_class),
            (sc.metric_id, sc.scorer_id, su.round, st.model_id, st.size_class)
        )
    )
    INSERT INTO lineage.version_metric
    SELECT p_dataset, p_version, metric_id, scorer_id, round, operator, model_id, size_class,
        n_rows, n_scored, mean, deviation, at[1], at[2], at[3]
    FROM figure
$$;

CREATE TABLE lineage.training_run (
    training_run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id bigint NOT NULL UNIQUE REFERENCES lineage.task_attempt,
    base_model_id int NOT NULL REFERENCES lineage.model,
    config_hash bytea NOT NULL CHECK (length(config_hash) = 32),
    config jsonb NOT NULL,
    seed bigint NOT NULL,
    state text NOT NULL
);

CREATE TABLE lineage.training_input (
    training_run_id bigint NOT NULL REFERENCES lineage.training_run,
    dataset_id int NOT NULL,
    version int NOT NULL,
    split text NOT NULL,
    weight float8 NOT NULL DEFAULT 1,
    PRIMARY KEY (training_run_id, dataset_id, version, split),
    FOREIGN KEY (dataset_id, version) REFERENCES lineage.dataset_version
);
CREATE INDEX training_input_of ON lineage.training_input (dataset_id, version);

CREATE TABLE lineage.checkpoint (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    training_run_id bigint NOT NULL REFERENCES lineage.training_run,
    step int NOT NULL,
    uri text NOT NULL,
    UNIQUE (training_run_id, step)
);

CREATE TABLE lineage.outbox (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dedup_key text NOT NULL UNIQUE,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX outbox_todo ON lineage.outbox (event_id) WHERE sent_at IS NULL;
COMMENT ON TABLE lineage.outbox IS 'Events written in the transaction that they tell of, and sent afterwards.';
