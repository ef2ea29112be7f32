"""
Customers never touch: what one stored, spent or is called stays out of every answer to another.
"""

import asyncpg
import httpx
import pytest

from api.wire import ONBOARD, RETRIEVE, STORE, TRANSACTIONS, USAGE, billing_of, fix, result, usage_of

SECRET = "acme-only-finding"
HERE = {"repo": "acme/shop", "commit": "c0ffee"}

FOREIGN = """
SELECT data FROM phase_results p JOIN repositories r ON r.id = p.repository_id
WHERE r.namespace = 'acme' AND r.name = 'shop' AND p.commit_sha = 'c0ffee'
"""


@pytest.fixture
async def busy_acme(acme_client: httpx.AsyncClient) -> httpx.AsyncClient:
    """
    Acme, with a scan, a validation and a paid fix.
    """
    await acme_client.post(STORE, json=result("scan", note=SECRET))
    await acme_client.post(STORE, json=result("validate", issue=7, note=SECRET))
    await acme_client.post(STORE, json=result("mitigate", issue=7, note=SECRET, fixed=True))
    return acme_client


@pytest.mark.parametrize("issue", [{}, {"issue": "7"}])
async def test_results_of_another_customer_are_not_found(
    busy_acme: httpx.AsyncClient, globex_client: httpx.AsyncClient, issue: dict[str, str]
) -> None:
    """
    The same repository and commit, asked for with another customer's key, is the very 404 of what never was.
    """
    foreign = await globex_client.get(RETRIEVE, params=HERE | issue)
    never = await globex_client.get(RETRIEVE, params={"repo": "no/where", "commit": "none"})

    assert foreign.status_code == httpx.codes.NOT_FOUND
    assert {**foreign.json(), "request_id": ""} == {**never.json(), "request_id": ""}
    assert (await busy_acme.get(RETRIEVE, params=HERE | issue)).status_code == httpx.codes.OK


async def test_the_check_notices_a_question_without_an_owner(
    busy_acme: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Planted: the question asked without the customer finds the foreign data, so it is the owner alone who hides it.
    """
    assert SECRET in str(await owner.fetch(FOREIGN))


async def test_one_repository_can_be_stored_by_two_customers(
    busy_acme: httpx.AsyncClient, globex_client: httpx.AsyncClient
) -> None:
    """
    Each stores and retrieves their own data; neither replaces the other's.
    """
    await globex_client.post(STORE, json=result("scan", note="globex"))

    mine = (await busy_acme.get(RETRIEVE, params=HERE)).json()
    theirs = (await globex_client.get(RETRIEVE, params=HERE)).json()

    assert mine["scan"] == {"note": SECRET}
    assert theirs == {"scan": {"note": "globex"}}


async def test_a_fix_of_another_customer_is_billed_to_them(
    busy_acme: httpx.AsyncClient, globex_client: httpx.AsyncClient
) -> None:
    """
    An issue that acme paid for is a new fix for globex, and moves only globex's credits.
    """
    before = (await usage_of(busy_acme))["credit_balance"]

    billing = await billing_of(globex_client, fix(7))

    assert billing["status"] == "consumed"
    assert (await usage_of(busy_acme))["credit_balance"] == before


async def test_no_answer_mentions_another_customer(
    busy_acme: httpx.AsyncClient, globex_client: httpx.AsyncClient
) -> None:
    """
    Usage and transactions of a new customer show one opening grant and no word of acme.
    """
    usage = await globex_client.get(USAGE)
    transactions = await globex_client.get(TRANSACTIONS, params={"limit": 100})

    assert usage.json()["fixes_this_period"] == 0
    assert len(transactions.json()["transactions"]) == 1
    assert "acme" not in (usage.text + transactions.text).lower()


async def test_a_cursor_of_another_customer_opens_nothing(
    busy_acme: httpx.AsyncClient, globex_client: httpx.AsyncClient
) -> None:
    """
    Acme's cursor in globex's hand pages through globex's own transactions.
    """
    cursor = (await busy_acme.get(TRANSACTIONS, params={"limit": 1})).json()["next_cursor"]

    shown = (await globex_client.get(TRANSACTIONS, params={"cursor": cursor})).json()["transactions"]
    own = (await globex_client.get(TRANSACTIONS)).json()["transactions"]

    assert shown == own


async def test_a_taken_address_tells_no_more_than_that(
    busy_acme: httpx.AsyncClient, globex_client: httpx.AsyncClient
) -> None:
    """
    Whoever tries a taken address learns that it is taken, and neither name, id nor credits of who has it.
    """
    answer = await globex_client.post(ONBOARD, json={"email": "acme@example.com"})

    assert set(answer.json()) == {"error", "code", "request_id", "errors"}
    assert "Acme" not in answer.text
