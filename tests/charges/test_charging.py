"""
A fix beyond the credits is paid for by card: once, whole, and explained.
"""

import asyncio

import asyncpg
import pytest

from charges.stage import NOW, SECOND, Stage
from factories.catalogs import CATALOGS
from factories.customers import make_customer
from rsolv import charges
from rsolv.db import Connection
from rsolv.fixes import PhaseCompleted


async def reopened(stage: Stage, connection: Connection, charge_id: int, **other: object) -> charges.Charge:
    """
    Open the debt of a charge once more.
    """
    charge = await charges.get_charge(connection, customer_id=stage.customer_id, charge_id=charge_id)
    terms = {
        "fix_id": charge.fix_id,
        "amount_cents": charge.amount_cents,
        "currency": charge.currency,
        "plan": charge.plan,
        "catalog_version_id": charge.catalog_version_id,
        "api_key_id": charge.api_key_id,
        "description": charge.description,
    }
    return await charges.open_debt(connection, customer_id=stage.customer_id, now=NOW, **(terms | other))


async def test_a_fix_is_charged_credited_and_consumed(stage: Stage) -> None:
    """
    One run of the worker: one payment at Stripe, money and credits posted, the fix consumed.
    """
    charge_id = await stage.fix()

    charge = await stage.advance(charge_id)

    await stage.require_paid_once(charge_id)
    assert charge.settled_at == NOW


@pytest.mark.parametrize("catalog_name", ["current", "draft"], scope="session")
async def test_the_price_is_the_catalogues(stage: Stage, catalog_name: str) -> None:
    """
    Of the customer's plan and version, whichever catalogue is sold.
    """
    price_cents = CATALOGS[catalog_name].fix_price_cents("pay_as_you_go")

    charge_id = await stage.fix()
    await stage.advance(charge_id)

    await stage.require_paid_once(charge_id)
    assert [intent["amount_received"] for intent in stage.paid()] == [price_cents]


async def test_the_payment_at_stripe_says_what_it_is_for(stage: Stage) -> None:
    """
    Enough to build the charge anew, should we lose it; nothing secret, no person's data.
    """
    charge = await stage.advance(await stage.fix())
    explained = await stage.explained(charge.id)

    metadata = stage.theirs()[0]["metadata"]
    assert metadata.pop("rsolv_charge_nonce")
    assert metadata == {
        "rsolv_customer_id": str(stage.customer_id),
        "rsolv_charge_id": str(charge.id),
        "rsolv_fix_id": str(charge.fix_id),
        "rsolv_amount_cents": str(charge.amount_cents),
        "rsolv_catalog_version": str(charge.catalog_version_id),
        "rsolv_plan": charge.plan,
        "rsolv_api_key_id": str(charge.api_key_id),
        "rsolv_repository": explained.repository,
        "rsolv_issue_number": str(explained.issue_number),
        "rsolv_commit": explained.commit_sha,
    }


async def test_a_charge_that_is_done_stays_done(stage: Stage) -> None:
    """
    The job run again asks Stripe nothing and changes nothing.
    """
    charge_id = await stage.fix()
    await stage.advance(charge_id)
    before = await stage.books()

    await stage.advance(charge_id, at=NOW + SECOND)

    assert await stage.books() == before
    await stage.require_paid_once(charge_id)


async def test_many_charges_of_one_customer_at_once_are_each_paid_once(stage: Stage) -> None:
    """
    They take turns at the customer's ledger.
    """
    stage.twin.faults.latency_seconds = 0.002
    ids = [await stage.fix() for _ in range(12)]

    await asyncio.gather(*(stage.advance(charge_id) for charge_id in ids))

    assert [(await stage.charge(charge_id)).state for charge_id in ids] == ["succeeded"] * 12
    assert len(stage.paid()) == 12
    assert await stage.breaches() == []


