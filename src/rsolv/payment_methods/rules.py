"""
Values and pure decisions about payment methods and the consent to charge them.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from rsolv.audit import Actor
from rsolv.catalog import Catalog, Version
from rsolv.jobs import Job
from rsolv.kernel.errors import DomainError
from rsolv.payment_methods.errors import (
    CardAuthenticationRequired,
    CardDeclined,
    PaymentMethodUnusable,
    TooManyCards,
)
from rsolv.stripe_gateway import GatewayMisused, NeedsAction, PaymentDeclined

CONSENT_TEXTS = {
    "2026-11": (
        "I agree that each fix beyond my credits is charged to my saved payment method at the price of my plan, "
        "at most {fix_price} per fix, until I withdraw this consent."
    )
}
"""
Every wording that somebody may have agreed to: one is added when it changes, none is ever altered.
"""

CONSENT_TEXT_VERSION = "2026-11"

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLimits:
    """
    How many pages for a card may be opened, and how many cards set up elsewhere be tried, by one customer.

    Whoever has a list of stolen cards wants to know which of them still work, and a form that saves one tells.
    """

    setups_per_hour_max: int = 10
    setups_per_day_max: int = 30
    attaches_per_hour_max: int = 5


USUAL_LIMITS = CardLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """
    A card of a customer, as far as it may be shown. A removed one keeps its row and never comes back.
    """

    id: int
    stripe_payment_method_id: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int
    fingerprint: str | None
    is_default: bool
    added_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """
    Who gives or withdraws consent, when, and from where.
    """

    actor: Actor
    ip: str | None
    user_agent: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    What a customer agreed to: the wording, and the highest price per fix that it named, in cents of the currency.
    """

    text_version: str
    catalog_version_id: int
    currency: str
    fix_price_cents: int
    actor: str
    ip: str | None
    user_agent: str | None
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """
    A consent that has not been withdrawn. It covers a charge of at most `fix_price_cents` in its currency.
    """

    id: int
    text_version: str
    catalog_version_id: int
    currency: str
    fix_price_cents: int
    payment_method_id: int
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentOffer:
    """
    What a customer would agree to: a wording, and the highest price per fix that it names.
    """

    text_version: str
    currency: str
    fix_price_cents: int

    def text(self, *, fix_price: str) -> str:
        """
        Return the wording with the price, as it is written for people.
        """
        return CONSENT_TEXTS[self.text_version].format(fix_price=fix_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSource:
    """
    Where at Stripe a card and the consent for it come from, as far as it was entered on a page.
    """

    card_setup_id: int | None = None
    stripe_card_setup_id: str | None = None
    stripe_setup_intent_id: str | None = None
    stripe_mandate_id: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentMethodAdded:
    """
    A customer has a payment method more, and it is the default. Published in the transaction that adds it.
    """

    customer_id: int
    payment_method_id: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentMethodRemoving:
    """
    A payment method is about to be removed: a subscriber may raise to refuse. Published in the transaction.
    """

    customer_id: int
    payment_method_id: int
    is_last: bool
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class DefaultPaymentMethodChanged:
    """
    Another payment method is the default. Published in the transaction that makes it so.
    """

    customer_id: int
    payment_method_id: int


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """
    A customer agreed to be charged, to the prices that the consent names. Published in the transaction.
    """

    customer_id: int
    consent_id: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """
    A customer no longer agrees to be charged, whatever they agreed to before. Published in the transaction.
    """

    customer_id: int
    occurred_at: datetime


def require_room(last_but_max: datetime | None, *, window: timedelta, now: datetime) -> None:
    """
    Insist that one more fits into a window, given when the oldest of as many as are allowed was; None: there are fewer.

    Raises:
        TooManyCards: there is no room before that one is out of the window.
    """
    if last_but_max is not None:
        raise TooManyCards(retry_after_seconds=max(math.ceil((last_but_max + window - now).total_seconds()), 1))


def highest_fix_price_cents(catalog: Catalog) -> int:
    """
    Return the most that a fix costs on any plan of a catalogue: what a customer agrees to.
    """
    return max(catalog.fix_price_cents(plan) for plan in catalog.plans)


def evidence_of(declaration: Declaration, version: Version) -> Evidence:
    """
    Write down that somebody agrees to the prices of a catalogue version, in the present wording.
    """
    return Evidence(
        text_version=CONSENT_TEXT_VERSION,
        catalog_version_id=version.id,
        currency=version.catalog.currency,
        fix_price_cents=highest_fix_price_cents(version.catalog),
        actor=str(declaration.actor),
        ip=declaration.ip,
        user_agent=declaration.user_agent,
        given_at=declaration.at,
    )


def attach_key(stripe_customer_id: str, stripe_payment_method_id: str, *, methods_ever: int) -> str:
    """
    Return the key for attaching a method: the same for a repeat, another once the customer has a method more.

    So Stripe does not answer with what it said before the method was removed.
    """
    exact = "\n".join([stripe_customer_id, stripe_payment_method_id, str(methods_ever)])
    return f"rsolv-attach-{hashlib.sha256(exact.encode()).hexdigest()[:32]}"


def refusal_of(failure: PaymentDeclined | NeedsAction | GatewayMisused) -> DomainError:
    """
    Say to a customer why Stripe did not take their payment method.
    """
    if isinstance(failure, PaymentDeclined):
        decline = failure.decline
        words = {"code": decline.code, "decline_code": decline.decline_code, "advice_code": decline.advice_code}
        return CardDeclined(decline={name: word for name, word in words.items() if word})
    if isinstance(failure, NeedsAction):
        return CardAuthenticationRequired()
    return unusable("is not known to Stripe, or not this customer's")


def unusable(why: str) -> PaymentMethodUnusable:
    """
    Refuse a payment method, with half a sentence about the field that named it.
    """
    return PaymentMethodUnusable(fields={"stripe_payment_method_id": [why]})


def make_default_job(customer_id: int) -> Job:
    """
    Promise to tell Stripe which payment method is the customer's default when the job runs.

    Without a dedupe key: one that waits may be read before the change that this one is for is committed.
    """
    return Job(kind="payment_method.make_default", ids={"customer_id": customer_id})


def detach_job(customer_id: int, payment_method_id: int) -> Job:
    """
    Promise to take a removed payment method away at Stripe.
    """
    return Job(
        kind="payment_method.detach",
        ids={"customer_id": customer_id, "payment_method_id": payment_method_id},
        dedupe_key=f"payment_method.detach:{customer_id}:{payment_method_id}",
    )
