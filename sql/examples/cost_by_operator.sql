-- Where do the tokens go, by operator and model?
SELECT dataset, version, operator, model, n_requests, n_tokens,
    round(tokens_per_accepted_row::numeric, 1) AS tokens_per_accepted_row
FROM token_cost
ORDER BY dataset, version, n_tokens DESC;
