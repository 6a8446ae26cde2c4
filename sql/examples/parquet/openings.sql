-- With which two words do the instructions begin?
SELECT lower(array_to_string(string_split(trim(instruction), ' ')[1:2], ' ')) AS opening, count(*) AS rows
FROM data
GROUP BY opening
ORDER BY rows DESC, opening
LIMIT 15;
