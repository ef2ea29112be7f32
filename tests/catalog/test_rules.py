"""
Reading a catalogue file, and saying how two catalogues differ.
"""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.catalogs import CATALOGS, DRAFT_TEXT
from rsolv.catalog import Catalog, CatalogInvalid, Change, changes, parse_catalog

DRAFT = CATALOGS["draft"]


def test_a_catalogue_file_is_read_whole() -> None:
    """
    What is sold, what it brings and what it costs come out as the file says, in cents and credits.
    """
    catalog = parse_catalog(DRAFT_TEXT)

    assert (catalog.currency, catalog.effective_at.isoformat()) == ("usd", "2025-01-01T00:00:00+00:00")
    assert (catalog.warnings.low_credits, catalog.warnings.last_credits) == (3, 2)
    assert sorted(catalog.plans) == ["pay_as_you_go", "teams", "trial"]
    assert catalog.plans["teams"].monthly_price_cents == 49900
    assert catalog.plans["trial"].signup_credits == 7


def test_a_catalogue_knows_its_plans_by_kind() -> None:
    """
    Whatever the plans are called, there is one to start on, one to pay as you go, and perhaps one that renews.
    """
    assert DRAFT.trial() == ("trial", DRAFT.plans["trial"])
    assert DRAFT.pay_as_you_go() == ("pay_as_you_go", DRAFT.plans["pay_as_you_go"])
    assert DRAFT.subscription() == ("teams", DRAFT.plans["teams"])


def test_a_catalogue_may_sell_no_subscription() -> None:
    """
    Then there is none to offer.
    """
    plans = {name: plan for name, plan in DRAFT.plans.items() if name != "teams"}

    assert msgspec.structs.replace(DRAFT, plans=plans).subscription() is None


def test_of_several_subscriptions_the_first_by_name_is_offered() -> None:
    """
    The order in the file does not decide.
    """
    plans = DRAFT.plans | {"basic": DRAFT.plans["teams"]}

    offered = msgspec.structs.replace(DRAFT, plans=plans).subscription()

    assert offered is not None
    assert offered[0] == "basic"


@pytest.mark.parametrize(("plan", "price_cents"), [("trial", 1500), ("pay_as_you_go", 1500), ("teams", 800)])
def test_a_fix_costs_what_the_plan_says_and_on_a_trial_what_paying_as_you_go_costs(plan: str, price_cents: int) -> None:
    """
    A trial has no price of its own.
    """
    assert DRAFT.fix_price_cents(plan) == price_cents


@pytest.mark.parametrize(
    ("replaced", "by", "place", "says"),
    [
        pytest.param("[warnings]", "[warnings", "catalog", "TOML|Expected", id="no-toml"),
        pytest.param('currency = "usd"', "", "catalog", "currency", id="a-field-is-missing"),
        pytest.param("low_credits = 3", "low_credits = 3\nhigh = 9", "catalog", "high", id="unknown-field"),
        pytest.param("fix_price_cents = 800", "fix_price = 8", "catalog", "fix_price", id="unknown-field-of-a-plan"),
        pytest.param("= 49900", "= 499.5", "catalog", "int", id="a-price-with-a-point"),
        pytest.param("= 49900", '= "49900"', "catalog", "int", id="a-price-in-quotes"),
        pytest.param("00:00:00Z", "00:00:00", "catalog", "time zone", id="no-time-zone"),
        pytest.param('"usd"', '"USD"', "catalog", "currency", id="currency-in-capitals"),
        pytest.param('"usd"', '"us"', "catalog", "currency", id="currency-too-short"),
        pytest.param('"usd"', '"us1"', "catalog", "currency", id="currency-with-a-digit"),
        pytest.param('"usd"', '"üsd"', "catalog", "currency", id="currency-not-ascii"),
        pytest.param("low_credits = 3", "low_credits = 1", "catalog", "low_credits", id="warnings-out-of-order"),
        pytest.param("last_credits = 2", "last_credits = 0", "catalog", "last_credits", id="warning-at-nothing"),
        pytest.param('kind = "pay_as_you_go"', 'kind = "trial"', "catalog", "pay_as_you_go", id="two-trials"),
        pytest.param('kind = "subscription"', 'kind = "lifetime"', "plans.teams", "kind is one of", id="unknown-kind"),
        pytest.param("[plans.teams]", "[plans.Teams]", "plans.Teams", "lower-case", id="name-with-a-capital"),
        pytest.param("[plans.teams]", "[plans.7s]", "plans.7s", "lower-case", id="name-begins-with-a-digit"),
        pytest.param("[plans.teams]", '[plans."a b"]', "plans.a b", "lower-case", id="name-with-a-space"),
        pytest.param("[plans.teams]", '[plans."té"]', "plans.té", "lower-case", id="name-not-ascii"),
        pytest.param("[plans.teams]", '[plans.""]', "plans.", "lower-case", id="empty-name"),
        pytest.param("[plans.teams]", f"[plans.{'a' * 41}]", f"plans.{'a' * 41}", "39", id="name-too-long"),
        pytest.param("= 49900", "= 0", "plans.teams", "positive", id="a-price-of-nothing"),
        pytest.param("= 800", "= -1", "plans.teams", "positive", id="a-negative-price"),
        pytest.param("period_credits = 60", "period_credits = -1", "plans.teams", "negative", id="negative-credits"),
        pytest.param("signup_credits = 7", "fix_price_cents = 7", "plans.trial", "no price", id="a-trial-with-a-price"),
        pytest.param("fix_price_cents = 1500", "", "plans.pay_as_you_go", "fix_price", id="paying-nothing-as-you-go"),
        pytest.param("monthly_price_cents = 49900", "", "plans.teams", "monthly", id="subscription-without-a-price"),
    ],
)
def test_a_catalogue_that_makes_no_sense_is_refused(replaced: str, by: str, place: str, says: str) -> None:
    """
    The refusal names the place in the file and says what is needed there.
    """
    assert replaced in DRAFT_TEXT

    with pytest.raises(CatalogInvalid) as refused:
        parse_catalog(DRAFT_TEXT.replace(replaced, by, 1))

    assert place in refused.value.fields
    assert re.search(says, " ".join(refused.value.fields[place]))


