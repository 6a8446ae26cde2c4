-- Which kinds of verifiable instructions does each checkpoint follow?
SELECT left(model_revision, 12) AS model, training_run_id, left(suite, 12) AS suite, check_id, n, n_checked,
    round(strict_rate::numeric, 3) AS strict_rate, round(loose_rate::numeric, 3) AS loose_rate
FROM instruction_checks
ORDER BY model_revision, suite, check_id;
