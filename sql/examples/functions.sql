-- Why were the functions that a model wrote for AutoIF's constraints refused, and how many were kept?
SELECT f.dataset, f.version, f.model, f.stage, f.status, f.reason, f.n, round(f.share::numeric, 3) AS share
FROM functions_by_reason f
ORDER BY f.dataset, f.version DESC, f.model, f.n DESC, f.stage, f.reason;
