-- What people do to versions once they are there: tag, roll back, retract; and collecting what nothing needs.

ALTER TABLE lineage.dataset_version
    ADD COLUMN retracted_by text,
    ADD COLUMN retracted_at timestamptz,
    ADD COLUMN retract_reason text;

CREATE TABLE lineage.version_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset_id int NOT NULL,
    version int NOT NULL,
    event text NOT NULL CHECK (event IN ('tagged', 'untagged', 'rolled_back', 'retracted')),
    detail text NOT NULL,
    by_whom text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (dataset_id, version) REFERENCES lineage.dataset_version
);
COMMENT ON TABLE lineage.version_event IS 'What people did to versions, in order; kept for audit.';
COMMENT ON COLUMN lineage.version_event.detail IS 'The tag, or the reason.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lineage.version_event
    FOR EACH STATEMENT EXECUTE FUNCTION lineage.forbid_change();

-- A version, with its dataset locked until the transaction ends: whoever publishes to it waits.
CREATE FUNCTION lineage.lock_version(p_name text, p_version int) RETURNS lineage.dataset_version
LANGUAGE plpgsql AS $$
DECLARE
    v lineage.dataset_version;
BEGIN
    PERFORM FROM lineage.dataset WHERE name = p_name FOR UPDATE;
    SELECT dv.* INTO v FROM lineage.dataset_version dv JOIN lineage.dataset d USING (dataset_id)
        WHERE d.name = p_name AND dv.version = p_version;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no version %', p_name, p_version USING ERRCODE = 'EV002';
    END IF;
    RETURN v;
END $$;

