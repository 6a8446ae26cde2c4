-- What does an accepted row cost in tokens and request time?
SELECT dataset, version, sum(n_requests) AS requests, sum(n_prompt_tokens) AS prompt_tokens, sum(n_tokens) AS tokens,
    round(sum(tokens_per_accepted_row)::numeric, 1) AS tokens_per_accepted_row,
    round(sum(request_seconds_per_accepted_row)::numeric, 2) AS request_seconds_per_accepted_row
FROM token_cost
GROUP BY dataset, version
ORDER BY dataset, version;
