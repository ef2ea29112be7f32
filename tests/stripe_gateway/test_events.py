"""
Snapshot and thin events are read by one parser into one value.
"""

import pytest

from rsolv.stripe_gateway import NotAnEvent, parse_event
from stripe_gateway import objects


def test_a_snapshot_names_its_object_customer_and_cause() -> None:
    """
    What is needed to find the attempt and to read the object again.
    """
    event = parse_event(objects.event())

    assert (event.type, event.is_thin, event.api_version) == ("payment_intent.succeeded", False, "2026-10-28.endive")
    assert (event.object_kind, event.object_id, event.stripe_customer_id) == ("payment_intent", "pi_1", "cus_1")
    assert (event.request_id, event.request_idempotency_key) == ("req_9", "ci:11:confirm:1")
    assert int(event.created_at.timestamp()) == objects.CREATED


def test_a_thin_event_means_the_same_as_its_snapshot() -> None:
    """
    The same type, object and cause; what only a snapshot has is missing.
    """
    thin, snapshot = parse_event(objects.thin_event()), parse_event(objects.event())

    assert thin.is_thin
    assert (thin.type, thin.object_kind, thin.object_id) == (snapshot.type, snapshot.object_kind, snapshot.object_id)
    assert thin.request_idempotency_key == snapshot.request_idempotency_key
    assert (thin.created_at, thin.livemode) == (snapshot.created_at, snapshot.livemode)
    assert (thin.snapshot_event_id, thin.stripe_customer_id, thin.api_version) == (snapshot.id, None, None)


def test_the_customer_of_a_customers_event_is_its_object() -> None:
    """
    A customer has no field that names itself.
    """
    event = parse_event(objects.event(type="customer.deleted", data={"object": objects.customer()}))

    assert event.stripe_customer_id == "cus_1"


def test_an_expanded_customer_is_found() -> None:
    """
    Some events bring the customer whole.
    """
    data = {"object": objects.payment(customer=objects.customer(id="cus_2"))}

    assert parse_event(objects.event(data=data)).stripe_customer_id == "cus_2"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"request": None}, id="of Stripe's own accord"),
        pytest.param({"request": {"id": None, "idempotency_key": None}}, id="by the dashboard"),
        pytest.param({"data": {"object": {"object": "balance"}}}, id="of an object without id"),
        pytest.param({"data": {"object": {"id": 7, "object": None, "customer": 1}}}, id="of an unknown object"),
        pytest.param({"type": "something.new", "api_version": None, "new_field": {}}, id="of an unknown type"),
    ],
)
def test_an_event_of_any_type_is_read(parts: dict[str, object]) -> None:
    """
    Types and fields that we do not know are never a reason to refuse, or Stripe would send them for days.
    """
    assert parse_event(objects.event(**parts)).id == "evt_1"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({}, id="empty"),
        pytest.param(objects.payment(), id="another object"),
        pytest.param(objects.event(created="yesterday"), id="a snapshot with a text for a time"),
        pytest.param(objects.event(created=10**18), id="a snapshot from the end of time"),
        pytest.param(objects.event(data={}), id="a snapshot without object"),
        pytest.param(objects.event(livemode="false"), id="a snapshot with a text for livemode"),
        pytest.param(objects.thin_event(created="2026-09-21T14:13:20"), id="a thin one without time zone"),
        pytest.param(objects.thin_event(created=objects.CREATED), id="a thin one with a number for a time"),
    ],
)
def test_what_is_no_event_is_refused(raw: dict[str, object]) -> None:
    """
    In one way, and without saying what was in it.
    """
    with pytest.raises(NotAnEvent, match=r"^not an event$"):
        parse_event(raw)
