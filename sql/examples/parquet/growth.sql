-- How do instructions and answers grow from round to round, in words?
SELECT round, count(*) AS rows,
    round(avg(len(regexp_extract_all(instruction, '\S+'))), 1) AS instruction_words,
    round(avg(len(regexp_extract_all(output, '\S+'))), 1) AS answer_words
FROM data
GROUP BY round
ORDER BY round;
