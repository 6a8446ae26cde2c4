-- The only way to a visible version. Its caller has loaded the version's rows in the same transaction.
-- SQLSTATEs: EV001 fenced, EV002 not found, EV003 rows lost; 40001 another writer was faster.

CREATE FUNCTION lineage.check_not_fenced(p_attempt bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    mine lineage.task_attempt;
    newer bigint;
BEGIN
    -- The lock makes a new attempt's registration wait until this transaction has ended.
    SELECT * INTO mine FROM lineage.task_attempt WHERE attempt_id = p_attempt FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'attempt % is not registered', p_attempt USING ERRCODE = 'EV002';
    END IF;
    SELECT max(attempt_id) INTO newer FROM lineage.task_attempt
        WHERE run_id = mine.run_id AND task = mine.task AND shard = mine.shard AND attempt_id > p_attempt;
    IF newer IS NOT NULL THEN
        RAISE EXCEPTION 'attempt % at task % (shard %) is superseded by attempt %; it changes nothing and ends',
            p_attempt, mine.task, mine.shard, newer USING ERRCODE = 'EV001';
    END IF;
END $$;

-- n_in = accepted + rejected + failed as said and as loaded, and accepted rows = rows of the data objects.
CREATE FUNCTION lineage.check_rows(p_dataset int, p_version int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    said lineage.dataset_version;
    n_accepted bigint;
    n_rejected bigint;
    n_failed bigint;
    unlocated text;
BEGIN
    SELECT * INTO STRICT said FROM lineage.dataset_version WHERE dataset_id = p_dataset AND version = p_version;
    SELECT count(*) FILTER (WHERE status = 'accepted'), count(*) FILTER (WHERE status = 'rejected'),
           count(*) FILTER (WHERE status = 'failed')
        INTO n_accepted, n_rejected, n_failed
        FROM lineage.outcome WHERE dataset_id = p_dataset AND version = p_version;
    IF (n_accepted, n_rejected, n_failed) <> (said.n_accepted, said.n_rejected, said.n_failed)
        OR said.n_in <> n_accepted + n_rejected + n_failed THEN
        RAISE EXCEPTION
            'rows in: %; loaded % accepted + % rejected + % failed; said % accepted + % rejected + % failed',
            said.n_in, n_accepted, n_rejected, n_failed, said.n_accepted, said.n_rejected, said.n_failed
            USING ERRCODE = 'EV003';
    END IF;
    IF n_accepted <> said.n_rows THEN
        RAISE EXCEPTION '% rows were accepted, but the data objects hold %', n_accepted, said.n_rows
            USING ERRCODE = 'EV003';
    END IF;
    SELECT string_agg(format('%s (%s of %s)', left(encode(f.sha256, 'hex'), 12), located.n, f.n_rows), ', ')
        INTO unlocated
        FROM lineage.dataset_version_file v
        JOIN lineage.object_file f USING (file_id)
        CROSS JOIN LATERAL (SELECT count(*) n FROM lineage.row_location l WHERE l.file_id = f.file_id) located
        WHERE v.dataset_id = p_dataset AND v.version = p_version AND v.role = 'data' AND located.n <> f.n_rows;
    IF unlocated IS NOT NULL THEN
        RAISE EXCEPTION 'rows of these data objects were not all located (load_data_rows): %', unlocated
            USING ERRCODE = 'EV003';
    END IF;
END $$;

CREATE FUNCTION lineage.emit_event(p_key text, p_payload jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO lineage.outbox (dedup_key, payload) VALUES (p_key, p_payload) ON CONFLICT (dedup_key) DO NOTHING
$$;

-- p_said: recipe_hash, code_version, schema_hash, n_in, n_accepted, n_rejected, n_failed, gates, metadata,
--         files [[role, sha256 hex], ...] in order, parents [[name, version], ...].
CREATE FUNCTION lineage.publish_version(
    p_name text, p_attempt bigint, p_base int, p_version int, p_manifest bytea, p_said jsonb
) RETURNS TABLE (version int, state lineage.version_state, replayed boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    d lineage.dataset;
    next_version int;
    new_state lineage.version_state;
    missing text;
BEGIN
    SELECT * INTO d FROM lineage.dataset WHERE name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dataset % is not registered', p_name USING ERRCODE = 'EV002';
    END IF;
    RETURN QUERY SELECT v.version, v.state, true FROM lineage.dataset_version v
        WHERE v.dataset_id = d.dataset_id AND v.manifest_hash = p_manifest;
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM lineage.check_not_fenced(p_attempt);
    SELECT coalesce(max(v.version), 0) + 1 INTO next_version
        FROM lineage.dataset_version v WHERE v.dataset_id = d.dataset_id;
    IF p_base IS DISTINCT FROM d.head_version OR p_version <> next_version THEN
        RAISE EXCEPTION '% moved: built version % on head %, but its head is % and its next version %',
            p_name, p_version, p_base, d.head_version, next_version USING ERRCODE = '40001';
    END IF;
    SELECT string_agg(left(said.sha256, 12), ', ') INTO missing
        FROM (SELECT file ->> 1 sha256 FROM jsonb_array_elements(p_said -> 'files') file) said
        LEFT JOIN lineage.object_file f ON f.sha256 = decode(said.sha256, 'hex') AND f.deleted_at IS NULL
        WHERE f.file_id IS NULL;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'objects of % are not registered: %', p_name, missing USING ERRCODE = 'EV002';
    END IF;
    SELECT string_agg(format('%s@%s', parent ->> 0, parent ->> 1), ', ') INTO missing
        FROM jsonb_array_elements(p_said -> 'parents') parent
        LEFT JOIN lineage.dataset pd ON pd.name = parent ->> 0
        LEFT JOIN lineage.dataset_version pv ON (pv.dataset_id, pv.version) = (pd.dataset_id, (parent ->> 1)::int)
        WHERE pv.version IS NULL;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'parents of % are no versions: %', p_name, missing USING ERRCODE = 'EV002';
    END IF;
    new_state := CASE WHEN EXISTS (
        SELECT FROM jsonb_array_elements(p_said -> 'gates') gate WHERE NOT (gate ->> 'passed')::boolean
    ) THEN 'quarantined' ELSE 'published' END;
    INSERT INTO lineage.dataset_version (
        dataset_id, version, manifest_hash, base_version, state, recipe_hash, schema_hash, n_rows,
        n_in, n_accepted, n_rejected, n_failed, gates, metadata, code_version, attempt_id
    )
    SELECT d.dataset_id, p_version, p_manifest, d.head_version, new_state, p_said ->> 'recipe_hash',
        p_said ->> 'schema_hash',
        (SELECT coalesce(sum(f.n_rows), 0) FROM jsonb_array_elements(p_said -> 'files') file
            JOIN lineage.object_file f ON f.sha256 = decode(file ->> 1, 'hex') WHERE file ->> 0 = 'data'),
        (p_said ->> 'n_in')::bigint, (p_said ->> 'n_accepted')::bigint, (p_said ->> 'n_rejected')::bigint,
        (p_said ->> 'n_failed')::bigint, p_said -> 'gates', p_said -> 'metadata', p_said ->> 'code_version', p_attempt;
    INSERT INTO lineage.dataset_version_file (dataset_id, version, role, ord, file_id)
        SELECT d.dataset_id, p_version, (file ->> 0)::lineage.file_role, ord, f.file_id
        FROM jsonb_array_elements(p_said -> 'files') WITH ORDINALITY said (file, ord)
        JOIN lineage.object_file f ON f.sha256 = decode(file ->> 1, 'hex');
    INSERT INTO lineage.version_parent (dataset_id, version, ord, parent_dataset_id, parent_version)
        SELECT d.dataset_id, p_version, ord, pd.dataset_id, (parent ->> 1)::int
        FROM jsonb_array_elements(p_said -> 'parents') WITH ORDINALITY said (parent, ord)
        JOIN lineage.dataset pd ON pd.name = parent ->> 0;
    PERFORM lineage.check_rows(d.dataset_id, p_version);
    PERFORM lineage.summarise_scores(d.dataset_id, p_version);
    IF new_state = 'published' THEN
        UPDATE lineage.dataset SET head_version = p_version WHERE dataset_id = d.dataset_id;
    END IF;
    PERFORM lineage.emit_event(
        format('%s:%s:%s', new_state, d.dataset_id, p_version),
        jsonb_build_object('event', new_state, 'dataset', p_name, 'version', p_version, 'attempt', p_attempt)
    );
    RETURN QUERY SELECT p_version, new_state, false;
END $$;

-- Publish a quarantined version on a person's word. An older version than the head becomes readable, not head.
CREATE FUNCTION lineage.release_version(p_name text, p_version int, p_by text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    d lineage.dataset;
    v lineage.dataset_version;
BEGIN
    SELECT * INTO d FROM lineage.dataset WHERE name = p_name FOR UPDATE;
    SELECT * INTO v FROM lineage.dataset_version WHERE dataset_id = d.dataset_id AND version = p_version;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no version %', p_name, p_version USING ERRCODE = 'EV002';
    END IF;
    IF v.state = 'published' THEN
        RETURN;
    END IF;
    IF v.state <> 'quarantined' THEN
        RAISE EXCEPTION '%@% is %; only a quarantined version can be released', p_name, p_version, v.state
            USING ERRCODE = 'EV004';
    END IF;
    UPDATE lineage.dataset_version SET state = 'published', released_by = p_by, released_at = now(),
        release_reason = p_reason WHERE dataset_id = d.dataset_id AND version = p_version;
    UPDATE lineage.dataset SET head_version = p_version
        WHERE dataset_id = d.dataset_id AND p_version > coalesce(head_version, 0);
    PERFORM lineage.emit_event(
        format('released:%s:%s', d.dataset_id, p_version),
        jsonb_build_object('event', 'released', 'dataset', p_name, 'version', p_version, 'by', p_by, 'reason', p_reason)
    );
END $$;

CREATE FUNCTION lineage.forbid_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lineage.dataset_version_file
    FOR EACH STATEMENT EXECUTE FUNCTION lineage.forbid_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lineage.outcome
    FOR EACH STATEMENT EXECUTE FUNCTION lineage.forbid_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lineage.version_parent
    FOR EACH STATEMENT EXECUTE FUNCTION lineage.forbid_change();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON lineage.dataset_version
    FOR EACH STATEMENT EXECUTE FUNCTION lineage.forbid_change();

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA lineage FROM PUBLIC;
