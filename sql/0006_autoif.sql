-- AutoIF behind a version: constraints and their fates, checkers, verdict matrices, pass rates. The texts stand in the
-- version's Parquet objects of role `evidence`.

ALTER TYPE lineage.file_role ADD VALUE 'evidence';

CREATE TABLE lineage.autoif_constraint (
    dataset_id int NOT NULL,
    version int NOT NULL,
    line int NOT NULL,
    constraint_id uuid NOT NULL,
    origin text NOT NULL,
    stage text NOT NULL,
    status lineage.row_status NOT NULL,
    reason text NOT NULL,
    nli text NOT NULL,
    request_hash bytea,
    n_replies int,
    n_checkers int,
    n_checkers_kept int,
    n_cases int,
    n_cases_kept int,
    head text NOT NULL CHECK (length(head) <= 120),
    PRIMARY KEY (dataset_id, version, line)
);
CREATE INDEX autoif_constraint_of ON lineage.autoif_constraint (dataset_id, version, constraint_id);
COMMENT ON TABLE lineage.autoif_constraint IS
    'Every seed constraint, every line that a model proposed as one, every request for them that failed: a line each.';
COMMENT ON COLUMN lineage.autoif_constraint.constraint_id IS 'Of the text, as lineage.instruction has it.';
COMMENT ON COLUMN lineage.autoif_constraint.nli IS
    'Which model of the recipe compared back-translations: its name there, or off; empty: it did not come so far.';
COMMENT ON COLUMN lineage.autoif_constraint.n_replies IS 'Null where nobody was asked for checkers.';

CREATE TABLE lineage.autoif_reply (
    dataset_id int NOT NULL,
    version int NOT NULL,
    constraint_id uuid NOT NULL,
    sample int NOT NULL,
    step_id bigint NOT NULL,
    status lineage.row_status NOT NULL,
    reason text NOT NULL,
    request_hash bytea NOT NULL,
    PRIMARY KEY (dataset_id, version, constraint_id, sample)
);
COMMENT ON TABLE lineage.autoif_reply IS 'Every reply to a request for a checker; accepted: it holds one.';

CREATE TABLE lineage.autoif_checker (
    dataset_id int NOT NULL,
    version int NOT NULL,
    constraint_id uuid NOT NULL,
    checker_id uuid NOT NULL,
    step_id bigint NOT NULL,
    accuracy float8,
    status lineage.row_status NOT NULL,
    reason text NOT NULL,
    layers text NOT NULL,
    PRIMARY KEY (dataset_id, version, constraint_id, checker_id)
);
COMMENT ON TABLE lineage.autoif_checker IS 'Every distinct checker of a constraint after cross-validation.';
COMMENT ON COLUMN lineage.autoif_checker.accuracy IS 'On the kept cases; null where it was not counted.';
COMMENT ON COLUMN lineage.autoif_checker.layers IS 'The walls that stood while it ran, by commas.';

CREATE TABLE lineage.autoif_verdict (
    dataset_id int NOT NULL,
    version int NOT NULL,
    constraint_id uuid NOT NULL,
    checker_id uuid NOT NULL,
    case_id uuid NOT NULL,
    verdict text NOT NULL,
    agrees boolean NOT NULL,
    PRIMARY KEY (dataset_id, version, constraint_id, checker_id, case_id)
);
COMMENT ON TABLE lineage.autoif_verdict IS 'The verdict matrices: what each checker said of each case.';
COMMENT ON COLUMN lineage.autoif_verdict.verdict IS 'As in docs/sandbox.md.';
COMMENT ON COLUMN lineage.autoif_verdict.agrees IS 'Whether it is what the case expects.';

CREATE TABLE lineage.autoif_response (
    dataset_id int NOT NULL,
    version int NOT NULL,
    ordinal bigint NOT NULL,
    constraint_id uuid NOT NULL,
    pass_rate float8,
    quality int,
    layers text NOT NULL,
    PRIMARY KEY (dataset_id, version, ordinal)
);
CREATE INDEX autoif_response_of ON lineage.autoif_response (dataset_id, version, constraint_id);
COMMENT ON TABLE lineage.autoif_response IS 'What checkers and judge said of a response; its fate is in lineage.outcome.';
COMMENT ON COLUMN lineage.autoif_response.pass_rate IS 'Share of the checkers that accepted; null where none was run.';
COMMENT ON COLUMN lineage.autoif_response.quality IS 'From 0 to 10; null where no score was asked for, or none was given.';
