-- Datasets, their versions, and what became of every row. Bulk tables have no foreign keys to rows: they are
-- loaded by COPY, and `evol datasets verify` counts dangling ids.

CREATE TYPE lineage.version_state AS ENUM ('published', 'quarantined', 'retracted');
CREATE TYPE lineage.row_status AS ENUM ('accepted', 'rejected', 'failed');
CREATE TYPE lineage.file_role AS ENUM ('data', 'refused', 'scores');

CREATE TABLE lineage.dataset (
    dataset_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('seeds', 'dataset')),
    head_version int
);
COMMENT ON COLUMN lineage.dataset.head_version IS 'What NAME alone means; null until a version is published.';

CREATE TABLE lineage.dataset_version (
    dataset_id int NOT NULL REFERENCES lineage.dataset,
    version int NOT NULL CHECK (version > 0),
    manifest_hash bytea NOT NULL CHECK (length(manifest_hash) = 32),
    base_version int,
    state lineage.version_state NOT NULL,
    recipe_hash text NOT NULL,
    schema_hash text NOT NULL,
    n_rows bigint NOT NULL,
    n_in bigint NOT NULL,
    n_accepted bigint NOT NULL,
    n_rejected bigint NOT NULL,
    n_failed bigint NOT NULL,
    gates jsonb NOT NULL,
    metadata jsonb NOT NULL,
    code_version text NOT NULL,
    attempt_id bigint NOT NULL REFERENCES lineage.task_attempt,
    created_at timestamptz NOT NULL DEFAULT now(),
    released_by text,
    released_at timestamptz,
    release_reason text,
    PRIMARY KEY (dataset_id, version),
    UNIQUE (dataset_id, manifest_hash),
    FOREIGN KEY (dataset_id, base_version) REFERENCES lineage.dataset_version,
    CHECK (n_in = n_accepted + n_rejected + n_failed)
);
ALTER TABLE lineage.dataset ADD CONSTRAINT head_exists
    FOREIGN KEY (dataset_id, head_version) REFERENCES lineage.dataset_version;
COMMENT ON COLUMN lineage.dataset_version.base_version IS 'The head when it was published.';
COMMENT ON COLUMN lineage.dataset_version.manifest_hash IS
    'SHA-256 of content and origin; not of code version, attempt or time. The same build again is the same version.';

CREATE TABLE lineage.dataset_version_file (
    dataset_id int NOT NULL,
    version int NOT NULL,
    role lineage.file_role NOT NULL,
    ord int NOT NULL,
    file_id bigint NOT NULL REFERENCES lineage.object_file,
    PRIMARY KEY (dataset_id, version, role, ord),
    FOREIGN KEY (dataset_id, version) REFERENCES lineage.dataset_version
);
CREATE INDEX dataset_version_file_of ON lineage.dataset_version_file (file_id);

CREATE TABLE lineage.version_parent (
    dataset_id int NOT NULL,
    version int NOT NULL,
    ord int NOT NULL,
    parent_dataset_id int NOT NULL,
    parent_version int NOT NULL,
    PRIMARY KEY (dataset_id, version, ord),
    FOREIGN KEY (dataset_id, version) REFERENCES lineage.dataset_version,
    FOREIGN KEY (parent_dataset_id, parent_version) REFERENCES lineage.dataset_version
);
CREATE INDEX version_parent_down ON lineage.version_parent (parent_dataset_id, parent_version);

CREATE TABLE lineage.dataset_tag (
    dataset_id int NOT NULL,
    tag text NOT NULL,
    version int NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset_id, tag),
    FOREIGN KEY (dataset_id, version) REFERENCES lineage.dataset_version
);

CREATE TABLE lineage.instruction (
    instruction_id uuid PRIMARY KEY,
    n_chars int NOT NULL,
    head text NOT NULL CHECK (length(head) <= 120)
);
COMMENT ON TABLE lineage.instruction IS 'Every instruction seen, seeds and refused evolutions too. Full text: Parquet.';
COMMENT ON COLUMN lineage.instruction.n_chars IS 'Of the instruction and its input together.';

CREATE TABLE lineage.seed_origin (
    instruction_id uuid NOT NULL,
    source text NOT NULL,
    line bigint NOT NULL,
    licence text NOT NULL,
    attempt_id bigint NOT NULL,
    PRIMARY KEY (instruction_id, source, line)
);
COMMENT ON TABLE lineage.seed_origin IS 'Where a seed stood: which file, which line, under which licence.';

CREATE TABLE lineage.seed_ordinal (
    dataset_id int NOT NULL REFERENCES lineage.dataset,
    instruction_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    PRIMARY KEY (dataset_id, instruction_id),
    UNIQUE (dataset_id, ordinal)
);
COMMENT ON TABLE lineage.seed_ordinal IS 'A seed keeps its number in all versions of its dataset; no number is reused.';

CREATE TABLE lineage.derivation (
    child_id uuid NOT NULL,
    parent_id uuid NOT NULL,
    step_id bigint NOT NULL,
    request_hash bytea,
    PRIMARY KEY (child_id, parent_id, step_id),
    CHECK (child_id <> parent_id)
);
CREATE INDEX derivation_down ON lineage.derivation (parent_id) INCLUDE (child_id, step_id);

CREATE TABLE lineage.response (
    response_id uuid PRIMARY KEY,
    instruction_id uuid NOT NULL,
    step_id bigint,
    request_hash bytea,
    n_chars int NOT NULL
);
CREATE INDEX response_of ON lineage.response (instruction_id);
COMMENT ON COLUMN lineage.response.step_id IS 'Null where the seed source brought the answer.';

CREATE TABLE lineage.row_location (
    file_id bigint NOT NULL,
    row_no int NOT NULL,
    row_id uuid NOT NULL,
    PRIMARY KEY (file_id, row_no)
);
CREATE INDEX row_location_of ON lineage.row_location (row_id) INCLUDE (file_id, row_no);
COMMENT ON TABLE lineage.row_location IS 'Which instruction stands in which row of a data object.';

CREATE TABLE lineage.outcome (
    dataset_id int NOT NULL,
    version int NOT NULL,
    ordinal bigint NOT NULL,
    round int NOT NULL,
    stage text NOT NULL,
    status lineage.row_status NOT NULL,
    reason text NOT NULL,
    row_id uuid,
    parent_id uuid,
    response_id uuid,
    step_id bigint,
    respond_step_id bigint,
    request_hash bytea,
    respond_hash bytea,
    PRIMARY KEY (dataset_id, version, ordinal, round)
);
CREATE INDEX outcome_refused ON lineage.outcome (dataset_id, version, stage, reason, status)
    WHERE status <> 'accepted';
CREATE INDEX outcome_of_row ON lineage.outcome (row_id) WHERE row_id IS NOT NULL;
COMMENT ON TABLE lineage.outcome IS 'What became of every row that went into a version: exactly one line each.';
COMMENT ON COLUMN lineage.outcome.stage IS 'Where its fate was decided.';
