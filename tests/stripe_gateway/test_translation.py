"""
Customers, cards and payments: what Stripe says, in our words.
"""

from datetime import UTC, datetime

import msgspec
import pytest

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import translation
from stripe_gateway import objects

REQUEST = "req_1"


def test_a_customer_carries_our_id() -> None:
    """
    It stands in the metadata, and the default method in the settings for invoices.
    """
    found = translation.customer(objects.customer(), REQUEST)

    assert (found.id, found.customer_id, found.email, found.name) == ("cus_1", 7, "ada@example.com", "Ada")
    assert (found.default_payment_method_id, found.is_deleted, found.request_id) == ("pm_1", False, REQUEST)


@pytest.mark.parametrize("own", [{}, {"rsolv_customer_id": ""}, {"rsolv_customer_id": "x"}, {"rsolv_customer_id": "²"}])
def test_a_customer_made_by_others_has_no_id_of_ours(own: dict[str, str]) -> None:
    """
    Metadata can be edited by hand; nothing crashes over it.
    """
    assert translation.customer(objects.customer(metadata=own), REQUEST).customer_id is None


def test_a_deleted_customer_is_read_as_such() -> None:
    """
    Stripe leaves three fields of it.
    """
    found = translation.customer({"id": "cus_1", "object": "customer", "deleted": True}, REQUEST)

    assert (found.is_deleted, found.email, found.customer_id) == (True, None, None)


def test_a_method_shows_what_may_be_shown_of_its_card() -> None:
    """
    Brand, last four digits, end, fingerprint.
    """
    found = translation.payment_method(objects.payment_method(), REQUEST)

    assert found.card is not None
    assert (found.card.brand, found.card.last4, found.card.fingerprint) == ("visa", "4242", "Xt5EWLLDS7FJjR1c")
    assert (found.card.expires_month, found.card.expires_year) == (8, 2030)
    assert (found.kind, found.stripe_customer_id) == ("card", "cus_1")


def test_a_method_that_is_no_card_is_read() -> None:
    """
    It has a kind, and nobody need have it.
    """
    found = translation.payment_method({"id": "pm_2", "type": "link", "customer": None}, REQUEST)

    assert (found.kind, found.card, found.stripe_customer_id) == ("link", None, None)


def test_a_card_setup_is_open_until_it_is_complete() -> None:
    """
    With only the id of its SetupIntent when that was not asked for.
    """
    found = translation.card_setup(objects.session(), REQUEST)

    assert (found.state, found.url) == ("open", "https://checkout.stripe.com/c/pay/cs_1")
    assert (found.setup_intent_id, found.setup_state, found.payment_method_id) == ("seti_1", None, None)
    assert found.expires_at == datetime.fromtimestamp(objects.CREATED + 86_400, tz=UTC)


def test_a_complete_card_setup_brings_card_and_mandate() -> None:
    """
    From the SetupIntent, expanded with its method.
    """
    whole = objects.session(status="complete", url=None, setup_intent=objects.setup_intent())

    found = translation.card_setup(whole, REQUEST)

    assert (found.state, found.setup_state, found.setup_intent_id) == ("complete", "succeeded", "seti_1")
    assert (found.payment_method_id, found.mandate_id) == ("pm_1", "mandate_1")
    assert found.card is not None


@pytest.mark.parametrize(
    ("stripe_state", "state"),
    [
        ("requires_payment_method", "confirmable"),
        ("requires_confirmation", "confirmable"),
        ("requires_action", "needs_action"),
        ("processing", "processing"),
        ("succeeded", "succeeded"),
        ("canceled", "canceled"),
        ("requires_capture", "unknown"),
        ("requires_something_new", "unknown"),
    ],
)
def test_a_payments_state_is_one_of_six(stripe_state: str, state: str) -> None:
    """
    A word that we do not know is kept beside "unknown", and never taken for paid or for confirmable.
    """
    found = translation.payment(objects.payment(status=stripe_state), REQUEST)

    assert (found.state, found.stripe_state) == (state, stripe_state)


def test_a_payment_brings_all_that_settling_compares() -> None:
    """
    Amount, currency, customer, mode, metadata; and hides what the customer's browser proves itself with.
    """
    found = translation.payment(objects.payment(), REQUEST)

    assert (found.amount_cents, found.amount_received_cents, found.currency) == (4321, 0, "usd")
    assert (found.stripe_customer_id, found.livemode, found.metadata) == ("cus_1", False, {"intent": "11"})
    assert (found.charge_id, found.decline, found.next_action_url) == (None, None, None)
    assert found.client_secret == Secret(objects.PAYMENT_SECRET)
    assert objects.PAYMENT_SECRET not in repr(found)


@pytest.mark.parametrize("latest_charge", ["ch_1", objects.charge()], ids=["its id", "expanded"])
def test_a_payment_names_its_charge(latest_charge: object) -> None:
    """
    However Stripe was asked.
    """
    assert translation.payment(objects.payment(latest_charge=latest_charge), REQUEST).charge_id == "ch_1"


def test_an_expanded_charge_says_what_went_back() -> None:
    """
    Refunds, a dispute, the receipt.
    """
    charge = objects.charge(amount_refunded=100, disputed=True)

    found = translation.payment(objects.payment(latest_charge=charge), REQUEST)

    assert (found.amount_refunded_cents, found.is_disputed) == (100, True)
    assert found.receipt_url == "https://pay.stripe.com/receipts/1"


