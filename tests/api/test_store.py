"""
POST /api/v1/phases/store and its alias.
"""

import asyncpg
import httpx
import pytest

from api.wire import STORE, STORE_ALIAS, billing_of, caller, contents, fix, result, usage_of
from factories.customers import give_credits, set_balance
from rsolv.api import Parts
from rsolv.db import Database


async def customer_id_of(owner: asyncpg.Connection) -> int:
    """
    Return the id of the only customer.
    """
    return int(await owner.fetchval("SELECT id FROM customers"))


async def test_storing_answers_where_the_result_is_and_what_it_cost(acme_client: httpx.AsyncClient) -> None:
    """
    The answer has success, an id as text, a message, and the billing with the credits that remain.
    """
    credits = (await usage_of(acme_client))["credit_balance"]

    answer = await acme_client.post(STORE, json=result("scan", vulnerabilities=[]))

    assert answer.status_code == httpx.codes.OK
    body = answer.json()
    assert body == {
        "success": True,
        "id": body["id"],
        "message": "scan result stored",
        "billing": {"status": "not_billable", "credits_remaining": credits},
    }
    assert isinstance(body["id"], str)


@pytest.mark.parametrize("path", [STORE, STORE_ALIAS])
@pytest.mark.parametrize(
    ("word", "phase"),
    [("validate", "validate"), ("validation", "validate"), ("mitigate", "mitigate"), ("mitigation", "mitigate")],
)
async def test_both_words_for_a_phase_are_understood_on_both_paths(
    acme_client: httpx.AsyncClient, path: str, word: str, phase: str
) -> None:
    """
    The inner and the outer word of a phase name the same phase, under either path.
    """
    answer = await acme_client.post(path, json=result(word, issue=7))

    assert answer.json()["message"] == f"{phase} result stored"


