SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE catalog_pins;
DROP TABLE catalog_plans;
DROP TABLE catalog_versions;
