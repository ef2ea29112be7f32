"""
What events look like.
"""

import pytest

THIN = {
    "id": "evt_1",
    "object": "v2.core.event",
    "type": "v1.invoice.paid",
    "created": "2026-11-20T12:00:00.000Z",
    "livemode": False,
    "related_object": {"id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1"},
}


def test_a_snapshot_event_is_clean_with_its_object(contract, event):
    """
    The envelope and the object in it have Stripe's shape.
    """
    assert contract.event_problems(event) == []


def test_a_thin_event_is_clean_with_its_reference(contract):
    """
    A thin event has no object, it points to one.
    """
    assert contract.event_problems(THIN) == []


def test_what_changed_must_be_fields_of_the_object(contract, event):
    """
    `previous_attributes` names fields that the object has.
    """
    event["data"]["previous_attributes"] = {"status": "processing", "charges": []}

    assert [problem.path for problem in contract.event_problems(event)] == ["data.previous_attributes.charges"]


def test_an_event_is_about_what_its_type_says(contract, event, charge):
    """
    A clean charge is no news of a payment intent.
    """
    event["data"]["object"] = charge

    (problem,) = contract.event_problems(event)

    assert str(problem) == "data.object.object: is 'charge', which payment_intent.succeeded does not speak of"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"pending_webhooks": None}, "pending_webhooks"),
        ({"type": "payment_intent.charged"}, "type"),
        ({"created": "2026-11-20"}, "created"),
        ({"request": "req_1"}, "request"),
        ({"user_id": "acct_1"}, "user_id"),
        ({"data": {}}, "data.object"),
        ({"data": None}, "data"),
        ({"data": {"object": "pi_1"}}, "data.object"),
        ({"data": {"object": {"object": "usage_record"}}}, "data.object.object"),
    ],
)
def test_a_broken_envelope_is_named(contract, event, change, path):
    """
    Fields of the envelope are held to their types like those of objects.
    """
    assert [problem.path for problem in contract.event_problems(event | change)] == [path]


def test_an_object_within_is_checked_to_its_depth(contract, event):
    """
    A problem in the charge of the payment intent of the event is found where it is.
    """
    event["data"]["object"]["latest_charge"]["amount"] = "2900"

    assert [problem.path for problem in contract.event_problems(event)] == ["data.object.latest_charge.amount"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"type": "v1.invoice.charged"}, "type"),
        ({"type": None}, "type"),
        ({"created": 1_790_000_000}, "created"),
        ({"related_object": None}, "related_object"),
        ({"data": {}}, "data"),
    ],
)
def test_a_broken_thin_event_is_named(contract, change, path):
    """
    A thin event has a known type and the fields of that type.
    """
    assert [problem.path for problem in contract.event_problems(THIN | change)] == [path]


@pytest.mark.parametrize("value", [None, [], {}, {"object": "charge"}, {"object": ["event"]}])
def test_what_is_no_event_is_a_problem(contract, value):
    """
    Only objects that call themselves events are events.
    """
    assert [str(problem) for problem in contract.event_problems(value)] == ["the object: is no event"]
