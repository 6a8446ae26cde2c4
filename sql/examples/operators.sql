-- Which operators make most of use, and which models fail to give an instruction?
SELECT r.dataset, r.version, r.operator, r.model, r.size_class, sum(r.n_in) AS tried,
    round(sum(r.n_accepted) / sum(r.n_in), 3) AS accept_rate,
    round(sum(r.n_rejected) / sum(r.n_in), 3) AS reject_rate,
    round(sum(r.n_parsed) / sum(r.n_in), 3) AS parse_rate
FROM operator_rates r
JOIN dataset_version_summary v USING (dataset, version)
WHERE v.is_head
GROUP BY r.dataset, r.version, r.operator, r.model, r.size_class
ORDER BY r.dataset, accept_rate DESC;
