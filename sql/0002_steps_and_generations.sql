-- How a row was made: prompts, models, decodings, steps; and every recorded model output.

CREATE TABLE lineage.prompt (
    prompt_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    body text NOT NULL,
    UNIQUE (sha256, name)
);

CREATE TABLE lineage.model (
    model_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    revision text NOT NULL,
    tokenizer text NOT NULL,
    UNIQUE (name, revision, tokenizer)
);
COMMENT ON COLUMN lineage.model.revision IS 'SHA-256 over the weight files.';
COMMENT ON COLUMN lineage.model.tokenizer IS 'SHA-256 over the tokenizer files, the chat template among them.';

CREATE TABLE lineage.decoding (
    decoding_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    params jsonb NOT NULL
);

CREATE TABLE lineage.step (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_key bytea NOT NULL UNIQUE CHECK (length(step_key) = 32),
    attempt_id bigint NOT NULL REFERENCES lineage.task_attempt,
    operator text NOT NULL,
    round int NOT NULL,
    prompt_id int NOT NULL REFERENCES lineage.prompt,
    model_id int NOT NULL REFERENCES lineage.model,
    size_class text NOT NULL CHECK (size_class IN ('slm', 'llm')),
    decoding_id int NOT NULL REFERENCES lineage.decoding,
    code_version text NOT NULL
);
COMMENT ON TABLE lineage.step IS
    'One way of making rows. The same setting in another run is the same step, so a rerun adds no rows.';
COMMENT ON COLUMN lineage.step.attempt_id IS 'The first attempt that used it; who made a row stands at its generation.';
COMMENT ON COLUMN lineage.step.size_class IS 'The arm of small-against-large comparisons, as the recipe says.';

CREATE TABLE lineage.generation (
    request_hash bytea PRIMARY KEY CHECK (length(request_hash) = 32),
    file_id bigint NOT NULL REFERENCES lineage.object_file,
    row_no int NOT NULL,
    model_id int NOT NULL REFERENCES lineage.model,
    attempt_id bigint NOT NULL,
    seed bigint,
    n_prompt_tokens int NOT NULL,
    n_tokens int NOT NULL,
    seconds real,
    finish_reason text NOT NULL
);
CREATE INDEX generation_attempt ON lineage.generation (attempt_id)
    INCLUDE (n_prompt_tokens, n_tokens, seconds);
COMMENT ON TABLE lineage.generation IS
    'Where each recorded model output stands. The first committed answer to a request is the answer.';
COMMENT ON COLUMN lineage.generation.seed IS 'Of this request alone; null for a loss, which draws nothing.';
COMMENT ON COLUMN lineage.generation.seconds IS 'From submission to end; those of one batch overlap.';
