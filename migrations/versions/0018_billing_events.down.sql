SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE stripe_payment_methods;
DROP TABLE billing_event_polls;
DROP TABLE billing_events;
DROP FUNCTION billing_events_keep_what_came();
