"""
Subscriptions and invoices: what Stripe says, in our words.
"""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from rsolv.stripe_gateway import Period, Subscription
from rsolv.stripe_gateway import billing_translation as translation
from stripe_gateway import objects

REQUEST = "req_1"
BEGIN = datetime.fromtimestamp(objects.CREATED, tz=UTC)
MONTH = Period(starts_at=BEGIN, ends_at=BEGIN + timedelta(days=30))


def subscription(**parts: object) -> Subscription:
    return translation.subscription(objects.subscription(**parts), REQUEST)


def test_the_period_is_that_of_the_items() -> None:
    """
    A subscription itself has had none since 2025.
    """
    found = subscription()

    assert found.period == MONTH
    assert found.price_ids == ("price_pro",)
    assert [(item.price_id, item.quantity) for item in found.items] == [("price_pro", 1)]


def test_of_several_items_the_period_that_ends_first_counts() -> None:
    """
    Items may have periods of their own.
    """
    year = objects.subscription_item(id="si_2", current_period_end=objects.CREATED + 31_536_000)

    assert subscription(items=objects.listed(year, objects.subscription_item())).period == MONTH
    assert subscription(items=objects.listed()).period is None


@pytest.mark.parametrize(
    "state",
    ["incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "paused", "canceled"],
)
def test_a_subscriptions_states_are_stripes(state: str) -> None:
    """
    All eight of them.
    """
    assert subscription(status=state).state == state


def test_a_state_that_is_new_to_us_is_unknown() -> None:
    """
    With the word kept beside it.
    """
    found = subscription(status="hibernating")

    assert (found.state, found.stripe_state) == ("unknown", "hibernating")


def test_the_end_is_told_from_the_request_for_it() -> None:
    """
    `canceled_at` is when it was asked for; the end itself comes later.
    """
    end = objects.CREATED + 2_592_000

    found = subscription(cancel_at_period_end=True, cancel_at=end, canceled_at=objects.CREATED + 60)

    assert (found.cancel_at_period_end, found.cancel_at, found.ended_at) == (True, MONTH.ends_at, None)
    assert found.canceled_at == BEGIN + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("details", "is_unpaid"),
    [
        (None, False),
        ({"reason": None}, False),
        ({"reason": "cancellation_requested"}, False),
        ({"reason": "payment_failed"}, True),
    ],
)
def test_an_end_for_want_of_payment_is_told_from_one_that_was_asked_for(
    *, details: dict[str, str | None] | None, is_unpaid: bool
) -> None:
    """
    By Stripe's reason.
    """
    found = subscription(status="canceled", cancellation_details=details)

    assert found.ended_unpaid is is_unpaid


def test_an_open_invoice_is_a_page_to_go_to() -> None:
    """
    Where the customer authenticates or pays otherwise; the payment behind it tells which of the two is wanted.
    """
    payments = objects.listed(objects.invoice_payment(status="open", amount_paid=None))
    latest = objects.invoice(status="open", payments=payments)

    found = subscription(status="incomplete", latest_invoice=latest)

    assert found.action_url == "https://invoice.stripe.com/i/1"
    assert (found.latest_invoice_id, found.latest_payment_id) == ("in_1", "pi_1")


@pytest.mark.parametrize("latest", [None, "in_1", objects.invoice(), objects.invoice(status="void")], ids=str)
def test_without_an_open_invoice_there_is_no_page_to_go_to(latest: object) -> None:
    """
    Not even when it still has one.
    """
    assert subscription(latest_invoice=latest).action_url is None


def test_an_invoice_names_the_subscription_that_made_it() -> None:
    """
    Through its parent, with what the subscription's metadata was then.
    """
    found = translation.invoice(objects.invoice(), REQUEST)

    assert (found.stripe_subscription_id, found.subscription_metadata) == ("sub_1", {"subscription": "9"})
    assert (found.state, found.billing_reason) == ("paid", "subscription_cycle")
    assert (found.total_cents, found.amount_paid_cents, found.amount_remaining_cents) == (5000, 5000, 0)


@pytest.mark.parametrize(
    "parent",
    [None, {"type": "quote_details", "quote_details": {"quote": "qt_1"}, "subscription_details": None}],
    ids=["by hand", "from a quote"],
)
def test_an_invoice_of_another_kind_has_no_subscription(parent: object) -> None:
    """
    It grants nothing, so it must not look as if it could.
    """
    found = translation.invoice(objects.invoice(parent=parent, billing_reason="manual"), REQUEST)

    assert (found.stripe_subscription_id, found.subscription_metadata) == (None, {})


def test_a_line_has_its_price_and_its_own_period() -> None:
    """
    The period of service; the invoice's own is about something else.
    """
    (line,) = translation.invoice(objects.invoice(), REQUEST).lines

    assert (line.price_id, line.quantity, line.amount_cents) == ("price_pro", 1, 5000)
    assert (line.stripe_subscription_id, line.is_proration, line.period) == ("sub_1", False, MONTH)


@pytest.mark.parametrize("kind", ["subscription_item_details", "invoice_item_details"])
def test_a_proration_is_told_from_a_purchase(kind: str) -> None:
    """
    Whichever kind of thing the line came from.
    """
    line = objects.invoice_line(parent={"type": kind, kind: {"proration": True, "subscription": "sub_1"}})

    assert translation.invoice_line(line).is_proration


def test_a_line_without_price_is_read() -> None:
    """
    An amount that somebody typed in.
    """
    line = translation.invoice_line(objects.invoice_line(pricing=None, parent=None, quantity=None))

    assert (line.price_id, line.stripe_subscription_id, line.is_proration, line.quantity) == (None, None, False, None)


def test_an_invoice_says_whether_all_lines_came_with_it() -> None:
    """
    Ten do.
    """
    cut = objects.invoice(lines=objects.listed(objects.invoice_line(), has_more=True))

    assert not translation.invoice(cut, REQUEST).has_all_lines
    assert translation.invoice(objects.invoice(), REQUEST).has_all_lines


def test_an_invoice_names_the_payments_towards_it() -> None:
    """
    They are the only link from an invoice to a payment.
    """
    (payment,) = translation.invoice(objects.invoice(), REQUEST).payments

    assert (payment.payment_id, payment.state, payment.amount_paid_cents, payment.is_default) == (
        "pi_1",
        "paid",
        5000,
        True,
    )
    assert translation.invoice(objects.invoice(payments=None), REQUEST).payments == ()


def test_a_payment_towards_an_invoice_brings_the_invoice() -> None:
    """
    With the subscription that made it, and without its payments; an id alone is not what was asked for.
    """
    link = objects.invoice_payment(invoice=objects.invoice(payments=None))

    found = translation.paid_invoice(link, REQUEST)

    assert (found.id, found.stripe_subscription_id, found.payments) == ("in_1", "sub_1", ())
    with pytest.raises(msgspec.ValidationError):
        translation.paid_invoice(objects.invoice_payment(invoice="in_1"), REQUEST)


def test_a_preview_is_an_invoice_that_is_not_there() -> None:
    """
    It says what would be due, and for what.
    """
    found = translation.invoice_preview(objects.invoice(id=None, status="draft"), REQUEST)

    assert (found.currency, found.total_cents, found.amount_due_cents) == ("usd", 5000, 5000)
    assert [line.price_id for line in found.lines] == ["price_pro"]
