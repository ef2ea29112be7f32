"""
Bill a recorded fix: with a credit, by a charge, or not at all.
"""

from datetime import datetime

from rsolv import catalog, charges, customers, ledger, payment_methods
from rsolv.db import Connection
from rsolv.fixes.queries import fixes
from rsolv.fixes.rules import (
    BLOCKED,
    CHARGING,
    CONSENT_NEEDED,
    CONSUMED,
    CREDITS_PER_FIX,
    NO_BILLING_INFO,
    FixMetered,
    FixToBill,
)


async def bill(connection: Connection, fix: FixToBill, *, now: datetime) -> FixMetered:
    """
    Consume a credit; without credits open a debt, at the price of the fix's time; else note why it is blocked.

    Call with the fix locked or just inserted. Idempotent by fix, as the ledger and the debts are.
    """
    try:
        posted = await ledger.consume(
            connection,
            customer_id=fix.customer_id,
            credits=CREDITS_PER_FIX,
            cause=ledger.Cause("fix", str(fix.id)),
            basis=ledger.Basis(api_key_id=fix.api_key_id, fix_id=fix.id),
            metadata={"repository": fix.repository, "issue_number": fix.issue_number},
            now=now,
        )
    except ledger.InsufficientCredits:
        return await _charge_or_block(connection, fix, now=now)
    if fix.state != CONSUMED:
        await fixes.consume_for_fix(connection, customer_id=fix.customer_id, fix_id=fix.id, settled_at=now)
    return FixMetered(CONSUMED, posted.balance_after)


async def price_of_now(connection: Connection, *, customer_id: int) -> tuple[str, catalog.Version]:
    """
    Return the plan a customer is on and the catalogue version they agreed to: together they are a price.
    """
    customer = await customers.get_customer(connection, customer_id=customer_id)
    return customer.subscription_type, await catalog.get_pinned(connection, customer_id=customer_id)


async def _charge_or_block(connection: Connection, fix: FixToBill, *, now: datetime) -> FixMetered:
    plan, version = await _price_of(connection, fix)
    amount_cents, currency = version.catalog.fix_price_cents(plan), version.catalog.currency
    balance = await ledger.balance(connection, customer_id=fix.customer_id)
    reason = await _reason_to_block(connection, fix, amount_cents=amount_cents, currency=currency)
    if reason is not None:
        await fixes.block_fix(connection, customer_id=fix.customer_id, fix_id=fix.id, reason=reason)
        return FixMetered(BLOCKED, balance, reason=reason)
    await fixes.charge_fix(connection, customer_id=fix.customer_id, fix_id=fix.id)
    charge = await charges.open_debt(
        connection,
        customer_id=fix.customer_id,
        fix_id=fix.id,
        amount_cents=amount_cents,
        currency=currency,
        plan=plan,
        catalog_version_id=version.id,
        api_key_id=fix.api_key_id,
        description=f"Fix of issue {fix.issue_number} in {fix.repository}",
        now=now,
    )
    return FixMetered(CHARGING, balance, charge_id=charge.id)


async def _price_of(connection: Connection, fix: FixToBill) -> tuple[str, catalog.Version]:
    if fix.plan is None or fix.catalog_version_id is None:
        return await price_of_now(connection, customer_id=fix.customer_id)
    return fix.plan, await catalog.get_version(connection, version_id=fix.catalog_version_id)


async def _reason_to_block(connection: Connection, fix: FixToBill, *, amount_cents: int, currency: str) -> str | None:
    if await payment_methods.keep_default(connection, customer_id=fix.customer_id) is None:
        return NO_BILLING_INFO
    consent = await payment_methods.find_covering_consent(
        connection, customer_id=fix.customer_id, amount_cents=amount_cents, currency=currency
    )
    return CONSENT_NEEDED if consent is None else None
