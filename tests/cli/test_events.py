"""
`rsolv events`: an operator sees what Stripe told, and has it handled anew, one or many.
"""

import asyncio
import json
from typing import Any

import pytest

from cli.conftest import Rsolv
from cli.events import store_event

TYPES = {"evt_a": "invoice.paid", "evt_b": "invoice.paid", "evt_c": "customer.created"}


@pytest.fixture(scope="module", autouse=True)
def stored(shared_url: str) -> None:
    """
    Three events of two types.
    """
    for name, type_ in TYPES.items():
        asyncio.run(store_event(shared_url, name, type=type_))


def told(rsolv: Rsolv, *arguments: str) -> Any:
    result = rsolv("events", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_events_are_listed_newest_first_and_by_what_is_asked(rsolv: Rsolv) -> None:
    """
    Without what came in them.
    """
    every = told(rsolv, "list")

    assert [event["stripe_event_id"] for event in every] == ["evt_c", "evt_b", "evt_a"]
    assert [event["stripe_event_id"] for event in told(rsolv, "list", "--type", "customer.created")] == ["evt_c"]
    assert told(rsolv, "list", "--outcome", "parked") == []
    assert {event["payload"] for event in every} == {None}


def test_an_event_is_shown_with_what_came(rsolv: Rsolv) -> None:
    """
    By Stripe's id or ours.
    """
    by_stripe = told(rsolv, "show", "evt_a")

    assert told(rsolv, "show", str(by_stripe["id"])) == by_stripe
    assert json.loads(by_stripe["payload"])["id"] == "evt_a"
    assert "invoice.paid" in rsolv("events", "show", "evt_a").stdout


def test_one_event_is_replayed_or_those_that_are_meant(rsolv: Rsolv) -> None:
    """
    The number is told.
    """
    assert told(rsolv, "replay", "evt_a") == {"count": 1}
    assert told(rsolv, "replay", "--type", "invoice.paid") == {"count": 2}
    assert told(rsolv, "replay", "--outcome", "parked") == {"count": 0}
    assert told(rsolv, "replay", "--all") == {"count": 3}
    assert rsolv("events", "replay", "--all").stdout.startswith("3 events wait to be handled anew")


@pytest.mark.parametrize("words", [(), ("evt_a", "--all"), ("evt_a", "--type", "invoice.paid")], ids=" ".join)
def test_what_is_to_be_replayed_has_to_be_said_in_one_way(rsolv: Rsolv, words: tuple[str, ...]) -> None:
    """
    Nothing at all does not mean everything.
    """
    assert rsolv("events", "replay", *words).exit_code == 2


@pytest.mark.parametrize("command", ["show", "replay"])
def test_an_unknown_event_is_not_found(rsolv: Rsolv, command: str) -> None:
    """
    With the code that scripts read.
    """
    result = rsolv("events", command, "evt_none", "--json")

    assert (result.exit_code, json.loads(result.stderr)["code"]) == (3, "unknown_billing_event")


def test_events_of_an_unknown_customer_are_not_found(rsolv: Rsolv) -> None:
    """
    A slip in the address must not look like a customer without events.
    """
    assert rsolv("events", "list", "--customer", "nobody@example.com").exit_code == 3
