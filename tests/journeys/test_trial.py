"""
The life of a customer on trial, through HTTP alone, under both catalogues: every figure is computed from them.
"""

from collections.abc import Sequence
from datetime import timedelta

import httpx
import msgspec
import pytest

from api.wire import (
    ONBOARD,
    RETRIEVE,
    STORE,
    TRANSACTIONS,
    billing_of,
    caller,
    fix,
    result,
    sign_up,
    usage_of,
)
from factories.catalogs import CATALOGS
from rsolv.api import Parts
from rsolv.catalog import Catalog, apply_catalog
from rsolv.db import Database
from rsolv.kernel import clock

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])


@pytest.fixture
def catalog(catalog_name: str) -> Catalog:
    """
    The catalogue of this journey.
    """
    return CATALOGS[catalog_name]


@pytest.fixture
def credits(catalog: Catalog) -> int:
    """
    With how many credits a customer begins.
    """
    return catalog.trial()[1].signup_credits


def expected_warnings(catalog: Catalog, balance: int) -> Sequence[tuple[str, str]]:
    """
    Say what a customer without a payment method should be told at a balance.
    """
    if balance == 0:
        return [("critical", "no_billing_info")]
    if balance <= catalog.warnings.last_credits:
        return [("warning", "last_credits")]
    return [("notice", "low_credits")] if balance <= catalog.warnings.low_credits else []


async def test_from_signup_to_the_last_credit(client: httpx.AsyncClient, credits: int) -> None:
    """
    A visitor signs up, scans, validates, fixes until the credits are gone, and is then blocked, never charged.
    """
    # A visitor signs up and gets a key.
    signed_up = await client.post(ONBOARD, json={"email": "ada@example.com", "name": "Ada"})
    assert signed_up.status_code == httpx.codes.CREATED
    assert signed_up.json()["customer"]["credit_balance"] == credits
    client.headers["x-api-key"] = signed_up.json()["api_key"]

    # The first CI run scans and validates: that costs nothing.
    found = {"vulnerabilities": [{"type": "xss", "file": "a.js", "line": 3}]}
    assert (await billing_of(client, result("scan", **found)))["credits_remaining"] == credits
    assert (await billing_of(client, result("validate", issue=1, validated=True)))["credits_remaining"] == credits

    # The mitigation fixes the issue: one credit less. The action stores it twice: still one.
    first = await billing_of(client, fix(1))
    assert first == {"status": "consumed", "credits_remaining": credits - 1}
    second = await billing_of(client, result("mitigate", issue=1, commit="merged", prUrl="https://forge.test/1"))
    assert second == {"status": "not_billable", "credits_remaining": credits - 1}

    # What the run stored is there for the next one.
    stored = (await client.get(RETRIEVE, params={"repo": "acme/shop", "commit": "c0ffee", "issue": 1})).json()
    assert stored["scan"] == found
    assert stored["validation"] == {"issue-1": {"validated": True}}
    assert stored["mitigation"]["issue-1"]["fixed"] is True

    # Fix after fix the balance goes down to nothing.
    for issue in range(2, credits + 1):
        assert (await billing_of(client, fix(issue)))["credits_remaining"] == credits - issue

    # The next fix is stored, but blocked; a retry of the CI job changes nothing.
    blocked = {"status": "blocked", "credits_remaining": 0, "reason": "no_billing_info"}
    assert await billing_of(client, fix(credits + 1)) == blocked
    assert await billing_of(client, fix(credits + 1)) == blocked
    assert (await billing_of(client, fix(1)))["status"] == "already_billed"

    # Usage and transactions tell the same story.
    usage = await usage_of(client)
    assert (usage["credit_balance"], usage["can_use_service"]) == (0, False)
    assert usage["fixes_this_period"] == credits
    transactions = (await client.get(TRANSACTIONS, params={"limit": 100})).json()["transactions"]
    assert [one["amount"] for one in transactions] == [-1] * credits + [credits]
    assert [one["balance_after"] for one in transactions] == list(range(credits + 1))


