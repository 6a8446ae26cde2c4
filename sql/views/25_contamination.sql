-- Decontamination: what was looked for in each version, and what was found.

CREATE VIEW analytics.contaminated_rows AS
SELECT d.name AS dataset, h.version, h.benchmark, h.item, h.words, h.row_id AS instruction_id, i.head,
    o.ordinal, o.round, s.operator, m.name AS model
FROM lineage.benchmark_hit h
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.outcome o ON o.dataset_id = h.dataset_id AND o.version = h.version AND o.row_id = h.row_id
    AND o.reason = 'contaminated'
LEFT JOIN lineage.instruction i ON i.instruction_id = h.row_id
LEFT JOIN lineage.step s ON s.step_id = o.step_id
LEFT JOIN lineage.model m ON m.model_id = s.model_id;
COMMENT ON VIEW analytics.contaminated_rows IS
    'Rows that were refused because they share 13 words in a row with an item of a benchmark: a line a row and item.';
COMMENT ON COLUMN analytics.contaminated_rows.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.contaminated_rows.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.contaminated_rows.benchmark IS 'As the recipe names it.';
COMMENT ON COLUMN analytics.contaminated_rows.item IS 'The item''s own id, or its number in the file, from 0.';
COMMENT ON COLUMN analytics.contaminated_rows.words IS 'The first 13 words that both have, as they were compared.';
COMMENT ON COLUMN analytics.contaminated_rows.instruction_id IS 'The refused row.';
COMMENT ON COLUMN analytics.contaminated_rows.head IS 'Its first 120 characters; the words may stand in its answer.';
COMMENT ON COLUMN analytics.contaminated_rows.ordinal IS 'Of its seed.';
COMMENT ON COLUMN analytics.contaminated_rows.round IS 'Of evolution, from 0.';
COMMENT ON COLUMN analytics.contaminated_rows.operator IS 'That it was evolved by.';
COMMENT ON COLUMN analytics.contaminated_rows.model IS 'The evolver.';

CREATE VIEW analytics.contamination AS
SELECT d.name AS dataset, v.version, v.state::text AS state, b.benchmark, v.n_in, v.n_rows,
    count(DISTINCT h.row_id) AS n_contaminated, count(DISTINCT h.item) AS n_items,
    count(DISTINCT h.row_id)::float8 / nullif(v.n_in, 0)::float8 AS share
FROM lineage.dataset_version v
JOIN lineage.dataset d USING (dataset_id)
CROSS JOIN LATERAL (
    SELECT DISTINCT source ->> 'name' AS benchmark
    FROM jsonb_array_elements(v.metadata #> '{recipe,decontaminate}') source
) b
LEFT JOIN lineage.benchmark_hit h
    ON h.dataset_id = v.dataset_id AND h.version = v.version AND h.benchmark = b.benchmark
WHERE jsonb_typeof(v.metadata #> '{recipe,decontaminate}') = 'array'
GROUP BY d.name, v.dataset_id, v.version, v.state, b.benchmark, v.n_in, v.n_rows;
COMMENT ON VIEW analytics.contamination IS
    'Each version and each benchmark that it was held against; a version that nobody checked has no line.';
COMMENT ON COLUMN analytics.contamination.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.contamination.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.contamination.state IS 'published, quarantined or retracted.';
COMMENT ON COLUMN analytics.contamination.benchmark IS 'As the recipe names it.';
COMMENT ON COLUMN analytics.contamination.n_in IS 'Rows that went into the version.';
COMMENT ON COLUMN analytics.contamination.n_rows IS 'Rows that it holds; none of them shares such words.';
COMMENT ON COLUMN analytics.contamination.n_contaminated IS 'Rows that were refused for this benchmark.';
COMMENT ON COLUMN analytics.contamination.n_items IS 'Items of it that they share words with.';
COMMENT ON COLUMN analytics.contamination.share IS 'Refused for it by all that went in; null where nothing did.';
