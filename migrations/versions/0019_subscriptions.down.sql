SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE subscription_invoice_lines;
DROP TABLE subscription_invoices;
DROP TABLE stripe_subscriptions;
DROP TABLE subscription_attempts;
DROP TABLE subscriptions;
DROP FUNCTION subscription_invoice_lines_obey();
DROP FUNCTION subscription_invoices_obey();
DROP FUNCTION subscriptions_obey();
