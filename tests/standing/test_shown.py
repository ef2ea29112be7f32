"""
What an operator sees of a customer who owes, or whose charges wait.
"""

import asyncio
import json

from charges.stage import Stage
from cli.conftest import commands_on
from spending_caps.capped import capped, price, set_cap
from standing.owing import owe


async def shown(database_url: str, *options: str) -> str:
    """
    Return what `rsolv customers show` prints of acme.
    """
    ran = await asyncio.to_thread(commands_on(database_url), "customers", "show", "acme@example.com", *options)
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout


async def test_the_standing_of_who_owes_is_shown(stage: Stage, database_url: str) -> None:
    """
    In words and as a document.
    """
    await owe(stage)

    words, document = await shown(database_url), json.loads(await shown(database_url, "--json"))

    assert f"grace: ${await price(stage) / 100:.2f} owed since 2027-06-01 12:00, grace until 2027-06-08 12:00" in words
    assert (document["standing"]["state"], document["standing"]["owed_cents"]) == ("grace", await price(stage))


async def test_what_waits_behind_a_low_cap_is_shown(stage: Stage, database_url: str) -> None:
    """
    How many, how much and for what; the standing is good all the same.
    """
    await set_cap(stage, 0)
    for charge_id in [await stage.fix(), await stage.fix()]:
        await stage.advance(charge_id, machine=capped(stage))

    words, document = await shown(database_url), json.loads(await shown(database_url, "--json"))

    cents = 2 * await price(stage)
    assert f"2 charges, ${cents / 100:.2f}, for the spending cap" in words
    assert document["waiting"] == {"count": 2, "amount_cents": cents, "currency": "usd", "reason": "spending_cap"}
    assert document["standing"]["state"] == "good"
