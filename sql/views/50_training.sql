-- Which checkpoint saw which row.

CREATE VIEW analytics.checkpoint_exposure AS
SELECT l.row_id AS instruction_id, d.name AS dataset, f.version, i.split, i.training_run_id, m.name AS base_model,
    encode(c.sha256, 'hex') AS checkpoint, c.step, c.uri
FROM lineage.row_location l
JOIN lineage.dataset_version_file f ON f.file_id = l.file_id AND f.role = 'data'
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.training_input i ON (i.dataset_id, i.version) = (f.dataset_id, f.version)
JOIN lineage.training_run t USING (training_run_id)
JOIN lineage.model m ON m.model_id = t.base_model_id
JOIN lineage.checkpoint c USING (training_run_id);
COMMENT ON VIEW analytics.checkpoint_exposure IS 'Every checkpoint that was trained on a version with the row in it.';
COMMENT ON COLUMN analytics.checkpoint_exposure.instruction_id IS 'The row.';
COMMENT ON COLUMN analytics.checkpoint_exposure.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.checkpoint_exposure.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.checkpoint_exposure.split IS 'Which part of the training input.';
COMMENT ON COLUMN analytics.checkpoint_exposure.training_run_id IS 'The training run.';
COMMENT ON COLUMN analytics.checkpoint_exposure.base_model IS 'What was trained.';
COMMENT ON COLUMN analytics.checkpoint_exposure.checkpoint IS 'SHA-256 over its weight files.';
COMMENT ON COLUMN analytics.checkpoint_exposure.step IS 'Optimiser steps before it was written.';
COMMENT ON COLUMN analytics.checkpoint_exposure.uri IS 'Where it lies.';
