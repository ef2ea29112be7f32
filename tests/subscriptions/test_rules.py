"""
What follows from what Stripe says, decided without asking anybody.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rsolv.stripe_gateway import Invoice, InvoiceLine, Period
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions import rules
from rsolv.subscriptions.rules import Attempt, Subscription

NOW = datetime(2027, 6, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
PERIOD = Period(starts_at=NOW, ends_at=NOW + 30 * DAY)

OURS = Subscription(
    id=3,
    customer_id=7,
    nonce="0" * 32,
    plan="pro",
    catalog_version_id=1,
    price_cents=59_900,
    currency="usd",
    period_credits=60,
    stripe_customer_id="cus_1",
    stripe_price_id="price_1",
    payment_method_id=1,
    stripe_payment_method_id="pm_1",
    consent_id=1,
    caller_key_hash=None,
    asked_at=NOW,
    state="active",
    version=1,
    is_held=False,
    look_at=NOW,
    refused_code=None,
    stripe_subscription_id="sub_1",
    period_starts_at=PERIOD.starts_at,
    period_ends_at=PERIOD.ends_at,
    cancel_at=None,
    cancel_at_period_end=False,
    canceled_at=None,
    latest_invoice_id=None,
    action_url=None,
    started_at=NOW,
    past_due_since=None,
    churned_at=None,
    ended_at=None,
)
THEIRS = StripeSubscription(
    id="sub_1",
    state="active",
    stripe_state="active",
    stripe_customer_id="cus_1",
    items=(),
    cancel_at=None,
    cancel_at_period_end=False,
    canceled_at=None,
    ended_at=None,
    ended_unpaid=False,
    default_payment_method_id=None,
    latest_invoice_id="in_1",
    latest_payment_id=None,
    action_url="https://stripe.test/pay",
    livemode=False,
    metadata=rules.marks_of(OURS),
    created_at=NOW,
    request_id="",
)
LINE = InvoiceLine(
    id="il_1",
    amount_cents=59_900,
    currency="usd",
    quantity=1,
    price_id="price_1",
    stripe_subscription_id="sub_1",
    is_proration=False,
    period=PERIOD,
)
INVOICE = Invoice(
    id="in_1",
    state="paid",
    stripe_state="paid",
    billing_reason="subscription_create",
    stripe_customer_id="cus_1",
    stripe_subscription_id="sub_1",
    subscription_metadata={},
    currency="usd",
    subtotal_cents=59_900,
    total_cents=59_900,
    amount_due_cents=59_900,
    amount_paid_cents=59_900,
    amount_remaining_cents=0,
    attempt_count=1,
    next_attempt_at=None,
    lines=(LINE,),
    has_all_lines=True,
    payments=(),
    hosted_invoice_url=None,
    invoice_pdf_url=None,
    number=None,
    livemode=False,
    metadata={},
    created_at=NOW,
    request_id="",
)
KNOWN = rules.Invoice(
    id=1,
    subscription_id=3,
    stripe_invoice_id="in_1",
    state="open",
    billing_reason="subscription_cycle",
    number=None,
    currency="usd",
    total_cents=1,
    amount_due_cents=1,
    amount_paid_cents=0,
    attempt_count=2,
    next_attempt_at=None,
    hosted_url=None,
    pdf_url=None,
    created_at=NOW,
    money_posting_id=None,
    paid_at=None,
    amount_refunded_cents=0,
    amount_disputed_cents=0,
    dispute_state="none",
)


@pytest.mark.parametrize(
    ("state", "since", "keeps"),
    [
        ("active", None, True),
        ("trialing", None, True),
        ("past_due", NOW - 7 * DAY + MINUTE, True),
        ("past_due", NOW - 7 * DAY, False),
        ("unpaid", NOW, False),
        ("paused", None, False),
        ("incomplete", None, False),
        ("opening", None, False),
        ("canceled", None, False),
    ],
)
def test_the_plan_is_kept_while_it_is_paid_and_a_week_longer(
    *,
    state: rules.State,
    since: datetime | None,
    keeps: bool,
) -> None:
    """
    No other state gives the plan's price.
    """
    assert rules.keeps_plan(replace(OURS, state=state, past_due_since=since), now=NOW) is keeps


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"state": "active"}, "active"),
        ({"state": "opening"}, None),
        ({"state": "canceled"}, "canceled"),
        ({"state": "canceled", "cancel_at": NOW}, None),
        ({"state": "canceled", "cancel_at": NOW, "ended_at": NOW}, None),
        ({"state": "canceled", "cancel_at": NOW, "ended_at": NOW - DAY}, "canceled"),
        ({"state": "incomplete_expired"}, None),
    ],
)
def test_the_state_beside_the_plan_is_stripes_word_while_it_lives(
    change: dict[str, object], expected: str | None
) -> None:
    """
    And afterwards only that it was ended at once.
    """
    assert rules.customer_state(replace(OURS, **change)) == expected


def test_a_word_of_stripes_that_we_do_not_know_is_no_news() -> None:
    """
    The state stays, and so does the period where none is told.
    """
    after = rules.followed(OURS, replace(THEIRS, state="unknown"), now=NOW)

    assert (after.state, after.period_ends_at) == ("active", PERIOD.ends_at)


@pytest.mark.parametrize("state", ["canceled", "incomplete_expired"])
def test_what_has_ended_has_a_time_and_no_page(state: rules.State) -> None:
    """
    The time of now where Stripe tells none.
    """
    after = rules.followed(OURS, replace(THEIRS, state=state), now=NOW)

    assert (after.ended_at, after.action_url) == (NOW, None)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({}, True),
        ({"id": "sub_2"}, False),
        ({"stripe_customer_id": "cus_2"}, False),
        ({"metadata": {}}, False),
    ],
)
def test_ours_is_known_by_id_customer_and_marks(*, change: dict[str, object], is_same: bool) -> None:
    """
    Each of them.
    """
    assert rules.is_same(OURS, replace(THEIRS, **change)) is is_same


@pytest.mark.parametrize(
    ("change", "invoices_open", "wait"),
    [
        ({}, False, 30 * DAY + MINUTE),
        ({}, True, 20 * MINUTE),
        ({"period_ends_at": NOW - MINUTE}, False, 20 * MINUTE),
        ({"period_ends_at": None}, False, DAY),
        ({"state": "incomplete"}, True, 10 * MINUTE),
        ({"state": "past_due", "past_due_since": NOW}, True, 6 * 60 * MINUTE),
        ({"state": "past_due", "past_due_since": NOW - 7 * DAY + MINUTE}, True, MINUTE),
        ({"state": "past_due", "past_due_since": NOW - 8 * DAY}, True, 6 * 60 * MINUTE),
        ({"state": "unpaid", "past_due_since": NOW}, True, DAY),
        ({"state": "paused"}, False, DAY),
        ({"state": "canceled", "ended_at": NOW}, False, MINUTE),
    ],
)
def test_the_next_look_comes_when_there_may_be_news(
    *,
    change: dict[str, object],
    invoices_open: bool,
    wait: timedelta,
) -> None:
    """
    Soon while something is in motion, with the period's end otherwise.
    """
    found = replace(OURS, **change)

    assert rules.next_look(found, invoices_open=invoices_open, now=NOW) == NOW + wait


@pytest.mark.parametrize(
    ("ended_at", "invoices_open", "expected"),
    [
        (NOW, True, NOW + DAY),
        (NOW, False, None),
        (NOW - 31 * DAY, True, None),
        (None, True, None),
    ],
)
def test_after_the_end_it_is_looked_at_while_an_invoice_can_be_paid(
    *,
    ended_at: datetime | None,
    invoices_open: bool,
    expected: datetime | None,
) -> None:
    """
    Daily, for a month.
    """
    found = replace(OURS, state="canceled", ended_at=ended_at)

    assert rules.look_after_end(found, invoices_open=invoices_open, now=NOW) == expected


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"state": "canceled"}, "canceled"),
        ({}, {"state": "canceled", "cancel_at": NOW}, "ended_with_period"),
        ({}, {"state": "canceled", "cancel_at": NOW, "ended_at": NOW}, "ended_with_period"),
        ({}, {"state": "canceled", "cancel_at": NOW, "ended_at": NOW - DAY}, "canceled"),
        ({"state": "past_due"}, {"state": "canceled"}, "payment_failed"),
        ({}, {"state": "unpaid"}, "payment_failed"),
        ({"churned_at": NOW}, {"state": "canceled"}, None),
        ({}, {"state": "canceled", "started_at": None}, None),
        ({}, {"state": "past_due"}, None),
    ],
)
def test_a_customer_is_lost_once_for_one_reason(
    before: dict[str, object], after: dict[str, object], reason: str | None
) -> None:
    """
    Who never began is not lost.
    """
    assert rules.churn_reason(replace(OURS, **before), replace(OURS, **after)) == reason


def test_a_customer_whose_payment_failed_unheard_is_lost_for_that() -> None:
    """
    Stripe says why it ended what we took to be paid.
    """
    assert rules.churn_reason(OURS, replace(OURS, state="canceled"), ended_unpaid=True) == "payment_failed"


@pytest.mark.parametrize(
    ("before", "after", "is_on_plan", "notice"),
    [
        ({"state": "opening"}, {}, False, "started"),
        ({"state": "past_due"}, {}, True, "recovered"),
        ({"state": "opening"}, {"state": "incomplete"}, False, "action_needed"),
        ({}, {"state": "canceled"}, True, "ended"),
        ({}, {"state": "paused"}, True, None),
        ({}, {}, True, None),
        ({}, {"state": "past_due", "past_due_since": NOW}, True, None),
        ({"state": "past_due"}, {"state": "past_due", "past_due_since": NOW - 7 * DAY}, True, "grace_over"),
        ({"state": "past_due"}, {"state": "past_due", "past_due_since": NOW - 8 * DAY}, False, None),
        ({}, {"state": "unpaid", "past_due_since": NOW}, True, "grace_over"),
    ],
)
def test_a_change_is_told_once(
    *,
    before: dict[str, object],
    after: dict[str, object],
    is_on_plan: bool,
    notice: str | None,
) -> None:
    """
    In one word; what has not changed is not told.
    """
    found = rules.notice_of(replace(OURS, **before), replace(OURS, **after), is_on_plan=is_on_plan, now=NOW)

    assert found == notice


@pytest.mark.parametrize(
    ("invoice", "line", "credits"),
    [
        ({}, {}, 60),
        ({"billing_reason": "subscription_cycle"}, {"quantity": 2}, 120),
        ({"billing_reason": "subscription_update"}, {}, 0),
        ({"billing_reason": "manual"}, {}, 0),
        ({"billing_reason": "subscription_threshold"}, {}, 0),
        ({}, {"is_proration": True}, 0),
        ({}, {"price_id": "price_other"}, 0),
        ({}, {"price_id": None}, 0),
        ({}, {"quantity": None}, 0),
        ({"total_cents": 0}, {}, 0),
    ],
)
def test_credits_come_with_a_period_that_was_paid_at_our_price(
    invoice: dict[str, object], line: dict[str, object], credits: int
) -> None:
    """
    And with nothing else.
    """
    assert rules.credits_of(OURS, replace(INVOICE, **invoice), replace(LINE, **line)) == credits


@pytest.mark.parametrize(
    ("known", "theirs", "is_newer"),
    [
        (None, {"state": "draft"}, True),
        (None, {"state": "unknown"}, False),
        ({"state": "draft"}, {"state": "open"}, True),
        ({"state": "open"}, {"state": "draft"}, False),
        ({"state": "open"}, {"state": "open", "attempt_count": 1}, False),
        ({"state": "open"}, {"state": "open", "attempt_count": 2}, True),
        ({"state": "uncollectible"}, {"state": "paid"}, True),
        ({"state": "paid"}, {"state": "paid"}, False),
        ({"state": "void"}, {"state": "paid"}, False),
    ],
)
def test_an_invoice_only_goes_forward(
    *,
    known: dict[str, object] | None,
    theirs: dict[str, object],
    is_newer: bool,
) -> None:
    """
    From draft to its end; within a state by its tries.
    """
    ours = None if known is None else replace(KNOWN, **known)

    assert rules.is_newer(replace(INVOICE, **theirs), ours) is is_newer


@pytest.mark.parametrize(
    ("change", "is_repeatable"),
    [
        ({}, True),
        ({"outcome": "unknown"}, True),
        ({"outcome": "server_error"}, False),
        ({"sent_at": NOW - 23 * 60 * MINUTE}, False),
    ],
)
def test_a_key_is_used_again_only_while_it_says_nothing_wrong(
    *,
    change: dict[str, object],
    is_repeatable: bool,
) -> None:
    """
    Not after an error that Stripe keeps, nor after a day.
    """
    attempt = Attempt(id=1, number=1, key="k", sent_at=NOW, tries=1, outcome=None)

    assert rules.is_repeatable(replace(attempt, **change), now=NOW) is is_repeatable


def test_a_wording_that_somebody_agreed_to_is_never_altered() -> None:
    """
    This copy was made when the wording was: a new one is added beside it.
    """
    assert rules.TEXTS["2026-11"] == (
        "I agree that {monthly_price} is charged to my saved payment method now and every month from now on, until I "
        "cancel."
    )
