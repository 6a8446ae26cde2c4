-- Comparisons of two arms: which versions, every verdict, every paired figure.

CREATE TABLE lineage.comparison (
    comparison_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    content_hash bytea NOT NULL UNIQUE CHECK (length(content_hash) = 32),
    name text NOT NULL,
    a_label text NOT NULL,
    a_dataset_id int NOT NULL,
    a_version int NOT NULL,
    b_label text NOT NULL,
    b_dataset_id int NOT NULL,
    b_version int NOT NULL,
    attempt_id bigint NOT NULL REFERENCES lineage.task_attempt,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (a_dataset_id, a_version) REFERENCES lineage.dataset_version,
    FOREIGN KEY (b_dataset_id, b_version) REFERENCES lineage.dataset_version
);
CREATE INDEX comparison_of_a ON lineage.comparison (a_dataset_id, a_version);
CREATE INDEX comparison_of_b ON lineage.comparison (b_dataset_id, b_version);
COMMENT ON COLUMN lineage.comparison.content_hash IS 'SHA-256 of versions, verdicts and figures; the same again is one.';

CREATE TABLE lineage.comparison_file (
    comparison_id bigint NOT NULL REFERENCES lineage.comparison,
    ord int NOT NULL,
    file_id bigint NOT NULL REFERENCES lineage.object_file,
    PRIMARY KEY (comparison_id, ord)
);
CREATE INDEX comparison_file_of ON lineage.comparison_file (file_id);
COMMENT ON TABLE lineage.comparison_file IS 'Objects with the verdicts, the judge''s raw texts among them.';

CREATE TABLE lineage.verdict (
    comparison_id bigint NOT NULL REFERENCES lineage.comparison,
    ordinal bigint NOT NULL,
    round int NOT NULL,
    seed_id uuid NOT NULL,
    parent_id uuid NOT NULL,
    a_id uuid NOT NULL,
    b_id uuid NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('win', 'tie', 'lose', 'unparsed')),
    kind text NOT NULL CHECK (kind IN ('consistent', 'position_biased', 'unparsed')),
    first text NOT NULL,
    swapped text NOT NULL,
    reason text NOT NULL,
    first_hash bytea,
    swapped_hash bytea,
    words_a int NOT NULL,
    words_b int NOT NULL,
    PRIMARY KEY (comparison_id, ordinal, round)
);
COMMENT ON COLUMN lineage.verdict.verdict IS 'Of arm A.';

CREATE TABLE lineage.paired_metric (
    comparison_id bigint NOT NULL REFERENCES lineage.comparison,
    metric text NOT NULL,
    round int NOT NULL,
    n bigint NOT NULL,
    mean_a float8,
    mean_b float8,
    difference float8,
    low float8,
    high float8,
    a_higher bigint NOT NULL,
    b_higher bigint NOT NULL,
    sign_p float8,
    PRIMARY KEY (comparison_id, metric, round)
);
COMMENT ON COLUMN lineage.paired_metric.difference IS 'Mean of A minus B over pairs; low and high bound it, 95%.';
