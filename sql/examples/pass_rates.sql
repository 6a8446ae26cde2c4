-- Which constraints do responses satisfy, and which model satisfies them more often?
SELECT p.dataset, p.version, p.model, p.constraint_head, p.n_responses, p.n_checked, p.n_accepted,
    round(p.mean_pass_rate::numeric, 3) AS mean_pass_rate, round(p.mean_quality::numeric, 2) AS mean_quality
FROM pass_rates p
ORDER BY p.dataset, p.version DESC, p.mean_pass_rate DESC NULLS LAST, p.constraint_head, p.model;
