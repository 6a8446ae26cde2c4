-- Which metrics could not be computed, and why?
SELECT m.name AS metric, s.reason, count(*) AS n
FROM score s
JOIN metric m USING (metric_id)
WHERE s.value IS NULL
GROUP BY m.name, s.reason
ORDER BY n DESC, metric, reason;
