SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP FUNCTION refuse_change();
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM rsolv_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM rsolv_app;
REVOKE SELECT ON alembic_version FROM rsolv_app;
REVOKE USAGE ON SCHEMA public FROM rsolv_app;
-- The role itself stays: other databases of this server may use it.
