"""
`rsolv disputes`: what operators see and do.
"""

import asyncio
import json
from typing import Any

import pytest

from cli.conftest import commands_on
from disputes.disputing import INQUIRY, Court

EXIT_USAGE, EXIT_NOT_FOUND = 2, 3


@pytest.fixture
def who(court: Court) -> str:
    """
    Acme, as one types it.
    """
    return str(court.stage.customer_id)


async def run(database_url: str, *arguments: str) -> Any:
    """
    Run a command apart from this test's own loop.
    """
    return await asyncio.to_thread(commands_on(database_url), *arguments)


async def told(database_url: str, *arguments: str) -> Any:
    """
    Run a command as a script does.
    """
    result = await run(database_url, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


async def test_disputes_are_listed_and_shown(court: Court, database_url: str, who: str) -> None:
    """
    A customer's, or everybody's, with the time to respond.
    """
    charge, dispute_id = await court.disputed()

    [listed] = await told(database_url, "disputes", "list", who)

    assert listed == await told(database_url, "disputes", "show", dispute_id)
    assert [listed] == await told(database_url, "disputes", "list")
    assert (listed["stripe_dispute_id"], listed["charge_id"]) == (dispute_id, charge.id)
    assert (listed["stage"], listed["money"], listed["freezes_charges"]) == ("open", "taken", True)
    assert listed["respond_by"] is not None
    table = (await run(database_url, "disputes", "list")).stdout
    assert dispute_id in table
    page = (await run(database_url, "disputes", "show", dispute_id)).stdout
    assert "the money is away" in page


async def test_a_customer_is_released_once(court: Court, database_url: str, who: str) -> None:
    """
    The record says by whom and why.
    """
    _, dispute_id = await court.disputed()

    released = [await told(database_url, "disputes", "release", who, "--reason", "paid by transfer") for _ in range(2)]

    assert released == [{"released": 1}, {"released": 0}]
    assert not await court.is_frozen()
    page = (await run(database_url, "disputes", "show", dispute_id)).stdout
    assert "paid by transfer" in page
    last = await court.stage.owner.fetchrow("SELECT actor, facts::text FROM audit_entries ORDER BY id DESC LIMIT 1")
    assert last["actor"].startswith("operator:")
    assert "paid by transfer" in last["facts"]


async def test_an_inquiry_freezes_nobody_and_says_so(court: Court, database_url: str) -> None:
    """
    In words that an operator reads.
    """
    _, dispute_id = await court.disputed(INQUIRY)

    page = (await run(database_url, "disputes", "show", dispute_id)).stdout

    assert "the money is there" in page


async def test_what_is_not_there_is_said(court: Court, database_url: str, who: str) -> None:
    """
    An unknown dispute is not found, and a release needs a reason.
    """
    assert (await run(database_url, "disputes", "show", "du_none")).exit_code == EXIT_NOT_FOUND
    assert (await run(database_url, "disputes", "release", who, "--reason", "")).exit_code == EXIT_USAGE
    assert await told(database_url, "disputes", "list", who) == []
