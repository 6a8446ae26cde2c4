-- Which versions are there, and how many rows went in, came out, were refused?
SELECT dataset, version, state, is_head, n_in, n_accepted, n_rejected, n_failed,
    round(reject_rate::numeric, 3) AS reject_rate, closed_gates, parents, created_at
FROM dataset_version_summary
ORDER BY dataset, version;