def test_everything_wrong_is_said_at_once() -> None:
    """
    Who edits the file learns all of it in one go.
    """
    text = DRAFT_TEXT.replace("= 800", "= -1").replace('"usd"', '"USD"').replace("last_credits = 2", "last_credits = 9")

    with pytest.raises(CatalogInvalid) as refused:
        parse_catalog(text)

    assert sorted(refused.value.fields) == ["catalog", "plans.teams"]
    assert len(refused.value.fields["catalog"]) == 2


def test_equal_catalogues_differ_in_nothing() -> None:
    """
    The order of plans in the file is no difference.
    """
    turned = msgspec.structs.replace(DRAFT, plans=dict(reversed(DRAFT.plans.items())))

    assert changes(DRAFT, turned) == []
    assert turned.fingerprint() == DRAFT.fingerprint()


def test_changes_are_listed_place_by_place() -> None:
    """
    Each place that says something else is named with what it said before and says now.
    """
    text = DRAFT_TEXT.replace("= 800", "= 900").replace("low_credits = 3", "low_credits = 4")

    assert changes(DRAFT, parse_catalog(text)) == [
        Change("plans.teams.fix_price_cents", 800, 900),
        Change("warnings.low_credits", 3, 4),
    ]


def test_a_plan_that_goes_and_one_that_comes_are_changes() -> None:
    """
    Where a side does not have the place at all, it says None.
    """
    renamed = parse_catalog(DRAFT_TEXT.replace("[plans.teams]", "[plans.crew]"))

    listed = changes(DRAFT, renamed)

    assert Change("plans.crew.fix_price_cents", None, 800) in listed
    assert Change("plans.teams.fix_price_cents", 800, None) in listed


def test_the_first_catalogue_is_all_change() -> None:
    """
    Before the first there was nothing, except where the first says nothing either.
    """
    listed = changes(None, DRAFT)

    assert {change.before for change in listed} == {None}
    assert Change("currency", None, "usd") in listed


@given(
    price_cents=st.integers(min_value=1, max_value=10**9),
    credits=st.integers(min_value=0, max_value=10**6),
    label=st.text(max_size=20),
)
def test_two_catalogues_share_a_fingerprint_exactly_when_they_say_the_same(
    price_cents: int, credits: int, label: str
) -> None:
    """
    The digest and the list of changes never disagree.
    """
    plan = msgspec.structs.replace(
        DRAFT.plans["teams"], fix_price_cents=price_cents, period_credits=credits, label=label
    )
    other: Catalog = msgspec.structs.replace(DRAFT, plans=DRAFT.plans | {"teams": plan})

    assert (other.fingerprint() == DRAFT.fingerprint()) == (changes(DRAFT, other) == [])
