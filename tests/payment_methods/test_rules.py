"""
What customers agree to, as pure decisions; no database.
"""

from datetime import UTC, datetime

import pytest

from factories.cards import declare
from factories.catalogs import CATALOGS
from rsolv.catalog import Catalog, Version
from rsolv.payment_methods import (
    BillingConsentRequired,
    CardAuthenticationRequired,
    CardDeclined,
    PaymentMethodUnusable,
    require_consent,
)
from rsolv.payment_methods.rules import (
    CONSENT_TEXT_VERSION,
    CONSENT_TEXTS,
    ConsentOffer,
    evidence_of,
    highest_fix_price_cents,
    refusal_of,
)
from rsolv.stripe_gateway import Decline, GatewayMisused, NeedsAction, PaymentDeclined

NOW = datetime(2026, 12, 15, tzinfo=UTC)
BOTH = pytest.mark.parametrize("catalog", CATALOGS.values(), ids=CATALOGS)


@BOTH
def test_a_customer_agrees_to_the_highest_price_of_their_catalogue(catalog: Catalog) -> None:
    """
    So that a change of plan within the version needs no other consent.
    """
    prices = [plan.fix_price_cents for plan in catalog.plans.values() if plan.fix_price_cents is not None]

    assert highest_fix_price_cents(catalog) == max(prices)


@BOTH
def test_evidence_says_what_was_agreed_to_and_by_whom(catalog: Catalog) -> None:
    """
    Wording, version, currency, price, and who, when and from where.
    """
    found = evidence_of(declare(NOW), Version(id=7, applied_at=NOW, catalog=catalog))

    assert (found.text_version, found.catalog_version_id, found.currency) == (CONSENT_TEXT_VERSION, 7, catalog.currency)
    assert found.fix_price_cents == highest_fix_price_cents(catalog)
    assert (found.actor, found.ip, found.user_agent, found.given_at) == (
        "customer:api key 1",
        "192.0.2.7",
        "test",
        NOW,
    )


@pytest.mark.parametrize("version", CONSENT_TEXTS)
def test_every_wording_names_the_price(version: str) -> None:
    """
    Also those that nobody is asked for any more.
    """
    text = ConsentOffer(text_version=version, currency="usd", fix_price_cents=1).text(fix_price="EUR 7.77")

    assert "EUR 7.77" in text
    assert "{" not in text


def test_the_present_wording_is_one_that_is_known() -> None:
    """
    A version that nobody can look up would be no evidence.
    """
    assert CONSENT_TEXT_VERSION in CONSENT_TEXTS


def test_a_wording_that_somebody_agreed_to_is_never_altered() -> None:
    """
    This copy was made when the wording was: a new one is added beside it.
    """
    assert CONSENT_TEXTS["2026-11"] == (
        "I agree that each fix beyond my credits is charged to my saved payment method at the price of my plan, "
        "at most {fix_price} per fix, until I withdraw this consent."
    )


@pytest.mark.parametrize(
    ("failure", "refusal"),
    [
        (
            PaymentDeclined(
                "attach",
                decline=Decline(code="card_declined", decline_code="lost_card", advice_code=None),
                payment_id=None,
            ),
            (CardDeclined, {"code": "card_declined", "decline_code": "lost_card"}),
        ),
        (NeedsAction("attach", payment_id=None, client_secret=None), (CardAuthenticationRequired, None)),
    ],
    ids=["declined", "authentication"],
)
def test_what_a_bank_says_is_told_with_its_own_words(
    failure: PaymentDeclined | NeedsAction, refusal: tuple[type, dict[str, str] | None]
) -> None:
    """
    A decline names its codes, as far as there are any; being asked to authenticate is none.
    """
    told = refusal_of(failure)

    assert isinstance(told, CardDeclined | CardAuthenticationRequired)
    assert (type(told), told.decline) == refusal


def test_what_stripe_does_not_know_is_the_callers_mistake() -> None:
    """
    The field is named, and not what Stripe said.
    """
    told = refusal_of(GatewayMisused("attach", code="resource_missing", status=404))

    assert isinstance(told, PaymentMethodUnusable)
    assert told.fields == {"stripe_payment_method_id": ["is not known to Stripe, or not this customer's"]}


def test_without_consent_nothing_goes_on() -> None:
    """
    The refusal names the field.
    """
    with pytest.raises(BillingConsentRequired) as refused:
        require_consent(billing_consent=False)

    assert list(refused.value.fields) == ["billing_consent"]