-- Give a version a name. A tag that another version has moves.
CREATE FUNCTION lineage.tag_version(p_name text, p_version int, p_tag text, p_by text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v lineage.dataset_version := lineage.lock_version(p_name, p_version);
BEGIN
    IF v.state = 'retracted' THEN
        RAISE EXCEPTION '%@% is retracted (%); a retracted version takes no tag', p_name, p_version, v.retract_reason
            USING ERRCODE = 'EV004';
    END IF;
    INSERT INTO lineage.dataset_tag AS old (dataset_id, tag, version, set_by)
        VALUES (v.dataset_id, p_tag, p_version, p_by)
        ON CONFLICT (dataset_id, tag) DO UPDATE SET version = excluded.version, set_by = excluded.set_by, set_at = now()
        WHERE old.version <> excluded.version;
    IF FOUND THEN
        INSERT INTO lineage.version_event (dataset_id, version, event, detail, by_whom)
            VALUES (v.dataset_id, p_version, 'tagged', p_tag, p_by);
    END IF;
END $$;

CREATE FUNCTION lineage.untag_version(p_name text, p_version int, p_tag text, p_by text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v lineage.dataset_version := lineage.lock_version(p_name, p_version);
BEGIN
    DELETE FROM lineage.dataset_tag WHERE (dataset_id, tag, version) = (v.dataset_id, p_tag, p_version);
    IF NOT FOUND THEN
        RAISE EXCEPTION '%@% has no tag %; `evol datasets show %@%` lists its tags',
            p_name, p_version, p_tag, p_name, p_version USING ERRCODE = 'EV002';
    END IF;
    INSERT INTO lineage.version_event (dataset_id, version, event, detail, by_whom)
        VALUES (v.dataset_id, p_version, 'untagged', p_tag, p_by);
END $$;

-- Let the bare name mean an earlier (or later) published version. Nothing is lost: the others stay readable.
CREATE FUNCTION lineage.rollback_version(p_name text, p_version int, p_by text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v lineage.dataset_version := lineage.lock_version(p_name, p_version);
BEGIN
    IF v.state <> 'published' THEN
        RAISE EXCEPTION '%@% is %; only a published version can be the head', p_name, p_version, v.state
            USING ERRCODE = 'EV004';
    END IF;
    UPDATE lineage.dataset SET head_version = p_version
        WHERE dataset_id = v.dataset_id AND head_version IS DISTINCT FROM p_version;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO lineage.version_event (dataset_id, version, event, detail, by_whom)
        VALUES (v.dataset_id, p_version, 'rolled_back', p_reason, p_by);
    PERFORM lineage.emit_event(
        format('rolled_back:%s:%s:%s', v.dataset_id, p_version, txid_current()),
        jsonb_build_object('event', 'rolled_back', 'dataset', p_name, 'version', p_version,
            'by', p_by, 'reason', p_reason)
    );
END $$;

-- Take a version back for good. Its objects and lineage stay for audit; nobody is given it as data any more.
-- A retracted head is followed by the newest published version before it.
CREATE FUNCTION lineage.retract_version(p_name text, p_version int, p_by text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v lineage.dataset_version := lineage.lock_version(p_name, p_version);
BEGIN
    IF v.state = 'retracted' THEN
        RETURN;
    END IF;
    UPDATE lineage.dataset_version SET state = 'retracted', retracted_by = p_by, retracted_at = now(),
        retract_reason = p_reason WHERE (dataset_id, version) = (v.dataset_id, p_version);
    UPDATE lineage.dataset SET head_version = (
        SELECT max(version) FROM lineage.dataset_version
        WHERE dataset_id = v.dataset_id AND state = 'published' AND version < p_version
    ) WHERE dataset_id = v.dataset_id AND head_version = p_version;
    INSERT INTO lineage.version_event (dataset_id, version, event, detail, by_whom)
        VALUES (v.dataset_id, p_version, 'retracted', p_reason, p_by);
    PERFORM lineage.emit_event(
        format('retracted:%s:%s', v.dataset_id, p_version),
        jsonb_build_object('event', 'retracted', 'dataset', p_name, 'version', p_version, 'by', p_by, 'reason', p_reason)
    );
END $$;

-- Garbage. An object is needed by whatever has a foreign key to it (versions, the index of generations), and by
-- what a stage handed on to the next. A run's outputs are given up when it has shown no life for long.

CREATE VIEW lineage.attempt_at_work AS
SELECT a.attempt_id, a.run_id, a.started_at
FROM lineage.task_attempt a
WHERE a.state = 'running' AND a.started_at > now() - interval '30 days' AND NOT EXISTS (
    SELECT FROM lineage.task_attempt newer
    WHERE (newer.run_id, newer.task, newer.shard) = (a.run_id, a.task, a.shard) AND newer.attempt_id > a.attempt_id
);
COMMENT ON VIEW lineage.attempt_at_work IS
    'Attempts that may still put something out: not ended, not superseded, not said to run for 30 days.';

-- What is older than this and not needed is garbage: it is older than every attempt at work, with two hours left
-- for clocks that differ.
CREATE FUNCTION lineage.garbage_before(p_older_than interval) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT least(now() - p_older_than, min(started_at) - interval '2 hours') FROM lineage.attempt_at_work
$$;

CREATE FUNCTION lineage.needed_objects() RETURNS TABLE (sha256 bytea)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    pointers text;
BEGIN
    SELECT string_agg(format('SELECT p.%I FROM %s p', column_of.attname, key.conrelid::regclass), ' UNION ')
        INTO STRICT pointers
        FROM pg_constraint key
        JOIN pg_attribute column_of ON (column_of.attrelid, column_of.attnum) = (key.conrelid, key.conkey[1])
        WHERE key.contype = 'f' AND key.confrelid = 'lineage.object_file'::regclass;
    RETURN QUERY EXECUTE format('SELECT f.sha256 FROM lineage.object_file f WHERE f.file_id IN (%s)', pointers);
    RETURN QUERY SELECT DISTINCT decode(named[1], 'hex')
        FROM lineage.stage_output o, regexp_matches(o.output::text, '[0-9a-f]{64}', 'g') named;
END $$;

CREATE FUNCTION lineage.idle_runs(p_before timestamptz) RETURNS TABLE (run_id bigint)
LANGUAGE sql STABLE AS $$
    SELECT r.run_id FROM lineage.run r
    WHERE r.run_id NOT IN (SELECT w.run_id FROM lineage.attempt_at_work w)
        AND greatest(
            r.created_at,
            (SELECT max(greatest(a.started_at, a.ended_at)) FROM lineage.task_attempt a WHERE a.run_id = r.run_id),
            (SELECT max(o.written_at) FROM lineage.stage_output o WHERE o.run_id = r.run_id)
        ) < p_before
$$;

-- Give up what long idle runs' stages handed on. A stage of such a run that is started again asks for the ones
-- before it. The lock keeps a new attempt from being registered meanwhile; what is locked is left for next time.
CREATE FUNCTION lineage.give_up_outputs(p_before timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    locked bigint[];
    n bigint;
BEGIN
    locked := ARRAY(
        SELECT r.run_id FROM lineage.run r
        WHERE r.run_id IN (SELECT o.run_id FROM lineage.stage_output o)
            AND r.run_id IN (SELECT i.run_id FROM lineage.idle_runs(p_before) i)
        FOR UPDATE SKIP LOCKED
    );
    DELETE FROM lineage.stage_output o
        WHERE o.run_id = ANY (locked) AND o.run_id IN (SELECT i.run_id FROM lineage.idle_runs(p_before) i);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

-- Mark objects that nothing needs. Whoever registers or points to one holds its row: such a row is skipped, and
-- after the lock the question is asked again.
CREATE FUNCTION lineage.mark_garbage(p_before timestamptz) RETURNS TABLE (sha256 bytea)
LANGUAGE plpgsql AS $$
DECLARE
    locked bigint[];
BEGIN
    locked := ARRAY(
        SELECT f.file_id FROM lineage.object_file f
        WHERE f.deleted_at IS NULL AND f.created_at < p_before
            AND NOT EXISTS (SELECT FROM lineage.needed_objects() n WHERE n.sha256 = f.sha256)
        FOR UPDATE SKIP LOCKED
    );
    RETURN QUERY UPDATE lineage.object_file f SET deleted_at = now()
        WHERE f.file_id = ANY (locked)
            AND NOT EXISTS (SELECT FROM lineage.needed_objects() n WHERE n.sha256 = f.sha256)
        RETURNING f.sha256;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA lineage FROM PUBLIC;
