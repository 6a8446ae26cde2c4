-- Training runs, their losses, and how well their checkpoints follow instructions.

CREATE VIEW analytics.training_runs AS
SELECT t.training_run_id, t.name, m.name AS base_model, m.revision AS base_revision, d.name AS dataset, i.version,
    t.state, t.config ->> 'method' AS method, t.config ->> 'tuning' AS tuning, (t.config ->> 'zero')::int AS zero,
    (t.counts ->> 'rows')::bigint AS n_rows, (t.counts ->> 'used')::bigint AS n_used,
    (t.counts ->> 'cut')::bigint AS n_cut, t.counts -> 'left_out' AS left_out,
    (t.counts ->> 'steps')::int AS steps, l.first_loss, l.last_loss, encode(c.sha256, 'hex') AS checkpoint, c.uri,
    t.ended_at
FROM lineage.training_run t
JOIN lineage.model m ON m.model_id = t.base_model_id
LEFT JOIN lineage.training_input i USING (training_run_id)
LEFT JOIN lineage.dataset d USING (dataset_id)
LEFT JOIN lineage.checkpoint c USING (training_run_id)
LEFT JOIN LATERAL (
    SELECT (array_agg(loss ORDER BY step))[1] AS first_loss, (array_agg(loss ORDER BY step DESC))[1] AS last_loss
    FROM lineage.training_loss x WHERE x.training_run_id = t.training_run_id
) l ON true;
COMMENT ON VIEW analytics.training_runs IS 'One line a training run and input version.';
COMMENT ON COLUMN analytics.training_runs.training_run_id IS 'The run.';
COMMENT ON COLUMN analytics.training_runs.name IS 'Of the recipe.';
COMMENT ON COLUMN analytics.training_runs.base_model IS 'What was trained.';
COMMENT ON COLUMN analytics.training_runs.base_revision IS 'SHA-256 over the weight files of the base model.';
COMMENT ON COLUMN analytics.training_runs.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.training_runs.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.training_runs.state IS 'running, failed or done.';
COMMENT ON COLUMN analytics.training_runs.method IS 'sft or dpo.';
COMMENT ON COLUMN analytics.training_runs.tuning IS 'full or lora.';
COMMENT ON COLUMN analytics.training_runs.zero IS 'Stage of DeepSpeed.';
COMMENT ON COLUMN analytics.training_runs.n_rows IS 'Rows of the version.';
COMMENT ON COLUMN analytics.training_runs.n_used IS 'Rows that it was trained on.';
COMMENT ON COLUMN analytics.training_runs.n_cut IS 'Of these, rows whose end was cut off.';
COMMENT ON COLUMN analytics.training_runs.left_out IS 'Rows that were left out, by reason.';
COMMENT ON COLUMN analytics.training_runs.steps IS 'Optimiser steps.';
COMMENT ON COLUMN analytics.training_runs.first_loss IS 'Of the first step.';
COMMENT ON COLUMN analytics.training_runs.last_loss IS 'Of the last step.';
COMMENT ON COLUMN analytics.training_runs.checkpoint IS 'SHA-256 over its weight files; null until it is done.';
COMMENT ON COLUMN analytics.training_runs.uri IS 'Where the checkpoint lies.';
COMMENT ON COLUMN analytics.training_runs.ended_at IS 'When it was done.';

CREATE VIEW analytics.training_loss AS
SELECT training_run_id, step, loss, learning_rate FROM lineage.training_loss;
COMMENT ON VIEW analytics.training_loss IS 'The loss of every step.';
COMMENT ON COLUMN analytics.training_loss.training_run_id IS 'The run.';
COMMENT ON COLUMN analytics.training_loss.step IS 'Optimiser step, from 1.';
COMMENT ON COLUMN analytics.training_loss.loss IS 'Nats a response token; of dpo its own loss.';
COMMENT ON COLUMN analytics.training_loss.learning_rate IS 'At that step.';

CREATE VIEW analytics.instruction_checks AS
SELECT k.model_revision, encode(c.sha256, 'hex') AS checkpoint, c.training_run_id,
    encode(k.suite_hash, 'hex') AS suite, k.benchmark, k.check_id, count(*) AS n, count(k.strict) AS n_checked,
    avg(k.strict::int) AS strict_rate, avg(k.loose::int) AS loose_rate
FROM lineage.instruction_check k
LEFT JOIN lineage.checkpoint c ON encode(c.sha256, 'hex') = k.model_revision
GROUP BY k.model_revision, c.sha256, c.training_run_id, k.suite_hash, k.benchmark, k.check_id;
COMMENT ON VIEW analytics.instruction_checks IS 'How often a model follows each kind of verifiable instruction.';
COMMENT ON COLUMN analytics.instruction_checks.model_revision IS 'SHA-256 over the weight files.';
COMMENT ON COLUMN analytics.instruction_checks.checkpoint IS 'The same, where it is a checkpoint of ours; else null.';
COMMENT ON COLUMN analytics.instruction_checks.training_run_id IS 'The run that made the checkpoint.';
COMMENT ON COLUMN analytics.instruction_checks.suite IS 'SHA-256 over prompts, decoding and seed.';
COMMENT ON COLUMN analytics.instruction_checks.benchmark IS 'ifeval or ifbench: whose checks they are.';
COMMENT ON COLUMN analytics.instruction_checks.check_id IS 'Kind of instruction, as the benchmark calls it.';
COMMENT ON COLUMN analytics.instruction_checks.n IS 'Instructions of the kind.';
COMMENT ON COLUMN analytics.instruction_checks.n_checked IS 'Of these, those with an answer to check.';
COMMENT ON COLUMN analytics.instruction_checks.strict_rate IS 'Share that holds as answered.';
COMMENT ON COLUMN analytics.instruction_checks.loose_rate IS 'Share that holds without first or last line, or marks.';