async def test_a_debt_is_opened_once_per_fix(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    A repeat returns the charge as it stands and promises nothing more.
    """
    charge_id = await stage.fix()
    jobs = await owner.fetchval("SELECT count(*) FROM pgqueuer")

    async with stage.database.transaction() as connection:
        again = await reopened(stage, connection, charge_id)

    assert again.id == charge_id
    assert await owner.fetchval("SELECT count(*) FROM charge_debts") == 1
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == jobs


@pytest.mark.parametrize("other", [{"amount_cents": 1}, {"currency": "eur"}], ids=["amount", "currency"])
async def test_a_debt_at_other_terms_is_refused(stage: Stage, other: dict[str, object]) -> None:
    """
    What is owed for a fix never changes.
    """
    charge_id = await stage.fix()

    async with stage.database.transaction() as connection:
        with pytest.raises(charges.DebtDiffers):
            await reopened(stage, connection, charge_id, **other)


async def test_a_debt_rolled_back_leaves_nothing(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    Neither debt nor charge nor job.
    """
    count = "SELECT (SELECT count(*) FROM charge_debts), (SELECT count(*) FROM pgqueuer)"
    before = await owner.fetchrow(count)

    class Undo(Exception):
        """
        Whatever goes wrong after the debt was opened.
        """

    async def fail(_connection: object, _event: object) -> None:
        raise Undo

    stage.bus.subscribe(PhaseCompleted, fail)
    with pytest.raises(Undo):
        await stage.fix()

    assert await owner.fetchrow(count) == before


async def test_every_charge_explains_itself(stage: Stage) -> None:
    """
    What was fixed, what was agreed to, what was tried, what was posted.
    """
    pull_request = "https://github.com/acme/shop/pull/8"
    charge_id = await stage.fix(data_json=f'{{"fixed": true, "prUrl": "{pull_request}"}}')
    await stage.advance(charge_id)

    explained = await stage.explained(charge_id)

    assert (explained.repository, explained.commit_sha) == ("acme/shop", "c0ffee")
    assert explained.pull_request_url == pull_request
    assert explained.consent is not None
    assert explained.consent.text_version == "2026-11"
    assert [(each.kind, each.number, each.outcome) for each in explained.attempts] == [
        ("create", 1, "made"),
        ("confirm", 1, "succeeded"),
    ]
    assert all(str(each.stripe_request_id).startswith("req_") for each in explained.attempts)
    assert [[entry[0] for entry in posting.entries] for posting in explained.postings] == [
        ["processor", "revenue"],
        ["available", "issued"],
        ["available", "consumed"],
    ]


@pytest.mark.parametrize("said", ["", ', "prUrl": 7', ', "prUrl": "javascript:"'], ids=["nothing", "number", "script"])
async def test_only_an_address_is_shown_as_the_pull_request(stage: Stage, said: str) -> None:
    """
    What was reported is the customer's word, and may be anything.
    """
    charge_id = await stage.fix(data_json=f'{{"fixed": true{said}}}')

    assert (await stage.explained(charge_id)).pull_request_url is None


async def test_charges_are_listed_newest_first_in_parts(stage: Stage) -> None:
    """
    Each part begins before the last one's end.
    """
    ids = [await stage.fix() for _ in range(3)]
    async with stage.database.reading() as connection:
        newest = await charges.list_charges(connection, customer_id=stage.customer_id, limit=2)
        rest = await charges.list_charges(connection, customer_id=stage.customer_id, limit=2, before_id=newest[-1].id)

    assert [charge.id for charge in [*newest, *rest]] == ids[::-1]


async def test_nobody_sees_anothers_charges(stage: Stage) -> None:
    """
    Not in the list, not by id.
    """
    charge_id = await stage.fix()
    async with stage.database.transaction() as connection:
        other = (await make_customer(connection)).customer.id

    async with stage.database.reading() as connection:
        assert await charges.list_charges(connection, customer_id=other, limit=10) == []
        with pytest.raises(charges.UnknownCharge):
            await charges.explain_charge(connection, customer_id=other, charge_id=charge_id)
