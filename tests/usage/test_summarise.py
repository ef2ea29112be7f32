"""
A customer's summary, on the real database.
"""

from datetime import UTC, datetime, timedelta

import pytest

from factories.catalogs import CATALOGS
from factories.customers import give_credits, make_customer, set_balance
from fixes.reports import report, stored
from rsolv.customers import UnknownCustomer
from rsolv.db import Connection
from rsolv.usage import summarise
from rsolv.usage.service import RECENT_TRANSACTIONS

NOW = datetime(2026, 12, 15, tzinfo=UTC)
MONTH = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("catalog_name", ["current", "draft"])
async def test_a_new_customer_has_the_opening_credits(connection: Connection, catalog_name: str) -> None:
    """
    A summary right after the sign-up shows the catalogue's trial and one transaction.
    """
    globex = await make_customer(connection)

    summary = await summarise(connection, customer_id=globex.customer.id, now=NOW)

    plan_name, plan = CATALOGS[catalog_name].trial()
    assert summary.customer == globex.customer
    assert summary.customer.subscription_type == plan_name
    assert summary.credit_balance == plan.signup_credits
    assert [one.source for one in summary.recent_transactions] == ["trial_signup"]
    assert summary.fixes_this_period == 0
    assert summary.can_use_service
    assert not summary.has_payment_method


async def test_fixes_are_counted_within_the_month(connection: Connection) -> None:
    """
    A fix in the last moment of November does not count in December, one in the first moment does.
    """
    globex = await make_customer(connection)
    for issue_number, now in enumerate((MONTH - timedelta(microseconds=1), MONTH, NOW), start=1):
        await stored(connection, globex, report(issue_number=issue_number), now=now)

    summary = await summarise(connection, customer_id=globex.customer.id, now=NOW)

    assert summary.fixes_this_period == 2


async def test_only_the_newest_transactions_are_shown(connection: Connection) -> None:
    """
    A busy customer's summary has the newest ones only, newest first.
    """
    globex = await make_customer(connection)
    for _ in range(RECENT_TRANSACTIONS + 2):
        await give_credits(connection, customer_id=globex.customer.id, credits=1)

    shown = (await summarise(connection, customer_id=globex.customer.id, now=NOW)).recent_transactions

    assert len(shown) == RECENT_TRANSACTIONS
    assert [one.seq for one in shown] == sorted((one.seq for one in shown), reverse=True)
    assert shown[0].balance_after == globex.credit_balance + RECENT_TRANSACTIONS + 2


async def test_without_credits_the_service_stops(connection: Connection) -> None:
    """
    With nothing left and no way to pay, the summary says so, critically.
    """
    globex = await make_customer(connection)
    await set_balance(connection, customer_id=globex.customer.id, credits=0)

    summary = await summarise(connection, customer_id=globex.customer.id, now=NOW)

    assert not summary.can_use_service
    assert [warning.code for warning in summary.warnings] == ["no_billing_info"]


async def test_nobody_has_no_summary(connection: Connection) -> None:
    """
    An id that is nobody's is refused.
    """
    with pytest.raises(UnknownCustomer):
        await summarise(connection, customer_id=0, now=NOW)
