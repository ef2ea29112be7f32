SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Roles belong to the whole server, so another database of it may have made this one already.
DO $$
BEGIN
    CREATE ROLE rsolv_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;

-- Who migrates must be able to act as the role; where another owns it, that one has to grant it.
DO $$
BEGIN
    EXECUTE format('GRANT rsolv_app TO %I', current_user);
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$;

GRANT USAGE ON SCHEMA public TO rsolv_app;
GRANT SELECT ON alembic_version TO rsolv_app;

-- The rule; tables of record take UPDATE and DELETE away again where they are created.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rsolv_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO rsolv_app;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              HINT = 'Correct a mistake by a new row that names the old one.';
END $$;
COMMENT ON FUNCTION refuse_change() IS 'For triggers on tables that only grow.';
