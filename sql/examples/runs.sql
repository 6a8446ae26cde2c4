-- What did the latest runs do, and how much was generated anew rather than replayed?
SELECT run_id, flow, run_key, created_at, round(seconds::numeric, 1) AS seconds, n_attempts, n_failed_attempts,
    n_generations, n_tokens, versions
FROM run_summary
ORDER BY run_id DESC
LIMIT 20;
