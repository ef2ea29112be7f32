"""
Where people are sent, what is believed of a page, and how often it is looked at; no database.
"""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.cards import declare
from factories.catalogs import CATALOGS
from rsolv.card_setups import CardSetup, CardSetupMixedUp, ReturnUrlRefused, checked_return_url
from rsolv.card_setups.rules import is_never_shown, look_job, pause_before_look, require_same, verdict_on
from rsolv.catalog import Version
from rsolv.payment_methods import evidence_of
from rsolv.stripe_gateway import Card
from rsolv.stripe_gateway import CardSetup as StripeCardSetup

NOW = datetime(2026, 12, 15, tzinfo=UTC)
VISA = Card(brand="visa", last4="4242", expires_month=12, expires_year=2034, fingerprint="abc")
OURS = CardSetup(
    id=7,
    customer_id=3,
    state="open",
    key="key",
    return_url=None,
    stripe_customer_id="cus_1",
    evidence=evidence_of(declare(NOW), Version(id=1, applied_at=NOW, catalog=CATALOGS["current"])),
    consent_withdrawn_at=None,
    stripe_card_setup_id="cs_1",
    url="https://stripe.test/cs_1",
    expires_at=NOW,
    payment_method_id=None,
)
THEIRS = StripeCardSetup(
    id="cs_1",
    url=None,
    state="complete",
    stripe_state="complete",
    stripe_customer_id="cus_1",
    expires_at=NOW,
    livemode=False,
    metadata={"rsolv_customer_id": "3", "rsolv_card_setup_id": "7"},
    setup_intent_id="seti_1",
    setup_state="succeeded",
    payment_method_id="pm_1",
    card=VISA,
    mandate_id=None,
    request_id="req_1",
)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example:8443/billing?tab=cards#saved",
        "https://[2001:db8::1]/",
        "http://localhost:3000/back",
        "http://127.0.0.1/back",
        "http://[::1]:8080/",
    ],
)
def test_people_are_sent_where_nobody_listens_in(url: str) -> None:
    """
    Over https, or to a program on their own machine; the address is kept as it is.
    """
    assert checked_return_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example",
        "/back",
        "http://shop.example",
        "http://127.0.0.1.shop.example",
        "http://localhost@shop.example",
        "https://shop.example@evil.example",
        "https://",
        "https:///back",
        "https://shop.example:port",
        "https://[shop",
        "https://shop.example/\r\nset-cookie: a=b",
        "https://shop.example/a b",
        "https://shop.example\\@evil.example",
        "https://sh\u00f6p.example",
        "javascript:alert(1)",
        "data:text/html,hello",
        "https://shop.example/" + "a" * 2_000,
    ],
)
def test_people_are_sent_nowhere_else(url: str) -> None:
    """
    Not over plain http, to nothing in disguise, and to nothing that is no address of the web.
    """
    with pytest.raises(ReturnUrlRefused):
        checked_return_url(url)


def test_what_stripe_says_of_our_own_setup_is_believed() -> None:
    """
    Its id, its customer and our ids on it are as we opened it.
    """
    require_same(OURS, THEIRS)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "cs_2"},
        {"stripe_customer_id": "cus_2"},
        {"stripe_customer_id": None},
        {"metadata": {}},
        {"metadata": {"rsolv_customer_id": "4", "rsolv_card_setup_id": "7"}},
        {"metadata": {"rsolv_customer_id": "3", "rsolv_card_setup_id": "8"}},
    ],
)
def test_what_stripe_says_of_another_setup_is_not(change: dict[str, object]) -> None:
    """
    A card would go to the wrong customer.
    """
    with pytest.raises(CardSetupMixedUp):
        require_same(OURS, dataclasses.replace(THEIRS, **change))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "added"),
        ({"state": "open", "setup_state": "requires_payment_method", "card": None}, "open"),
        ({"state": "open", "setup_state": "requires_action"}, "open"),
        ({"state": "expired", "setup_state": "requires_payment_method", "card": None}, "expired"),
        ({"setup_state": "processing"}, "open"),
        ({"setup_state": None}, "open"),
        ({"state": "unknown"}, "open"),
        ({"card": None}, "unusable"),
        ({"payment_method_id": None}, "unusable"),
    ],
)
def test_only_a_setup_that_succeeded_adds_a_card(change: dict[str, object], verdict: str) -> None:
    """
    A word that we do not know is looked at again, and something that is no card cannot be charged.
    """
    assert verdict_on(dataclasses.replace(THEIRS, **change)) == verdict


@pytest.mark.parametrize(("hours", "stripe_id", "is_lost"), [(23, None, False), (24, None, True), (24, "cs_1", False)])
def test_a_page_whose_address_was_lost_is_given_up_after_a_day(
    hours: int,
    stripe_id: str | None,
    is_lost: bool,  # noqa: FBT001 -- a case of the table
) -> None:
    """
    Nobody has been there, and now nobody can be.
    """
    setup = dataclasses.replace(OURS, stripe_card_setup_id=stripe_id)

    assert is_never_shown(setup, now=NOW + timedelta(hours=hours)) is is_lost


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)))
def test_a_page_is_looked_at_less_often_the_older_it_is(age: timedelta) -> None:
    """
    After two minutes at first, after an hour at most.
    """
    pause = pause_before_look(age)

    assert timedelta(minutes=2) <= pause <= timedelta(hours=1)
    assert pause <= pause_before_look(age + pause)


def test_each_look_is_a_job_of_its_own() -> None:
    """
    So that the next one can be promised while this one is running, and is promised once.
    """
    first, again, second = (look_job(3, 7, look=look, pause=timedelta(0)) for look in (1, 1, 2))

    assert first.dedupe_key == again.dedupe_key != second.dedupe_key
    assert second.ids == {"customer_id": 3, "card_setup_id": 7, "look": 2}
