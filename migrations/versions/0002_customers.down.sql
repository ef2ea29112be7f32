SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE customer_onboarding_events;
DROP TABLE customer_emails;
DROP TABLE customers;
DROP FUNCTION notify_customer_change();
