"""
The drill: a backup, two hundred more charges, the backup restored, and all of them explained; nothing is charged again.
"""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from charges.stage import NOW
from factories.cards import do_jobs
from fixes.reports import report
from reconciliation.stage import INVARIANTS, Office
from rsolv import fixes, ledger, reconciliation
from rsolv.audit import Actor
from rsolv.db import Database
from rsolv.local.backup import back_up
from rsolv.local.client_tools import with_database
from rsolv.local.restore import restore
from rsolv.wiring import wired_bus

CHARGES = 200
BEFORE = 5
ADA = Actor("operator", "ada")


@pytest.fixture
async def copy_name(database_url: str) -> AsyncIterator[str]:
    """
    The name of the database into which the backup is restored; dropped afterwards.
    """
    name = f"drill_{secrets.token_hex(4)}"
    yield name
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()


async def test_a_restored_database_is_rebuilt_from_what_stripe_knows(
    office: Office, database_url: str, copy_name: str, tmp_path: Path
) -> None:
    """
    Every charge made since the backup is there again, paid once; the same fixes reported anew are billed already.
    """
    acme = await office.customer()
    for _ in range(BEFORE):
        await office.paid(acme)
    pending = await acme.fix()
    await back_up(database_url, tmp_path / "monday.dump", now=NOW)
    await acme.finish(pending)
    made = [await office.paid(acme) for _ in range(CHARGES)]
    explained = [await acme.explained(charge.id) for charge in made]
    paid = sorted(each["id"] for each in acme.paid())

    comparisons = await restore(database_url, tmp_path / "monday.dump", into=copy_name, actor=ADA, now=NOW)
    assert [each for each in comparisons if not each.is_equal] == []
    copy_url = with_database(database_url, copy_name)
    copy = await Database.open(copy_url, application="drill", pool_size=8)
    owner = await asyncpg.connect(copy_url)
    try:
        bus = wired_bus()
        await do_jobs(owner, copy, office.gateway, bus, kind="charge.advance")
        untouched = [each["id"] for each in acme.theirs()]
        found = await reconciliation.reconcile(
            copy, office.gateway, bus, since=NOW.replace(hour=0), scope="restore", now=NOW
        )
        await do_jobs(owner, copy, office.gateway, bus, kind="charge.advance")
        statuses = []
        for each in explained:
            async with copy.transaction() as connection:
                stored = await fixes.store_phase(
                    connection,
                    report(issue_number=each.issue_number, commit_sha=each.commit_sha),
                    customer_id=acme.customer_id,
                    api_key_id=acme.acme.key.api_key.id,
                    bus=bus,
                    ownership_required=False,
                    now=NOW,
                )
            statuses.append(stored.billing.status)
        states = await owner.fetch("SELECT state, rebuilt_at IS NOT NULL AS is_rebuilt FROM charge_intents")
        money = await ledger.money_balances(owner, customer_id=acme.customer_id)
        async with copy.snapshot() as connection:
            breaches = ledger.breached(await ledger.verify(connection, INVARIANTS))
    finally:
        await owner.close()
        await copy.close()

    payments = found.kinds["payment"]
    assert (payments.agreeing, payments.settled, payments.rebuilt) == (BEFORE, 1, CHARGES)
    assert found.differences == []
    assert len(untouched) == len(paid), "nothing was made at Stripe before the comparison"
    assert sorted(each["id"] for each in acme.paid()) == paid, "and nothing was paid again"
    assert set(statuses) == {"already_billed"}
    assert [row["state"] for row in states] == ["succeeded"] * (BEFORE + 1 + CHARGES)
    assert sum(row["is_rebuilt"] for row in states) == CHARGES
    cents = (BEFORE + 1 + CHARGES) * made[0].amount_cents
    assert money == {"usd": {"processor": cents, "revenue": -cents}}
    assert breaches == []
