"""
GET /api/v1/billing/usage.
"""

import httpx
import pytest

from api.wire import billing_of, fix, usage_of
from factories.catalogs import CATALOGS

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])


async def test_usage_shows_the_customer_at_a_glance(acme_client: httpx.AsyncClient, catalog_name: str) -> None:
    """
    Balance, plan, prices of the customer's catalogue version, and the opening transaction are all there.
    """
    catalog = CATALOGS[catalog_name]
    plan_name, plan = catalog.trial()
    subscription = catalog.subscription()
    assert subscription is not None

    usage = await usage_of(acme_client)

    transaction = usage["recent_transactions"][0]
    assert usage == {
        "stripe_customer_id": None,
        "credit_balance": plan.signup_credits,
        "subscription_type": plan_name,
        "subscription_state": None,
        "subscription_status": None,
        "has_payment_method": False,
        "can_use_service": True,
        "warnings": usage["warnings"],
        "pricing": {
            "currency": catalog.currency,
            "next_fix_cents": catalog.fix_price_cents(plan_name),
            "payg_cents": catalog.pay_as_you_go()[1].fix_price_cents,
            "pro_cents": subscription[1].monthly_price_cents,
            "pro_included": subscription[1].period_credits,
            "pro_extra_cents": subscription[1].fix_price_cents,
        },
        "fixes_this_period": 0,
        "current_usage": 0,
        "first_scan_at": None,
        "standing": {
            "state": "good",
            "owed_cents": 0,
            "currency": None,
            "since": None,
            "grace_ends_at": None,
            "pay_url": None,
        },
        "waiting": None,
        "recent_transactions": [
            {
                "id": transaction["id"],
                "amount": plan.signup_credits,
                "balance_after": plan.signup_credits,
                "source": "trial_signup",
                "metadata": {"source": "direct"},
                "inserted_at": transaction["inserted_at"],
            }
        ],
    }


async def test_usage_counts_what_was_fixed(acme_client: httpx.AsyncClient, catalog_name: str) -> None:
    """
    Each fix lowers the balance, raises the count of the period and stands on top of the transactions.
    """
    for issue in (1, 2):
        await billing_of(acme_client, fix(issue))

    usage = await usage_of(acme_client)

    credits = CATALOGS[catalog_name].trial()[1].signup_credits
    newest = usage["recent_transactions"][0]
    assert (usage["fixes_this_period"], usage["current_usage"]) == (2, 2)
    assert usage["credit_balance"] == credits - 2
    assert (newest["amount"], newest["balance_after"], newest["source"]) == (-1, credits - 2, "consumed")
    assert newest["metadata"] == {"repository": "acme/shop", "issue_number": 2}


async def test_without_credits_and_payment_method_the_service_stops(
    acme_client: httpx.AsyncClient, catalog_name: str
) -> None:
    """
    When the last credit is gone, usage says that the service cannot be used, and why.
    """
    credits = CATALOGS[catalog_name].trial()[1].signup_credits
    for issue in range(1, credits + 1):
        await billing_of(acme_client, fix(issue))

    usage = await usage_of(acme_client)

    assert usage["can_use_service"] is False
    assert [(warning["level"], warning["code"]) for warning in usage["warnings"]] == [("critical", "no_billing_info")]


async def test_the_newest_ten_transactions_are_shown(acme_client: httpx.AsyncClient, catalog_name: str) -> None:
    """
    However many there are, usage shows ten, newest first.
    """
    credits = CATALOGS[catalog_name].trial()[1].signup_credits
    for issue in range(1, 13):
        await billing_of(acme_client, fix(issue))

    shown = (await usage_of(acme_client))["recent_transactions"]

    assert len(shown) == min(10, credits + 1)
    assert [one["balance_after"] for one in shown] == sorted(one["balance_after"] for one in shown)
