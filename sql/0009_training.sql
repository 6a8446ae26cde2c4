-- A training run in full: what it is made of, what became of the rows, its loss, and checks of its checkpoint.

ALTER TABLE lineage.training_run
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN input_hash bytea UNIQUE CHECK (length(input_hash) = 32),
    ADD COLUMN order_hash bytea CHECK (length(order_hash) = 32),
    ADD COLUMN counts jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN folder text NOT NULL DEFAULT '',
    ADD COLUMN ended_at timestamptz;
COMMENT ON COLUMN lineage.training_run.input_hash IS
    'SHA-256 over the versions, the base model and the configuration: the same inputs are one run, trained once.';
COMMENT ON COLUMN lineage.training_run.order_hash IS 'SHA-256 of order.parquet in its folder: which row in which step.';
COMMENT ON COLUMN lineage.training_run.counts IS 'Rows read, used, cut, left out by reason; samples, steps, processes.';
COMMENT ON COLUMN lineage.training_run.attempt_id IS 'The last attempt at it.';

CREATE TABLE lineage.training_loss (
    training_run_id bigint NOT NULL REFERENCES lineage.training_run,
    step int NOT NULL,
    loss float8,
    learning_rate float8,
    PRIMARY KEY (training_run_id, step)
);
COMMENT ON COLUMN lineage.training_loss.loss IS
    'Mean over the response tokens of the step, nats; of dpo its own loss; null where it was not finite.';

CREATE TABLE lineage.instruction_check (
    model_revision text NOT NULL,
    suite_hash bytea NOT NULL CHECK (length(suite_hash) = 32),
    item int NOT NULL,
    number int NOT NULL,
    benchmark text NOT NULL,
    check_id text NOT NULL,
    strict boolean,
    loose boolean,
    reason text NOT NULL,
    request_hash bytea,
    attempt_id bigint NOT NULL,
    PRIMARY KEY (model_revision, suite_hash, item, number)
);
COMMENT ON TABLE lineage.instruction_check IS
    'IFEval-style checks: one line a verifiable instruction of a prompt that a model answered.';
COMMENT ON COLUMN lineage.instruction_check.model_revision IS
    'SHA-256 over the weight files; a checkpoint has the same.';
COMMENT ON COLUMN lineage.instruction_check.suite_hash IS 'SHA-256 over the prompts, the decoding and the seed.';
COMMENT ON COLUMN lineage.instruction_check.strict IS 'Null where the model gave no answer; reason says why.';
