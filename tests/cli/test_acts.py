"""
What commands do: keys and credits change as told, once, and the record says by whom.
"""

import asyncio
import getpass
import itertools
import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from cli.conftest import Rsolv
from rsolv.kernel import clock

_numbers = itertools.count(1)


@pytest.fixture
def who(rsolv: Rsolv) -> str:
    """
    A new customer's address.
    """
    email = f"customer-{next(_numbers)}@example.com"
    assert rsolv("customers", "provision", email).exit_code == 0
    return email


def told(rsolv: Rsolv, *arguments: str) -> Any:
    result = rsolv(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_provisioning_shows_the_key_once(rsolv: Rsolv) -> None:
    """
    It is in the answer, and later only its beginning and end are.
    """
    made = told(rsolv, "customers", "provision", "once@example.com", "--source", "early_access", "--name", "Once")

    keys = told(rsolv, "keys", "list", "once@example.com")
    assert made["api_key"].startswith(keys[0]["prefix"])
    assert made["api_key"].endswith(keys[0]["last_four"])
    assert made["api_key"] not in rsolv("keys", "list", "once@example.com", "--json").stdout
    assert (made["customer"]["source"], made["customer"]["auto_provisioned"]) == ("early_access", False)


def test_a_customer_is_shown_by_id_and_by_address(rsolv: Rsolv, who: str) -> None:
    """
    Both are the same customer.
    """
    by_address = told(rsolv, "customers", "show", who)

    by_id = told(rsolv, "customers", "show", str(by_address["customer"]["id"]))

    assert by_id == by_address
    assert who in rsolv("customers", "show", who).stdout


def test_customers_are_listed_newest_first(rsolv: Rsolv, who: str) -> None:
    """
    As many as asked for.
    """
    listed = told(rsolv, "customers", "list", "--limit", "1")

    assert [customer["email"] for customer in listed] == [who]


def test_a_key_is_rotated_and_revoked(rsolv: Rsolv, who: str) -> None:
    """
    After both, one key is live and two have ended or are ending.
    """
    first = told(rsolv, "keys", "list", who)[0]["id"]
    second = told(rsolv, "keys", "rotate", who, str(first), "--overlap-hours", "0")["api_key_id"]

    revoked = [told(rsolv, "keys", "revoke", who, str(second))["revoked"] for _ in range(2)]
    third = told(rsolv, "keys", "issue", who, "--name", "Third")["api_key_id"]

    states = rsolv("keys", "list", who).stdout
    assert revoked == [True, False]
    assert [key["id"] for key in told(rsolv, "keys", "list", who)] == [third, second, first]
    assert (states.count("ended"), states.count("live")) == (2, 1)
    assert "was revoked before" in rsolv("keys", "revoke", who, str(second)).stdout


def test_an_act_that_is_repeated_moves_credits_once(rsolv: Rsolv, who: str) -> None:
    """
    The repeat answers as the first did.
    """
    before = told(rsolv, "customers", "show", who)["credit_balance"]
    act = ("ledger", "adjust", who, "10", "--reason", "outage", "--act", f"ticket of {who}")

    first, second = told(rsolv, *act), told(rsolv, *act)

    assert (first["posting_id"], first["repeated"], second["repeated"]) == (second["posting_id"], False, True)
    assert told(rsolv, "customers", "show", who)["credit_balance"] == before + 10


def test_a_posting_is_reversed_by_another(rsolv: Rsolv, who: str) -> None:
    """
    The balance is as before, and both stay in the list.
    """
    before = told(rsolv, "customers", "show", who)["credit_balance"]
    posting = told(rsolv, "ledger", "adjust", who, "10", "--reason", "typo")["posting_id"]

    told(rsolv, "ledger", "reverse", who, str(posting), "--reason", "typo")

    moves = told(rsolv, "ledger", "transactions", who, "--limit", "2")
    assert [move["amount"] for move in moves] == [-10, 10]
    assert moves[0]["balance_after"] == before


def test_a_spending_cap_is_set_and_taken_away(rsolv: Rsolv, who: str) -> None:
    """
    Shown in words and as a document; what is too low for one fix is refused.
    """
    set_to = told(rsolv, "caps", "set", who, "--cents", "10000")
    in_words = rsolv("caps", "show", who).stdout
    refused = rsolv("caps", "set", who, "--cents", "1", "--json")
    taken_away = told(rsolv, "caps", "set", who)

    assert (set_to["monthly_cap_cents"], taken_away["monthly_cap_cents"]) == (10_000, None)
    assert in_words == "Cap $100.00 a month. Charged this month: $0.00. Charges waiting: 0.\n"
    assert (refused.exit_code, json.loads(refused.stderr)["code"]) == (5, "spending_cap_invalid")
    assert rsolv("caps", "show", who).stdout == "No cap. Charged this month: $0.00.\n"


def test_a_balance_is_known_at_any_time(rsolv: Rsolv, who: str) -> None:
    """
    Before the sign-up it was nothing.
    """
    tomorrow = clock.now() + timedelta(days=1)

    long_ago = told(rsolv, "ledger", "balance", who, "--at", "2020-01-01T00:00:00Z")
    later = told(rsolv, "ledger", "balance", who, "--at", f"{tomorrow:%Y-%m-%dT%H:%M:%S+0000}")
    accounts = {account["kind"]: account["balance"] for account in told(rsolv, "ledger", "balance", who)}

    assert long_ago["balance"] == 0
    assert later["balance"] == accounts["available"] == told(rsolv, "customers", "show", who)["credit_balance"]


def test_the_catalogue_in_the_repository_is_the_one_applied(rsolv: Rsolv) -> None:
    """
    There is nothing to plan and nothing to do.
    """
    assert told(rsolv, "catalog", "plan") == []
    assert told(rsolv, "catalog", "apply")["new"] is False
    assert "No difference" in rsolv("catalog", "plan").stdout


def test_migrating_again_changes_nothing(rsolv: Rsolv) -> None:
    """
    A deployment may always say it.
    """
    assert told(rsolv, "migrate") == {"ok": True, "version": "head"}


def test_the_operator_is_whoever_is_signed_in(rsolv: Rsolv, who: str, shared_url: str) -> None:
    """
    The audit record names the operating system's user.
    """
    told(rsolv, "ledger", "adjust", who, "1", "--reason", "test")

    assert asyncio.run(last_act(shared_url)) == (f"operator:{getpass.getuser()}", "ledger:adjusted")


async def last_act(url: str) -> tuple[str, str]:
    connection = await asyncpg.connect(url)
    entry = await connection.fetchrow("SELECT actor, action FROM audit_entries ORDER BY id DESC LIMIT 1")
    await connection.close()
    return tuple(entry)
