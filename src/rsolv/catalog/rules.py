"""
What a catalogue is, how its file is read, and how two differ.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from rsolv.catalog.errors import CatalogInvalid

TRIAL = "trial"
PAY_AS_YOU_GO = "pay_as_you_go"
SUBSCRIPTION = "subscription"
_KINDS = (TRIAL, PAY_AS_YOU_GO, SUBSCRIPTION)


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What a customer can be on. Prices are whole cents of the catalogue's currency.
    """

    kind: str
    label: str
    monthly_price_cents: int | None = None
    fix_price_cents: int | None = None
    signup_credits: int = 0
    payment_method_credits: int = 0
    period_credits: int = 0


class Warnings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The balances at which a customer is warned.
    """

    low_credits: int
    last_credits: int


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The plans and prices of one version, before or after it has been applied.
    """

    effective_at: datetime
    currency: str
    warnings: Warnings
    plans: dict[str, Plan]

    def trial(self) -> tuple[str, Plan]:
        """
        Return the plan that new customers start on, with its name.
        """
        return next((name, plan) for name, plan in self.plans.items() if plan.kind == TRIAL)

    def pay_as_you_go(self) -> tuple[str, Plan]:
        """
        Return the plan without credits, with its name.
        """
        return next((name, plan) for name, plan in self.plans.items() if plan.kind == PAY_AS_YOU_GO)

    def subscription(self) -> tuple[str, Plan] | None:
        """
        Return the plan that renews, with its name, if one is sold; of several the first by name.
        """
        return next(
            ((name, self.plans[name]) for name in sorted(self.plans) if self.plans[name].kind == SUBSCRIPTION),
            None,
        )

    def fix_price_cents(self, plan_name: str) -> int:
        """
        Return what a fix costs on a plan once the credits are gone; a trial pays as if it paid as it went.
        """
        own = self.plans[plan_name].fix_price_cents
        price = own if own is not None else self.pay_as_you_go()[1].fix_price_cents
        assert price is not None, "checked when the catalogue was read, and by a constraint"
        return price

    def fingerprint(self) -> str:
        """
        Return a digest that two catalogues share exactly when they say the same.
        """
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


@dataclass(frozen=True, slots=True)
class Version:
    """
    A catalogue as it was applied.
    """

    id: int
    applied_at: datetime
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Change:
    """
    One difference between two catalogues; None where a side does not have the place at all.
    """

    place: str
    before: object
    after: object


def parse_catalog(text: str) -> Catalog:
    """
    Read a catalogue file (TOML; `catalog.toml` is the example) and check it whole.

    Raises:
        CatalogInvalid: it is not TOML, lacks or has unknown fields, or its plans do not make sense.
    """
    try:
        catalog = msgspec.convert(tomllib.loads(text), Catalog)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogInvalid(fields={"catalog": [str(error)]}) from error
    problems = {place: sentences for place, sentences in _problems(catalog) if sentences}
    if problems:
        raise CatalogInvalid(fields=problems)
    return catalog


def changes(before: Catalog | None, after: Catalog) -> list[Change]:
    """
    List what *after* says differently, place by place.
    """
    old = _flat(before) if before else {}
    new = _flat(after)
    return [
        Change(place, old.get(place), new.get(place))
        for place in sorted(old.keys() | new.keys())
        if old.get(place) != new.get(place)
    ]


def _flat(catalog: Catalog) -> dict[str, object]:
    flat: dict[str, object] = {"effective_at": catalog.effective_at.isoformat(), "currency": catalog.currency}
    flat |= {f"warnings.{name}": value for name, value in msgspec.structs.asdict(catalog.warnings).items()}
    for plan_name, plan in catalog.plans.items():
        flat |= {f"plans.{plan_name}.{name}": value for name, value in msgspec.structs.asdict(plan).items()}
    return flat


def _problems(catalog: Catalog) -> Iterator[tuple[str, list[str]]]:
    general = []
    if catalog.effective_at.tzinfo is None:
        general.append("effective_at needs a time zone")
    if not re.fullmatch("[a-z]{3}", catalog.currency):
        general.append("currency is three lower-case letters")
    if not catalog.warnings.low_credits >= catalog.warnings.last_credits >= 1:
        general.append("warnings need low_credits >= last_credits >= 1")
    general += [
        f"exactly one plan of kind {kind} is needed"
        for kind in (TRIAL, PAY_AS_YOU_GO)
        if sum(plan.kind == kind for plan in catalog.plans.values()) != 1
    ]
    yield "catalog", general
    for name, plan in catalog.plans.items():
        yield f"plans.{name}", _plan_problems(name, plan)


def _plan_problems(name: str, plan: Plan) -> list[str]:
    problems = []
    if not re.fullmatch("[a-z][a-z0-9_]{0,39}", name):
        problems.append("a plan's name is a lower-case letter, then up to 39 of these, digits and underscores")
    if plan.kind not in _KINDS:
        problems.append(f"kind is one of {', '.join(_KINDS)}")
    prices = (plan.monthly_price_cents, plan.fix_price_cents)
    if any(price is not None and price <= 0 for price in prices):
        problems.append("a price is a positive number of cents")
    if min(plan.signup_credits, plan.payment_method_credits, plan.period_credits) < 0:
        problems.append("credits are not negative")
    expected = {TRIAL: (False, False), PAY_AS_YOU_GO: (False, True), SUBSCRIPTION: (True, True)}.get(plan.kind)
    if expected is not None and tuple(price is not None for price in prices) != expected:
        problems.append(
            "a trial has no price, pay_as_you_go has fix_price_cents, a subscription has that and monthly_price_cents"
        )
    return problems
