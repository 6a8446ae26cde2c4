-- Which answers come more than once, word for word?
SELECT count(*) AS rows, count(DISTINCT instruction_id) AS instructions, left(any_value(output), 60) AS answer
FROM data
GROUP BY md5(lower(trim(output)))
HAVING count(*) > 1
ORDER BY rows DESC, answer
LIMIT 10;
