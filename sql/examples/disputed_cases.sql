-- Which test cases do the functions of their constraint disagree on?
SELECT v.dataset, v.version, v.constraint_id, v.case_id, count(*) AS functions,
    count(*) FILTER (WHERE v.agrees) AS agree, count(*) FILTER (WHERE v.verdict NOT IN ('true', 'false')) AS no_verdict
FROM verdict_matrix v
GROUP BY v.dataset, v.version, v.constraint_id, v.case_id
HAVING count(*) FILTER (WHERE v.agrees) NOT IN (0, count(*))
ORDER BY v.dataset, v.version DESC, agree, v.constraint_id, v.case_id;
