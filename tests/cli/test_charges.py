"""
What an operator sees of charges, and does about them.
"""

import asyncio
import getpass
import json
from typing import Any

import asyncpg
import pytest

from charges.stage import NOW, SECOND, Stage, set_stage
from charges.test_collect_again import ended_at_stripe
from cli.conftest import Rsolv
from rsolv.db import Database
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin

WHO = "acme@example.com"
HELD = "tests of the command line"


async def make_charges(url: str) -> dict[str, str]:
    """
    Leave a charge of acme's in each state that an operator may meet; return their ids.
    """
    twin, owner = Twin(), await asyncpg.connect(url)
    database = await Database.open(url, application="test", pool_size=4)
    async with open_gateway(GatewayOptions(api_key=Secret("sk_test_ofthetests")), TwinTransport(twin)) as gateway:
        stage = await set_stage(database, owner, gateway, twin)
        made = await in_every_state(stage)
    await database.close()
    await owner.close()
    twin.close()
    return {name: str(charge_id) for name, charge_id in made.items()}


async def in_every_state(stage: Stage) -> dict[str, int]:
    """
    Make the charges, one by one.
    """
    made = {"new": await stage.fix(), "paid": await stage.fix(), "ended": await ended_at_stripe(stage)}
    await stage.advance(made["paid"])
    await stage.add_card("pm_card_authenticationRequired", at=NOW + SECOND)
    made["waiting"] = await stage.fix()
    await stage.advance(made["waiting"])
    await stage.add_card("pm_card_chargeCustomerFail", at=NOW + 2 * SECOND)
    for name in ("declined", "refused"):
        made[name] = await stage.fix()
        await stage.advance(made[name])
    return made


@pytest.fixture(scope="module")
def made(shared_url: str) -> dict[str, str]:
    """
    The ids of acme's charges.
    """
    return asyncio.run(make_charges(shared_url))


def told(rsolv: Rsolv, *arguments: str) -> Any:
    """
    Run a command of ours, and return its document.
    """
    result = rsolv("charges", *arguments, "--json", PUBLIC_URL="https://billing.test")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_charges_are_listed_newest_first(rsolv: Rsolv, made: dict[str, str]) -> None:
    """
    All, some, or those in a state.
    """
    newest = [int(charge["id"]) for charge in told(rsolv, "list", WHO, "--limit", "2")]
    listed = [int(charge["id"]) for charge in told(rsolv, "list", WHO)]
    waiting = told(rsolv, "list", WHO, "--state", "requires_action")
    in_words = rsolv("charges", "list", WHO).stdout

    assert listed == sorted(listed, reverse=True)
    assert newest == listed[:2]
    assert [str(charge["id"]) for charge in waiting] == [made["waiting"]]
    assert all(word in in_words for word in ("ended_at_stripe", "$29.00", "succeeded", "requires_action"))


def test_a_charge_that_waits_shows_its_link_and_no_other_does(rsolv: Rsolv, made: dict[str, str]) -> None:
    """
    So that an operator can give it to the customer; its token is nowhere else.
    """
    charges = {str(charge["id"]): charge for charge in told(rsolv, "list", WHO)}

    links = {charge_id: charge["action_url"] for charge_id, charge in charges.items() if charge["action_url"]}
    assert links.keys() == {made["waiting"]}
    assert links[made["waiting"]].startswith("https://billing.test/charges/")
    assert not any("link_token" in charge for charge in charges.values())
    assert "/charges/" in rsolv("charges", "show", WHO, made["waiting"]).stdout


def test_a_charge_is_explained(rsolv: Rsolv, made: dict[str, str]) -> None:
    """
    As to the customer: what was fixed, with whose consent, what was tried, what was posted.
    """
    found = told(rsolv, "show", WHO, made["paid"])
    in_words = rsolv("charges", "show", WHO, made["paid"]).stdout

    assert (found["charge"]["state"], found["phase_result"]) == ("succeeded", {"fixed": True})
    assert [attempt["kind"] for attempt in found["attempts"]] == ["create", "confirm"]
    assert len(found["postings"]) == 3
    assert "link_token" not in json.dumps(found)
    assert all(word in in_words for word in ("is succeeded.", "consent", "confirm", "processor +2900 usd"))


def test_a_charge_that_was_declined_shows_how_often_and_why(rsolv: Rsolv, made: dict[str, str]) -> None:
    """
    And when it goes on.
    """
    in_words = rsolv("charges", "show", WHO, made["refused"]).stdout

    assert f"Charge {made['refused']} is declined, goes on 2027-06-02 12:00." in in_words
    assert "1 (generic_decline)" in in_words


@pytest.mark.parametrize(
    ("command", "charge", "reason", "action"),
    [
        ("retry", "declined", [], "charge:retried"),
        ("give-up", "declined", ["--reason", HELD], "charge:end_asked"),
        ("cancel", "new", ["--reason", HELD], "charge:end_asked"),
        ("collect", "ended", ["--reason", HELD], "charge:collected_again"),
    ],
)
def test_an_act_on_a_charge_is_recorded_with_who_and_why(
    rsolv: Rsolv, made: dict[str, str], shared_url: str, command: str, charge: str, reason: list[str], action: str
) -> None:
    """
    The same words for people say how the charge stands.
    """
    in_words = rsolv("charges", command, WHO, made[charge], *reason)
    found = told(rsolv, command, WHO, made[charge], *reason)

    actor, facts = asyncio.run(last_act(shared_url, action))
    assert in_words.exit_code == 0
    assert in_words.stdout.startswith(f"Charge {found['id']} is {found['state']}")
    assert actor == f"operator:{getpass.getuser()}"
    assert ([HELD] if reason else []) == [fact for name, fact in facts.items() if name == "reason"]


async def last_act(url: str, action: str) -> tuple[str, dict[str, Any]]:
    """
    Return who did this last, and what is noted about it.
    """
    connection = await asyncpg.connect(url)
    entry = await connection.fetchrow(
        "SELECT actor, facts::text AS facts FROM audit_entries WHERE action = $1 ORDER BY id DESC LIMIT 1", action
    )
    await connection.close()
    return entry["actor"], json.loads(entry["facts"])


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("show", WHO, "404"), 3, "unknown_charge"),
        (("show", "eve@example.com", "1"), 3, "unknown_customer"),
        (("retry", WHO, "{paid}"), 5, "charge_cannot_end"),
        (("cancel", WHO, "{paid}", "--reason", HELD), 5, "charge_cannot_end"),
        (("give-up", WHO, "{waiting}", "--reason", HELD), 5, "charge_cannot_end"),
        (("collect", WHO, "{waiting}", "--reason", HELD), 5, "charge_cannot_end"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(
    rsolv: Rsolv, made: dict[str, str], arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    """
    With a sentence and a stable code, and nothing on standard output.
    """
    result = rsolv("charges", *(argument.format(**made) for argument in arguments), "--json")

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert json.loads(result.stderr)["code"] == code


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(("list", WHO, "--state", "paid"), "no state of a charge"), (("cancel", WHO, "1"), "--reason")],
)
def test_a_mistake_in_the_command_is_2(rsolv: Rsolv, arguments: tuple[str, ...], hint: str) -> None:
    """
    A state that there is not, a reason that is missing.
    """
    result = rsolv("charges", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert hint in result.stderr
