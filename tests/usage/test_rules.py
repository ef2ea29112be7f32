"""
What a customer is warned of, what they pay and how it is written; no database.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.catalogs import CATALOGS
from rsolv.catalog import Catalog
from rsolv.kernel.money import money
from rsolv.spending_caps import CapStatus
from rsolv.standing import Standing
from rsolv.standing.rules import GRACE
from rsolv.usage.rules import (
    can_use_service,
    period_start,
    pricing_for,
    warnings_for,
    warnings_of_cap,
    warnings_of_standing,
)

BOTH = pytest.mark.parametrize("catalog", CATALOGS.values(), ids=CATALOGS)


def codes(
    catalog: Catalog, *, credit_balance: int, has_payment_method: bool, has_agreed: bool = True
) -> list[tuple[str, str]]:
    """
    Say at what levels and with what codes a customer on trial is warned.
    """
    pricing = pricing_for(catalog, plan=catalog.trial()[0])
    warnings = warnings_for(
        catalog,
        credit_balance=credit_balance,
        has_payment_method=has_payment_method,
        can_be_charged=has_payment_method and has_agreed,
        pricing=pricing,
    )
    return [(warning.level, warning.code) for warning in warnings]


@BOTH
@pytest.mark.parametrize("has_payment_method", [True, False])
def test_a_customer_is_warned_at_the_catalogues_balances(catalog: Catalog, has_payment_method: bool) -> None:  # noqa: FBT001 -- a case
    """
    Above the low balance nothing, from there a notice, at the last credits a warning.
    """
    low, last = catalog.warnings.low_credits, catalog.warnings.last_credits

    said = {
        balance: codes(catalog, credit_balance=balance, has_payment_method=has_payment_method)
        for balance in (low + 1, low, last + 1, last, 1)
    }

    assert said == {
        low + 1: [],
        low: [("notice", "low_credits")],
        last + 1: [("notice", "low_credits")],
        last: [("warning", "last_credits")],
        1: [("warning", "last_credits")],
    }


@BOTH
def test_without_credits_it_depends_on_a_way_to_pay(catalog: Catalog) -> None:
    """
    With a payment method the next fix is charged, which is a notice; without one the service stops: critical.
    """
    assert codes(catalog, credit_balance=0, has_payment_method=True) == [("notice", "no_credits")]
    assert codes(catalog, credit_balance=0, has_payment_method=False) == [("critical", "no_billing_info")]


@BOTH
def test_without_credits_a_card_is_no_way_to_pay_before_its_owner_agrees(catalog: Catalog) -> None:
    """
    The service stops, and what is missing is named; before that, the sentence says what to do.
    """
    last = catalog.warnings.last_credits
    pricing = pricing_for(catalog, plan=catalog.trial()[0])

    stopped = codes(catalog, credit_balance=0, has_payment_method=True, has_agreed=False)
    (warning,) = warnings_for(
        catalog, credit_balance=last, has_payment_method=True, can_be_charged=False, pricing=pricing
    )

    assert stopped == [("critical", "no_billing_consent")]
    assert warning.message.endswith("Agree to be charged to go on after that.")


@BOTH
def test_who_can_pay_is_told_the_price_of_their_plan(catalog: Catalog) -> None:
    """
    The sentence names what the next fix costs this customer.
    """
    subscription = catalog.subscription()
    assert subscription is not None
    for plan in (catalog.trial()[0], catalog.pay_as_you_go()[0], subscription[0]):
        pricing = pricing_for(catalog, plan=plan)
        (warning,) = warnings_for(
            catalog, credit_balance=0, has_payment_method=True, can_be_charged=True, pricing=pricing
        )
        assert money(catalog.fix_price_cents(plan), catalog.currency) in warning.message


@pytest.mark.parametrize(("credits", "words"), [(1, "Only 1 credit is left."), (2, "Only 2 credits are left.")])
def test_one_credit_is_spoken_of_as_one(credits: int, words: str) -> None:
    """
    The sentence agrees with the number.
    """
    catalog = CATALOGS["draft"]
    pricing = pricing_for(catalog, plan="trial")

    (warning,) = warnings_for(
        catalog, credit_balance=credits, has_payment_method=False, can_be_charged=False, pricing=pricing
    )

    assert warning.message.startswith(words)


@pytest.mark.parametrize(
    ("credits", "can_be_charged", "usable"), [(1, False, True), (0, True, True), (1, True, True), (0, False, False)]
)
def test_the_service_is_for_who_has_credits_or_can_pay(credits: int, can_be_charged: bool, usable: bool) -> None:  # noqa: FBT001 -- a case
    """
    Only without both it stops.
    """
    assert can_use_service(credit_balance=credits, can_be_charged=can_be_charged, standing=Standing()) is usable


@pytest.mark.parametrize(("state", "usable", "level"), [("grace", True, "warning"), ("refused", False, "critical")])
def test_who_owes_is_warned_and_in_the_end_refused(
    state: Literal["grace", "refused"],
    usable: bool,  # noqa: FBT001 -- a case
    level: str,
) -> None:
    """
    With the amount, since when, and what to do; who owes nothing is told nothing.
    """
    since = datetime(2027, 6, 1, tzinfo=UTC)
    stands = Standing(state=state, owed_cents=2_900, currency="usd", since=since, grace_ends_at=since + GRACE)

    (warning,) = warnings_of_standing(stands)

    assert can_use_service(credit_balance=3, can_be_charged=True, standing=stands) is usable
    assert (warning.level, warning.code) == (level, "payment_overdue")
    assert all(words in warning.message for words in ("$29.00", "2027-06-01", "Add a card"))
    assert warnings_of_standing(Standing()) == []


@BOTH
def test_prices_are_those_of_the_catalogue(catalog: Catalog) -> None:
    """
    Each figure is taken from its plan; a trial's next fix costs what pay as you go costs.
    """
    trial, payg, subscription = catalog.trial()[0], catalog.pay_as_you_go(), catalog.subscription()
    assert subscription is not None

    on_trial, subscribed = pricing_for(catalog, plan=trial), pricing_for(catalog, plan=subscription[0])

    assert on_trial.next_fix_cents == on_trial.payg_cents == payg[1].fix_price_cents
    assert subscribed.next_fix_cents == subscribed.pro_extra_cents == subscription[1].fix_price_cents
    assert subscribed.pro_cents == subscription[1].monthly_price_cents
    assert subscribed.pro_included == subscription[1].period_credits


def test_a_catalogue_without_a_subscription_shows_none() -> None:
    """
    Where nothing renews, the figures about it are absent, not zero.
    """
    catalog = CATALOGS["current"]
    plain = Catalog(
        effective_at=catalog.effective_at,
        currency=catalog.currency,
        warnings=catalog.warnings,
        plans={name: plan for name, plan in catalog.plans.items() if plan.kind != "subscription"},
    )

    pricing = pricing_for(plain, plan=plain.trial()[0])

    assert (pricing.pro_cents, pricing.pro_included, pricing.pro_extra_cents) == (None, None, None)


@pytest.mark.parametrize(
    ("amount_cents", "currency", "text"),
    [
        (0, "usd", "$0.00"),
        (5, "usd", "$0.05"),
        (2900, "usd", "$29.00"),
        (123456789, "usd", "$1,234,567.89"),
        (59900, "eur", "EUR 599.00"),
    ],
)
def test_money_is_written_for_people(amount_cents: int, currency: str, text: str) -> None:
    """
    Two digits after the point, thousands apart, and the currency's sign or name.
    """
    assert money(amount_cents, currency) == text


@given(st.integers(min_value=0, max_value=10**30))
def test_no_cent_is_lost_in_writing(amount_cents: int) -> None:
    """
    However large, the digits written are the digits counted.
    """
    assert int(money(amount_cents, "usd").translate(str.maketrans("", "", "$,."))) == amount_cents


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_period_is_the_calendar_month(now: datetime) -> None:
    """
    It began at midnight UTC of the first, not after now, and less than 31 days before.
    """
    start = period_start(now)

    assert (start.year, start.month, start.day, start.time()) == (now.year, now.month, 1, datetime.min.time())
    assert timedelta(0) <= now - start < timedelta(days=31)


@pytest.mark.parametrize(
    ("monthly_cap_cents", "charges_waiting", "is_charging", "warned"),
    [
        pytest.param(None, 0, True, False, id="no-cap"),
        pytest.param(None, 1, True, False, id="taken-away-just-now"),
        pytest.param(5_800, 0, True, False, id="room"),
        pytest.param(5_799, 0, True, True, id="reached"),
        pytest.param(5_799, 0, False, False, id="reached-and-nothing-is-charged"),
        pytest.param(5_799, 1, False, True, id="reached-and-a-charge-waits"),
    ],
)
def test_a_customer_is_warned_of_the_cap_while_it_is_in_the_way(
    monthly_cap_cents: int | None,
    charges_waiting: int,
    is_charging: bool,  # noqa: FBT001 -- a case of the table
    warned: bool,  # noqa: FBT001 -- a case of the table
) -> None:
    """
    With the day on which it begins anew; the service goes on.
    """
    cap = CapStatus(
        monthly_cap_cents=monthly_cap_cents,
        cap_currency=None if monthly_cap_cents is None else "usd",
        currency="usd",
        fix_price_cents=2_900,
        spent_cents=2_900,
        under_way_cents=0,
        charges_waiting=charges_waiting,
        resets_at=datetime(2027, 7, 1, tzinfo=UTC),
    )

    warnings = warnings_of_cap(cap, is_charging=is_charging)

    assert [(each.level, each.code, "2027-07-01" in each.message) for each in warnings] == (
        [("warning", "spending_cap_reached", True)] if warned else []
    )
