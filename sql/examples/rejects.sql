-- Why were rows of the newest versions refused?
SELECT r.dataset, r.version, r.stage, r.status, r.reason, r.n, round(r.share::numeric, 3) AS share
FROM rejects_by_reason r
JOIN dataset_version_summary v USING (dataset, version)
WHERE v.is_head
ORDER BY r.dataset, r.n DESC, r.reason;
