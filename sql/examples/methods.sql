-- Which evolving methods were tried, how often does each fail, and what did that cost?
SELECT dataset, step, candidate, left(method, 12) AS method, left(parent, 12) AS parent, reason, n_failed, n_rows,
    round(failure_rate::numeric, 3) AS failure_rate, n_calls, n_prompt_tokens + n_tokens AS tokens, is_winner, stop
FROM method_trials
ORDER BY made_at DESC, optimisation, step, candidate;
