-- Which benchmarks was each version held against, how many rows were refused, and which words gave them away?
SELECT c.dataset, c.version, c.benchmark, c.n_in, c.n_contaminated, c.n_items, r.item, r.operator, r.head, r.words
FROM contamination c
LEFT JOIN contaminated_rows r USING (dataset, version, benchmark)
ORDER BY c.dataset, c.version DESC, c.benchmark, r.item, r.instruction_id
LIMIT 60;
