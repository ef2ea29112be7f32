"""
What is decided about an event without asking anybody.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rsolv.billing_events import BillingEvent, EventFilter, accept
from rsolv.billing_events.rules import Arrival, handle_job, metadata_in, objection, parked, pause_after
from rsolv.stripe_gateway import API_VERSION, NotAnEvent, parse_event
from stripe_gateway import objects

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
EVENT = BillingEvent(
    id=7,
    stripe_event_id="evt_1",
    type="payment_intent.succeeded",
    api_version=API_VERSION,
    is_thin=False,
    livemode=False,
    happened_at=NOW,
    received_at=NOW,
    source="webhook",
    object_id="pi_1",
    object_kind="payment_intent",
    stripe_customer_id=None,
    amount_cents=None,
    currency=None,
    payload=None,
    customer_id=None,
    outcome="waiting",
    reason=None,
    attempts=1,
    failures=1,
    wake_at=NOW,
    handled_at=None,
    duration_ms=None,
)


def arrived(**changed: Any) -> Arrival:
    """
    Take in an event with some of its parts changed.
    """
    body = msgspec.json.encode(objects.event(**changed))
    return accept(parse_event(msgspec.json.decode(body)), body=body)


@pytest.mark.parametrize("id_", ["", "evt 1", "evt_\0", "evt_" + "1" * 255, "\ud800", "évt_1"])
def test_an_id_that_is_none_is_refused(id_: str) -> None:
    """
    The database would refuse it too, which would look like a mistake of ours.
    """
    event = replace(parse_event(objects.event()), id=id_)

    with pytest.raises(NotAnEvent):
        accept(event, body=b"{}")


@pytest.mark.parametrize("type_", ["", "invoice paid", "invoice.\0", "x" * 256])
def test_a_type_that_is_none_is_refused(type_: str) -> None:
    """
    As above.
    """
    event = replace(parse_event(objects.event()), type=type_)

    with pytest.raises(NotAnEvent):
        accept(event, body=b"{}")


def test_words_that_stripe_would_not_use_are_left_out() -> None:
    """
    The event is stored all the same, with its exact text.
    """
    subject = {"object": "\0", "id": "pi 1", "customer": {"id": "cus é"}, "amount": True, "currency": 7}

    arrival = arrived(data={"object": subject})

    assert (arrival.object_id, arrival.object_kind, arrival.stripe_customer_id) == (None, None, None)
    assert (arrival.amount_cents, arrival.currency) == (None, None)


@pytest.mark.parametrize(
    ("subject", "amount_cents"),
    [
        ({"amount": 2_900, "currency": "usd"}, 2_900),
        ({"amount_due": 59_900, "currency": "usd"}, 59_900),
        ({"amount_total": 0, "currency": "usd"}, 0),
        ({"amount": 2**63, "currency": "usd"}, None),
        ({"amount": 29.5, "currency": "usd"}, None),
        ({}, None),
    ],
)
def test_an_amount_is_told_where_the_event_has_one(subject: dict[str, Any], amount_cents: int | None) -> None:
    """
    A whole number in the smallest unit, or none.
    """
    arrival = arrived(data={"object": {"object": "any", "id": "any_1", **subject}})

    assert arrival.amount_cents == amount_cents


def test_metadata_is_read_from_the_event_as_far_as_there_is_some() -> None:
    """
    An erased event has none, nor has one of another shape.
    """
    payload = '{"data": {"object": {"metadata": {"a": "1", "b": 2}}}}'

    assert metadata_in(replace(EVENT, payload=payload)) == {"a": "1"}
    assert metadata_in(replace(EVENT, payload='{"data": {"object": []}}')) == {}
    assert metadata_in(EVENT) == {}


def test_the_version_of_a_listed_event_is_the_accounts_and_not_objected_to() -> None:
    """
    Only what was delivered was written for our endpoint.
    """
    older = replace(EVENT, api_version="2025-03-31.basil")

    assert objection(older, is_handled=True, livemode=False) == parked("api_version_differs")
    assert objection(replace(older, source="poll"), is_handled=True, livemode=False) is None
    assert objection(replace(EVENT, api_version=None, is_thin=True), is_handled=True, livemode=False) is None


def test_pauses_grow_from_two_seconds_to_an_hour_and_end_after_ten_tries() -> None:
    """
    What passes by itself is waited for without end, ten minutes at most between tries.
    """
    counted = [pause_after(replace(EVENT, failures=tries), passes_by_itself=False) for tries in range(1, 11)]
    waited = pause_after(replace(EVENT, failures=0, attempts=1_000), passes_by_itself=True)

    assert counted[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert counted[-1] is None
    assert waited == timedelta(minutes=10)


def test_a_job_is_due_at_the_events_time_and_never_in_the_past() -> None:
    """
    Each time is a job of its own.
    """
    later = handle_job(7, wake_at=NOW + timedelta(minutes=1), now=NOW)

    assert later.run_after == timedelta(minutes=1)
    assert handle_job(7, wake_at=NOW, now=NOW + timedelta(minutes=1)).run_after == timedelta(0)
    assert later.dedupe_key != handle_job(7, wake_at=NOW, now=NOW).dedupe_key


def test_a_filter_without_a_word_means_all() -> None:
    """
    Which an operator must say in so many words.
    """
    assert EventFilter().is_all
    assert not EventFilter(outcome="parked").is_all