def test_a_payment_remembers_its_last_decline() -> None:
    """
    So that the reason can be read long after the answer was lost.
    """
    last = {"type": "card_error", "code": "card_declined", "decline_code": "stolen_card", "advice_code": None}

    found = translation.payment(objects.payment(status="requires_payment_method", last_payment_error=last), REQUEST)

    assert found.decline is not None
    assert (found.decline.decline_code, found.decline.is_hard, found.decline.needs_customer) == (
        "stolen_card",
        True,
        False,
    )


def test_a_payment_that_waits_for_the_customer_says_where() -> None:
    """
    The bank's page, when the payment was confirmed with a place to return to.
    """
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3ds", "return_url": None}}

    found = translation.payment(objects.payment(status="requires_action", next_action=action), REQUEST)

    assert found.next_action_url == "https://hooks.stripe.com/3ds"


@pytest.mark.parametrize(
    ("error", "is_hard", "needs_customer"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, False, False),
        ({"code": "card_declined", "decline_code": "generic_decline"}, False, False),
        ({"code": "card_declined", "decline_code": "generic_decline", "advice_code": "try_again_later"}, False, False),
        ({"code": "card_declined", "decline_code": "generic_decline", "advice_code": "do_not_try_again"}, True, False),
        ({"code": "card_declined", "decline_code": "lost_card"}, True, False),
        ({"code": "card_declined", "decline_code": "pickup_card"}, True, False),
        ({"code": "card_declined", "decline_code": "revocation_of_authorization"}, True, False),
        ({"code": "incorrect_number"}, True, False),
        ({"code": "expired_card"}, False, False),
        ({"code": "authentication_required", "decline_code": "authentication_required"}, False, True),
        ({}, False, False),
    ],
)
def test_hard_declines_are_told_from_soft_ones(error: dict[str, str], *, is_hard: bool, needs_customer: bool) -> None:
    """
    By Stripe's list of what is never retried, and by the network's own advice.
    """
    decline = translation.decline(error)

    assert (decline.is_hard, decline.needs_customer) == (is_hard, needs_customer)


@pytest.mark.parametrize(
    ("stripe_state", "state"),
    [
        ("pending", "pending"),
        ("requires_action", "needs_action"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        (None, "unknown"),
        ("new", "unknown"),
    ],
)
def test_a_refunds_state_is_one_of_six(stripe_state: str | None, state: str) -> None:
    """
    Only "succeeded" means that the money is gone.
    """
    found = translation.refund(objects.refund(status=stripe_state, failure_reason=None), REQUEST)

    assert (found.state, found.amount_cents, found.payment_id, found.charge_id) == (state, 1000, "pi_1", "ch_1")


@pytest.mark.parametrize(
    ("stripe_state", "moved", "stage", "is_withdrawn"),
    [
        ("warning_needs_response", [], "inquiry", False),
        ("warning_closed", [], "inquiry", False),
        ("prevented", [], "prevented", False),
        ("needs_response", [-4321], "open", True),
        ("under_review", [-4321], "open", True),
        ("appeal_under_review", [-4321], "open", True),
        ("lost", [-4321], "lost", True),
        ("won", [-4321], "won", True),
        ("won", [-4321, 4321], "won", False),
        ("new", [], "unknown", False),
    ],
)
def test_only_movements_say_that_disputed_money_is_gone(
    stripe_state: str, moved: list[int], stage: str, *, is_withdrawn: bool
) -> None:
    """
    An inquiry takes nothing, and a win is not yet money.
    """
    movements = [{"id": "txn", "amount": amount} for amount in moved]

    found = translation.dispute(objects.dispute(status=stripe_state, balance_transactions=movements), REQUEST)

    assert (found.stage, found.is_withdrawn, found.charge_id, found.payment_id) == (
        stage,
        is_withdrawn,
        "ch_1",
        "pi_1",
    )


@pytest.mark.parametrize(
    ("details", "respond_by"),
    [
        ({"due_by": 1_800_000_000}, datetime(2027, 1, 15, 8, tzinfo=UTC)),
        ({"due_by": None}, None),
        ({}, None),
        (None, None),
    ],
    ids=str,
)
def test_a_dispute_says_until_when_to_respond(details: dict[str, object] | None, respond_by: datetime | None) -> None:
    """
    Some banks name no time, and what has ended may have none any more.
    """
    found = translation.dispute(objects.dispute(evidence_details=details), REQUEST)

    assert (found.respond_by, found.movements) == (respond_by, 1)


@pytest.mark.parametrize(
    "parts", [{"amount": "4321"}, {"amount": 43.21}, {"amount": None}, {"status": None}, {"created": -1}], ids=str
)
def test_a_payment_that_is_not_as_documented_is_not_guessed_at(parts: dict[str, object]) -> None:
    """
    The error names the place and not the value.
    """
    with pytest.raises(msgspec.ValidationError, match=r"\$\.(amount|status|created)"):
        translation.payment(objects.payment(**parts), REQUEST)


def test_a_page_says_where_the_next_one_begins() -> None:
    """
    Until there is none.
    """
    read = translation.page(translation.refund)

    first = read(objects.listed(objects.refund(), objects.refund(id="re_2"), has_more=True), REQUEST)
    last = read(objects.listed(objects.refund(id="re_3")), REQUEST)

    assert ([each.id for each in first.items], first.last_id) == (["re_1", "re_2"], "re_2")
    assert ([each.id for each in last.items], last.last_id) == (["re_3"], None)
