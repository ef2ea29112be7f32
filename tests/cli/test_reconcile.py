"""
`rsolv reconcile` and `rsolv discrepancies`: an operator compares, sees what differs, and closes it.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cli.conftest import Rsolv, commands_on
from factories.cards import attach_card
from factories.customers import make_customer, set_balance
from fixes.reports import report
from rsolv import charges, fixes
from rsolv.charges.jobs import Machine, advance
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus
from test_worker import twin_process

KEY = "sk_test_ofthecommandline"


@pytest.fixture(scope="module")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    A twin of Stripe for all tests of this file.
    """
    with twin_process(Path(tmp_path_factory.mktemp("stripe"))) as url:
        yield url


@pytest.fixture(scope="module")
def payment_id(shared_url: str, stripe_url: str) -> str:
    """
    The payment of a fix that was charged and settled.
    """
    return asyncio.run(_pay(shared_url, stripe_url))


async def _pay(database_url: str, stripe_url: str) -> str:
    database = await Database.open(database_url, application="test", pool_size=2)
    bus, now = wired_bus(), clock.now()
    try:
        async with open_gateway(GatewayOptions(api_key=Secret(KEY), base_url=stripe_url)) as gateway:
            async with database.transaction() as connection:
                acme = await make_customer(connection, email="acme@example.com", name="Acme", now=now)
            customer_id = acme.customer.id
            await attach_card(database, gateway, bus, customer_id=customer_id, stripe_id="pm_card_visa", now=now)
            async with database.transaction() as connection:
                await set_balance(connection, customer_id=customer_id, credits=0)
                stored = await fixes.store_phase(
                    connection,
                    report(),
                    customer_id=customer_id,
                    api_key_id=acme.key.api_key.id,
                    bus=bus,
                    ownership_required=False,
                    now=now,
                )
            assert stored.billing.charge_id is not None
            machine = Machine(database=database, gateway=gateway, bus=bus)
            await advance(machine, customer_id=customer_id, charge_id=stored.billing.charge_id, now=now)
            async with database.reading() as connection:
                charge = await charges.get_charge(
                    connection, customer_id=customer_id, charge_id=stored.billing.charge_id
                )
    finally:
        await database.close()
    assert charge.state == "succeeded", charge
    return str(charge.stripe_payment_id)


@pytest.fixture
def reconcile(shared_url: str, stripe_url: str, payment_id: str) -> Rsolv:
    """
    The command line, with a Stripe to ask.
    """
    assert payment_id
    run = commands_on(shared_url)
    return lambda *arguments, **environ: run(
        *arguments, **{"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe_url, **environ}
    )


def told(result: Any) -> Any:
    return json.loads(result.stdout)


def test_what_agrees_is_counted_and_ends_well(reconcile: Rsolv) -> None:
    """
    By kind, for scripts and for people.
    """
    result = reconcile("reconcile", "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    assert told(result)["kinds"]["payment"] == {
        "compared": 1,
        "agreeing": 1,
        "settled": 0,
        "rebuilt": 0,
        "differing": 0,
        "foreign": 0,
    }
    assert "Everything at Stripe and in our books says the same." in reconcile("reconcile").stdout
    assert told(reconcile("reconcile", "--since", "2126-01-01", "--json"))["kinds"]["payment"]["compared"] == 0


@pytest.fixture
def elsewhere(shared_url: str, payment_id: str) -> Iterator[str]:
    """
    The id of a payment that Stripe does not have, which our books name meanwhile in place of the one it has.
    """
    asyncio.run(_rename_payment(shared_url, payment_id, "pi_elsewhere"))
    yield "pi_elsewhere"
    asyncio.run(_rename_payment(shared_url, "pi_elsewhere", payment_id))


def test_what_differs_is_listed_shown_and_closed(reconcile: Rsolv, elsewhere: str) -> None:
    """
    The command ends with 1, the discrepancy stays open until somebody closes it, and then it is accepted.
    """
    result = reconcile("reconcile", "--json")
    text = reconcile("reconcile")
    found, _ = sorted(told(reconcile("discrepancies", "list", "--json")), key=lambda each: each["class"], reverse=True)

    assert result.exit_code == text.exit_code == 1
    assert sorted(each["class"] for each in told(result)["differences"]) == ["duplicate", "missing_there"]
    assert elsewhere in text.stdout
    assert len(told(reconcile("discrepancies", "list", "acme@example.com", "--json"))) == 2
    shown = reconcile("discrepancies", "show", str(found["id"]))
    assert "missing_there" in shown.stdout
    closed = told(reconcile("discrepancies", "close", str(found["id"]), "--reason", "seen", "--json"))
    assert closed["close_reason"] == "seen"
    assert len(told(reconcile("discrepancies", "list", "--json"))) == 1
    assert len(told(reconcile("discrepancies", "list", "--closed", "--json"))) == 2
    assert reconcile("discrepancies", "close", str(found["id"]), "--reason", "seen").exit_code == 5
    assert reconcile("discrepancies", "show", "999").exit_code == 3
    assert reconcile("discrepancies", "close", "1", "--reason", "x" * 501).exit_code == 2


async def _rename_payment(database_url: str, before: str, after: str) -> None:
    """
    Have our books name another payment, which Stripe does not have: past every guard.
    """
    owner = await asyncpg.connect(database_url)
    for table in ("charge_intents", "stripe_payments"):
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        update = f"UPDATE {table} SET stripe_payment_id = $2 WHERE stripe_payment_id = $1"  # noqa: S608 -- names of ours
        await owner.execute(update, before, after)
        await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await owner.close()


def test_runs_are_remembered(reconcile: Rsolv) -> None:
    """
    The newest first, with what each came to.
    """
    reconcile("reconcile")

    (run, *_) = told(reconcile("discrepancies", "runs", "--limit", "2", "--json"))

    assert (run["scope"], run["stopped_by"]) == ("asked", None)
    assert "asked" in reconcile("discrepancies", "runs").stdout


def test_without_a_stripe_to_ask_a_sentence_says_so(reconcile: Rsolv) -> None:
    """
    Neither a key nor a twin that runs here; or one that does not answer.
    """
    nobody = reconcile("reconcile", STRIPE_API_KEY=None, STRIPE_API_BASE=None)
    away = reconcile("reconcile", "--json", STRIPE_API_BASE="http://127.0.0.1:9")

    assert (nobody.exit_code, "STRIPE_API_KEY is not set" in nobody.stderr) == (7, True)
    assert (away.exit_code, json.loads(away.stderr)["code"]) == (7, "unavailable")