async def test_warnings_come_in_time(acme_client: httpx.AsyncClient, catalog: Catalog, credits: int) -> None:
    """
    At every balance on the way down usage warns as the catalogue asks: low, last, none.
    """
    said = {}
    for issue in range(1, credits + 2):
        usage = await usage_of(acme_client)
        said[usage["credit_balance"]] = [(warning["level"], warning["code"]) for warning in usage["warnings"]]
        assert usage["can_use_service"] is (usage["credit_balance"] > 0)
        await billing_of(acme_client, fix(issue))

    assert said == {balance: expected_warnings(catalog, balance) for balance in range(credits + 1)}
    assert {code for warnings in said.values() for _, code in warnings} == {
        "low_credits",
        "last_credits",
        "no_billing_info",
    }


def dearer(catalog: Catalog) -> Catalog:
    """
    Write the next version: in effect now, every price doubled, a credit more at the start.
    """
    plans = {
        name: msgspec.structs.replace(
            plan,
            monthly_price_cents=plan.monthly_price_cents and plan.monthly_price_cents * 2,
            fix_price_cents=plan.fix_price_cents and plan.fix_price_cents * 2,
            signup_credits=plan.signup_credits and plan.signup_credits + 1,
        )
        for name, plan in catalog.plans.items()
    }
    warnings = msgspec.structs.replace(catalog.warnings, low_credits=catalog.warnings.low_credits + 10)
    return msgspec.structs.replace(catalog, effective_at=clock.now(), plans=plans, warnings=warnings)


async def test_prices_stay_as_agreed(
    acme_client: httpx.AsyncClient, parts: Parts, database: Database, catalog: Catalog, credits: int
) -> None:
    """
    A dearer catalogue is for those who sign up under it; who was there before keeps prices, credits and warnings.
    """
    agreed = await usage_of(acme_client)
    assert agreed["pricing"]["payg_cents"] == catalog.pay_as_you_go()[1].fix_price_cents

    async with database.transaction() as connection:
        await apply_catalog(connection, dearer(catalog), now=clock.now())

    async with caller(parts) as newcomer:
        signed_up = await sign_up(newcomer, "new@example.com")
        newcomer.headers["x-api-key"] = signed_up["api_key"]
        offered = await usage_of(newcomer)
    assert signed_up["customer"]["credit_balance"] == credits + 1
    assert offered["pricing"]["next_fix_cents"] == 2 * agreed["pricing"]["next_fix_cents"]
    assert offered["pricing"]["pro_cents"] == 2 * agreed["pricing"]["pro_cents"]
    assert [warning["code"] for warning in offered["warnings"]] == ["low_credits"]

    assert await usage_of(acme_client) == agreed


async def test_a_catalogue_of_tomorrow_changes_nothing_today(
    acme_client: httpx.AsyncClient, parts: Parts, database: Database, catalog: Catalog, credits: int
) -> None:
    """
    A version that is applied but not yet in effect is offered to nobody.
    """
    tomorrow = msgspec.structs.replace(dearer(catalog), effective_at=clock.now() + timedelta(days=1))
    async with database.transaction() as connection:
        await apply_catalog(connection, tomorrow, now=clock.now())

    async with caller(parts) as newcomer:
        signed_up = await sign_up(newcomer, "new@example.com")

    assert signed_up["customer"]["credit_balance"] == credits


async def test_the_check_of_agreed_prices_notices_another_version(
    acme_client: httpx.AsyncClient, database: Database, catalog: Catalog
) -> None:
    """
    Planted: a customer moved to the newest version without consent sees other prices, and the comparison fails.
    """
    agreed = await usage_of(acme_client)

    async with database.transaction() as connection:
        await apply_catalog(connection, dearer(catalog), now=clock.now())
        await connection.execute("UPDATE catalog_pins SET version_id = (SELECT max(id) FROM catalog_versions)")

    assert (await usage_of(acme_client))["pricing"] != agreed["pricing"]


async def test_two_teams_of_one_forge_account_live_side_by_side(
    acme_client: httpx.AsyncClient, parts: Parts, credits: int
) -> None:
    """
    Two customers report the same repository for months; neither pays for, sees or replaces what the other did.
    """
    async with caller(parts) as other:
        other.headers["x-api-key"] = (await sign_up(other, "globex@example.com"))["api_key"]
        for client, note in ((acme_client, "acme"), (other, "globex")):
            await client.post(STORE, json=result("scan", note=note))
            assert (await billing_of(client, fix(1)))["credits_remaining"] == credits - 1

        question = {"repo": "acme/shop", "commit": "c0ffee"}
        seen = [(await client.get(RETRIEVE, params=question)).json()["scan"] for client in (acme_client, other)]

    assert seen == [{"note": "acme"}, {"note": "globex"}]
