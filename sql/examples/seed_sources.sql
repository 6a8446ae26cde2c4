-- Which sources and licences do the seeds of each dataset come from?
SELECT v.dataset, v.version, p.source, p.licence, count(*) AS seeds
FROM row_version v
JOIN row_provenance p USING (instruction_id)
WHERE p.operator = 'seed'
GROUP BY v.dataset, v.version, p.source, p.licence
ORDER BY v.dataset, v.version, seeds DESC;
