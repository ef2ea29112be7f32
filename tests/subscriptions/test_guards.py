"""
What the database itself refuses, when the code is bypassed.
"""

import asyncpg
import pytest

from subscriptions.stage import Stage

BYPASSES = {
    "a-second-live-one": """
        INSERT INTO subscriptions (customer_id, plan, catalog_version_id, price_cents, currency, period_credits,
            stripe_customer_id, stripe_price_id, payment_method_id, text_version, consent_id, actor, asked_at, look_at)
        SELECT customer_id, plan, catalog_version_id, price_cents, currency, period_credits, stripe_customer_id,
            stripe_price_id, payment_method_id, text_version, consent_id, actor, asked_at, look_at FROM subscriptions
    """,
    "another-at-stripe": "UPDATE subscriptions SET stripe_subscription_id = 'sub_other'",
    "another-price": "UPDATE subscriptions SET price_cents = 1",
    "other-evidence": "UPDATE subscriptions SET text_version = 'other'",
    "back-to-opening": "UPDATE subscriptions SET state = 'opening'",
    "an-older-version": "UPDATE subscriptions SET version = 0",
    "nobody-looks": "UPDATE subscriptions SET look_at = NULL",
    "an-end-without-time": "UPDATE subscriptions SET state = 'canceled'",
    "gone": "DELETE FROM subscriptions",
    "an-attempt-gone": "DELETE FROM subscription_attempts",
    "a-look-up-turned": "UPDATE stripe_subscriptions SET stripe_subscription_id = 'sub_other'",
    "an-invoice-twice": """
        INSERT INTO subscription_invoices OVERRIDING USER VALUE SELECT * FROM subscription_invoices
    """,
    "an-invoice-unpaid-again": "UPDATE subscription_invoices SET state = 'open', paid_at = NULL",
    "an-invoice-for-less": "UPDATE subscription_invoices SET amount_paid_cents = 1",
    "an-invoice-gone": "DELETE FROM subscription_invoices",
    "a-line-credited-again": "UPDATE subscription_invoice_lines SET credits = 61",
    "a-line-gone": "DELETE FROM subscription_invoice_lines",
    "a-payment-of-another": "UPDATE stripe_invoice_payments SET stripe_payment_id = 'pi_other'",
    "a-payment-gone": "DELETE FROM stripe_invoice_payments",
    "more-back-than-paid": "UPDATE subscription_invoices SET amount_refunded_cents = amount_paid_cents + 1",
    "less-than-nothing-back": "UPDATE subscription_invoices SET amount_disputed_cents = -1",
    "an-unknown-dispute-state": "UPDATE subscription_invoices SET dispute_state = 'settled'",
}


@pytest.mark.parametrize("statement", BYPASSES.values(), ids=BYPASSES)
async def test_the_database_refuses_what_must_not_be(stage: Stage, statement: str) -> None:
    """
    As the application's role, and as the owner where it is no right that is missing.
    """
    await stage.subscribe()

    with pytest.raises(asyncpg.PostgresError):
        await stage.owner.execute(statement)

    await stage.require_one_period()


async def test_what_has_ended_stays_ended(stage: Stage) -> None:
    """
    A late update that reached the table would be refused there.
    """
    await stage.subscribe()
    await stage.cancel(at_period_end=False)

    with pytest.raises(asyncpg.PostgresError, match="what has ended stays as it is"):
        await stage.owner.execute("UPDATE subscriptions SET state = 'active', ended_at = NULL, look_at = now()")


async def test_planted_bug_without_the_index_a_second_one_could_live(stage: Stage) -> None:
    """
    It is the index that refuses it, and nothing else.
    """
    await stage.subscribe()
    await stage.owner.execute("DROP INDEX subscriptions_one_live")

    await stage.owner.execute(BYPASSES["a-second-live-one"])

    assert await stage.owner.fetchval("SELECT count(*) FROM subscriptions WHERE ended_at IS NULL") == 2


CORRUPTIONS = {
    "S-1": "UPDATE subscription_invoices SET amount_paid_cents = amount_paid_cents + 1",
    "S-2": "UPDATE subscription_invoice_lines SET credits = 0, credits_posting_id = NULL",
    "S-3": "UPDATE subscriptions SET look_at = NULL",
    "S-5": "UPDATE stripe_subscriptions SET stripe_subscription_id = 'sub_other'",
}


@pytest.mark.damages_books("each case breaks one promise")
@pytest.mark.parametrize("invariant", CORRUPTIONS)
async def test_planted_bug_each_invariant_notices_its_corruption(stage: Stage, invariant: str) -> None:
    """
    With the guards out of the way.
    """
    await stage.subscribe()
    for table in ("subscriptions", "stripe_subscriptions", "subscription_invoices", "subscription_invoice_lines"):
        await stage.owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await stage.owner.execute("ALTER TABLE subscriptions DROP CONSTRAINT subscriptions_never_forgotten")

    await stage.owner.execute(CORRUPTIONS[invariant])

    assert await stage.breaches() == [invariant]