async def test_snake_case_names_are_understood(acme_client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    issue_number and commit_sha mean what issueNumber and commitSha mean.
    """
    body = {"phase": "validate", "repo": "acme/shop", "issue_number": 7, "commit_sha": "abc", "data": {}}

    await acme_client.post(STORE, json=body)

    row = await owner.fetchrow("SELECT issue_number, commit_sha FROM phase_results")
    assert tuple(row) == (7, "abc")


async def test_unknown_fields_are_ignored(acme_client: httpx.AsyncClient) -> None:
    """
    An action that sends more than we know is served.
    """
    answer = await acme_client.post(STORE, json=result("scan") | {"namespace": "acme", "retry": 3})

    assert answer.status_code == httpx.codes.OK


async def test_an_issue_number_is_nothing_to_a_scan(acme_client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    A scan that names an issue is stored as the scan of the commit.
    """
    await acme_client.post(STORE, json=result("scan", issue=7))

    assert await owner.fetchval("SELECT issue_number FROM phase_results") is None


async def test_storing_again_replaces(acme_client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    The same repository, commit, phase and issue keep one result under one id: the last.
    """
    first = await acme_client.post(STORE, json=result("validate", issue=7, validated=False))
    second = await acme_client.post(STORE, json=result("validate", issue=7, validated=True))

    assert first.json()["id"] == second.json()["id"]
    assert await owner.fetch("SELECT data FROM phase_results") == [('{"validated": true}',)]


async def test_the_first_scan_is_stamped_once(acme_client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    The first scan sets first_scan_at, and a later one leaves it alone.
    """
    assert await owner.fetchval("SELECT first_scan_at FROM customers") is None

    await acme_client.post(STORE, json=result("validate", issue=7))
    assert await owner.fetchval("SELECT first_scan_at FROM customers") is None

    await acme_client.post(STORE, json=result("scan"))
    stamped = await owner.fetchval("SELECT first_scan_at FROM customers")
    assert stamped is not None

    await acme_client.post(STORE, json=result("scan", commit="later"))
    assert await owner.fetchval("SELECT first_scan_at FROM customers") == stamped


async def test_the_check_of_the_first_scan_notices_a_second_stamp(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Planted: a stamp without the condition moves the time, and the comparison above would see it.
    """
    await acme_client.post(STORE, json=result("scan"))
    stamped = await owner.fetchval("SELECT first_scan_at FROM customers")

    await owner.execute("UPDATE customers SET first_scan_at = clock_timestamp()")

    assert await owner.fetchval("SELECT first_scan_at FROM customers") != stamped


@pytest.mark.parametrize("data", [{"fixed": True}, {"status": "success"}, {"fixed": True, "status": "failed"}])
async def test_a_fix_consumes_a_credit(acme_client: httpx.AsyncClient, data: dict[str, object]) -> None:
    """
    A mitigation that says fixed, or in older words status success, costs one credit.
    """
    credits = (await usage_of(acme_client))["credit_balance"]

    billing = await billing_of(acme_client, result("mitigate", issue=7, **data))

    assert billing == {"status": "consumed", "credits_remaining": credits - 1}
    assert (await usage_of(acme_client))["credit_balance"] == credits - 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"fixed": False},
        {"fixed": "true"},
        {"fixed": 1},
        {"status": "failed"},
        {"fixed": False, "status": "success"},
    ],
)
async def test_a_mitigation_that_fixed_nothing_is_free(acme_client: httpx.AsyncClient, data: dict[str, object]) -> None:
    """
    Only the plain word fixed bills; a mitigation that says it did not fix is free whatever its status.
    """
    credits = (await usage_of(acme_client))["credit_balance"]

    billing = await billing_of(acme_client, result("mitigate", issue=7, **data))

    assert billing == {"status": "not_billable", "credits_remaining": credits}


@pytest.mark.parametrize("phase", ["scan", "validate"])
async def test_only_a_mitigation_is_billed(acme_client: httpx.AsyncClient, phase: str) -> None:
    """
    The word fixed in another phase's data costs nothing.
    """
    assert (await billing_of(acme_client, result(phase, issue=7, fixed=True)))["status"] == "not_billable"


async def test_the_second_payload_of_a_mitigation_is_free(acme_client: httpx.AsyncClient) -> None:
    """
    The action stores a mitigation twice, the second time at another commit: with or without fixed, it bills once.
    """
    first = await billing_of(acme_client, fix(7))
    without = await billing_of(acme_client, result("mitigate", issue=7, commit="merge", prUrl="x"))
    with_fixed = await billing_of(acme_client, fix(7, commit="merge"))

    remaining = first["credits_remaining"]
    assert first["status"] == "consumed"
    assert without == {"status": "not_billable", "credits_remaining": remaining}
    assert with_fixed == {"status": "already_billed", "credits_remaining": remaining}


async def test_issues_of_one_repository_are_billed_one_by_one(acme_client: httpx.AsyncClient) -> None:
    """
    Another issue is another fix, and so is the same number in another repository.
    """
    bodies = [fix(7), fix(8), fix(7) | {"repo": "acme/blog"}, fix(7) | {"repo": "Acme/SHOP"}]

    statuses = [(await billing_of(acme_client, body))["status"] for body in bodies]

    assert statuses == ["consumed", "consumed", "consumed", "already_billed"]


async def test_a_fix_without_credits_is_blocked_and_billed_once_when_credits_came(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    """
    Without credits the result is stored and the fix blocked; reported again with credits it is consumed, once.
    """
    customer_id = await customer_id_of(owner)
    async with database.transaction() as connection:
        await set_balance(connection, customer_id=customer_id, credits=0)

    blocked = {"status": "blocked", "credits_remaining": 0, "reason": "no_billing_info"}
    assert await billing_of(acme_client, fix(7)) == blocked
    assert await billing_of(acme_client, fix(7)) == blocked
    async with database.transaction() as connection:
        await give_credits(connection, customer_id=customer_id, credits=3)

    billed = [await billing_of(acme_client, fix(7)) for _ in range(3)]
    assert [one["status"] for one in billed] == ["consumed", "already_billed", "already_billed"]
    assert [one["credits_remaining"] for one in billed] == [2, 2, 2]


async def test_the_issues_own_map_is_taken_apart(acme_client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Data wrapped in a map that names only this issue is the issue's data, and is billed by what it says.
    """
    for issue, name in ((1, "issue-1"), (2, "issue_2"), (3, "3")):
        billing = await billing_of(acme_client, result("mitigate", issue=issue, **{name: {"fixed": True}}))
        assert billing["status"] == "consumed"

    assert {data for (data,) in await owner.fetch("SELECT data FROM phase_results")} == {'{"fixed": true}'}


@pytest.mark.parametrize("data", [{"issue-8": {"fixed": True}}, {"issue-7": 1}, {"issue-7": {}, "x": 1}])
async def test_a_map_that_names_something_else_is_kept_as_it_is(
    acme_client: httpx.AsyncClient, data: dict[str, object]
) -> None:
    """
    Only a map of exactly this issue is taken apart.
    """
    assert (await billing_of(acme_client, result("mitigate", issue=7, **data)))["status"] == "not_billable"


async def test_strict_ownership_refuses_owners_that_are_not_verified(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    Where the installation asks for it, a store under an owner the customer has not verified is 403, until they have.
    """
    await acme_client.post(STORE, json=result("scan"))
    before = await contents(owner)

    async with caller(parts, key=acme_client.headers["x-api-key"], ownership_required=True) as strict:
        refused = await strict.post(STORE, json=fix(7))
        elsewhere = await strict.post(STORE, json=fix(7) | {"repo": "stranger/shop"})
        assert await contents(owner) == before
        await owner.execute("UPDATE forge_accounts SET verified_at = now()")
        accepted = await strict.post(STORE, json=fix(7))

    assert (refused.status_code, refused.json()["code"]) == (httpx.codes.FORBIDDEN, "forge_not_verified")
    assert elsewhere.status_code == httpx.codes.FORBIDDEN
    assert accepted.status_code == httpx.codes.OK


async def test_a_store_by_nobody_is_refused(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Without a key nothing is stored, on either path.
    """
    before = await contents(owner)

    answers = [await client.post(path, json=fix(7)) for path in (STORE, STORE_ALIAS)]

    assert {answer.status_code for answer in answers} == {httpx.codes.UNAUTHORIZED}
    assert await contents(owner) == before
