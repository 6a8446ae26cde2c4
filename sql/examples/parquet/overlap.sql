-- Which rows are nearest to each other by the words that they share?
WITH words AS (
    SELECT instruction_id, any_value(instruction) AS instruction,
        list_distinct(regexp_extract_all(lower(any_value(instruction)), '\w+')) AS bag
    FROM data
    GROUP BY instruction_id
)
SELECT round(len(list_intersect(a.bag, b.bag)) / len(list_distinct(list_concat(a.bag, b.bag))), 2) AS jaccard,
    left(a.instruction, 50) AS one, left(b.instruction, 50) AS other
FROM words a JOIN words b ON a.instruction_id < b.instruction_id
ORDER BY jaccard DESC, one, other
LIMIT 8;
