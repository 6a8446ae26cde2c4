-- Where the rows lie that stages have finished, so that a stage that is started again does not derive them again.

CREATE TABLE lineage.finished_piece (
    work bytea NOT NULL CHECK (length(work) = 32),
    piece int NOT NULL,
    attempt_id bigint NOT NULL REFERENCES lineage.task_attempt,
    n_inputs int NOT NULL,
    n_requests int NOT NULL,
    objects json NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (work, piece)
);
CREATE INDEX finished_piece_written ON lineage.finished_piece (written_at);
COMMENT ON TABLE lineage.finished_piece IS
    'Rows that a stage has made of some of its inputs. A shortcut: what is missing here is derived again.';
COMMENT ON COLUMN lineage.finished_piece.work IS
    'SHA-256 of all that decides the rows: code, recipe, models, what earlier stages put out.';
COMMENT ON COLUMN lineage.finished_piece.piece IS 'From 0; pieces of a work follow each other without a gap.';

-- Forget pieces that are as old as garbage; their objects go unless a stage has handed them on.
CREATE FUNCTION lineage.give_up_pieces(p_before timestamptz) RETURNS bigint
LANGUAGE sql AS $$
    WITH given_up AS (DELETE FROM lineage.finished_piece WHERE written_at < p_before RETURNING 1)
    SELECT count(*) FROM given_up
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA lineage FROM PUBLIC;
