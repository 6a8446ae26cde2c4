-- The analyst: reads analytics and lineage, changes nothing. Applied at every migration.
-- The role belongs to the whole server, so it may exist already, with a log-in or without.

DO $$
BEGIN
    CREATE ROLE evol_analyst NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'evol_analyst') THEN
            RAISE EXCEPTION 'this user may not create roles; ask for: CREATE ROLE evol_analyst NOLOGIN'
                USING ERRCODE = 'EV004';
        END IF;
END $$;

-- Settings do not pass on to members of a role: a log-in role of another name needs its own.
DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY[
        'default_transaction_read_only = on',
        'statement_timeout = ''60s''',
        'idle_in_transaction_session_timeout = ''10min''',
        'search_path = analytics, lineage'
    ] LOOP
        EXECUTE format('ALTER ROLE evol_analyst IN DATABASE %I SET %s', current_database(), setting);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'evol_analyst keeps its settings: this user may not change them (it can only read in any case)';
END $$;

GRANT USAGE ON SCHEMA analytics, lineage TO evol_analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics, lineage TO evol_analyst;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA analytics TO evol_analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA lineage GRANT SELECT ON TABLES TO evol_analyst;
