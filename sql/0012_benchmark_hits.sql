-- Decontamination: which rows shared words with which items of benchmarks, and were refused for it.

CREATE TABLE lineage.benchmark_hit (
    dataset_id int NOT NULL,
    version int NOT NULL,
    row_id uuid NOT NULL,
    benchmark text NOT NULL,
    item text NOT NULL,
    words text NOT NULL,
    PRIMARY KEY (dataset_id, version, row_id, benchmark, item)
);
CREATE INDEX benchmark_hit_of ON lineage.benchmark_hit (benchmark, item);
COMMENT ON TABLE lineage.benchmark_hit IS 'A row that shares 13 words in a row with an item of a benchmark.';
COMMENT ON COLUMN lineage.benchmark_hit.row_id IS 'The instruction; its outcome in the version is contaminated.';
COMMENT ON COLUMN lineage.benchmark_hit.item IS 'The item''s own id, or its number in the benchmark''s file, from 0.';
COMMENT ON COLUMN lineage.benchmark_hit.words IS 'The first 13 that both have, as they were compared.';
