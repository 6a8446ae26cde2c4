-- What was trained on what, and how far did the loss fall?
SELECT name, base_model, dataset, version, method, tuning, zero, n_used, steps,
    round(first_loss::numeric, 3) AS first_loss, round(last_loss::numeric, 3) AS last_loss, left(checkpoint, 12) AS checkpoint
FROM training_runs
ORDER BY training_run_id DESC;
