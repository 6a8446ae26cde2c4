-- What became of AutoIF's constraints, and where?
SELECT c.dataset, c.version, c.origin, c.stage, c.status, c.reason, c.nli, c.n, round(c.share::numeric, 3) AS share
FROM constraints_by_fate c
ORDER BY c.dataset, c.version DESC, c.n DESC, c.origin, c.stage, c.reason;
