-- Auto Evol-Instruct: evolving methods, the optimisations that made them, and what models planned.

CREATE TABLE lineage.method (
    method_hash bytea PRIMARY KEY CHECK (length(method_hash) = 32),
    body text NOT NULL
);
COMMENT ON TABLE lineage.method IS 'Every evolving method that was used, measured or returned by an optimiser.';
COMMENT ON COLUMN lineage.method.method_hash IS 'Of the text; recipes name a method NAME@HASH.';

CREATE TABLE lineage.optimisation (
    optimisation_hash bytea PRIMARY KEY CHECK (length(optimisation_hash) = 32),
    dataset text NOT NULL,
    base_hash bytea NOT NULL REFERENCES lineage.method,
    best_hash bytea NOT NULL REFERENCES lineage.method,
    evolver_id int NOT NULL REFERENCES lineage.model,
    optimiser_id int NOT NULL REFERENCES lineage.model,
    stop text NOT NULL,
    n_calls bigint NOT NULL,
    n_prompt_tokens bigint NOT NULL,
    n_tokens bigint NOT NULL,
    attempt_id bigint NOT NULL REFERENCES lineage.task_attempt,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX optimisation_of ON lineage.optimisation (dataset);
COMMENT ON TABLE lineage.optimisation IS
    'One loop that improved a method. The same loop again, or taken further, is the same line.';
COMMENT ON COLUMN lineage.optimisation.optimisation_hash IS
    'SHA-256 of all that decides it but for how many steps and calls it may take.';
COMMENT ON COLUMN lineage.optimisation.n_calls IS 'Of all steps, mini-batches too: more than the trials'' together.';

CREATE TABLE lineage.method_trial (
    optimisation_hash bytea NOT NULL REFERENCES lineage.optimisation,
    step int NOT NULL,
    candidate int NOT NULL,
    method_hash bytea REFERENCES lineage.method,
    parent_hash bytea REFERENCES lineage.method,
    reason text NOT NULL,
    n_rows int NOT NULL,
    n_failed int NOT NULL CHECK (n_failed BETWEEN 0 AND n_rows),
    failures jsonb NOT NULL,
    n_calls bigint NOT NULL,
    n_prompt_tokens bigint NOT NULL,
    n_tokens bigint NOT NULL,
    is_winner boolean NOT NULL,
    PRIMARY KEY (optimisation_hash, step, candidate)
);
CREATE INDEX method_trial_of ON lineage.method_trial (method_hash);
COMMENT ON COLUMN lineage.method_trial.method_hash IS 'Null where the optimiser returned no method; the reason says why.';
COMMENT ON COLUMN lineage.method_trial.n_rows IS 'Of the development set; 0 where it was not measured.';

CREATE TABLE lineage.trajectory (
    dataset_id int NOT NULL,
    version int NOT NULL,
    ordinal bigint NOT NULL,
    round int NOT NULL,
    operator text NOT NULL,
    outcome text NOT NULL,
    n_methods int NOT NULL,
    PRIMARY KEY (dataset_id, version, ordinal, round)
);
COMMENT ON TABLE lineage.trajectory IS
    'How each reply of self-planned evolution was read. Its steps stand in the version''s evidence objects.';
COMMENT ON COLUMN lineage.trajectory.outcome IS 'json or headings: read; any other: why it could not be.';

CREATE TABLE lineage.trajectory_phrase (
    dataset_id int NOT NULL,
    version int NOT NULL,
    round int NOT NULL,
    phrase text NOT NULL,
    n_methods int NOT NULL,
    n_spellings int NOT NULL,
    PRIMARY KEY (dataset_id, version, round, phrase)
);
COMMENT ON TABLE lineage.trajectory_phrase IS 'Ways to make an instruction harder, near ones together, with their counts.';
