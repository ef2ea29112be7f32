SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE api_key_hashes;
DROP TABLE api_keys;
DROP FUNCTION notify_api_key_change();
