"""
A town to make journeys in: our web and our worker, the twin of Stripe, and people who know nothing but HTTP.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from api.wire import INVOICES, METHODS, ONBOARD, SETUP, STORE, SUBSCRIPTION, TRANSACTIONS, USAGE, fix, result
from cli.programs import environment, running, serving
from local.waiting import until
from rsolv.local.webhook_endpoint import ensure_endpoint
from test_worker import twin_process

KEY = "sk_test_correcthorsebattery"
CHARGES = "/api/v1/billing/charges"
CARDS = (
    *("4242424242424242", "4111111111111111", "4000056655665556", "5555555555554444", "5200828282828210"),
    *("5105105105105100", "4000000000005126", "6011111111111117", "4000000000007726"),
)
"""
Cards that are good for everything, each of another number: a card brings its credits to one customer only.
"""
ANOTHER_CARD = "4000003800000446"

_LATER = timedelta(hours=2)
"""
Stripe leaves a renewal's invoice open for an hour before it collects it.
"""


@dataclass
class Person:
    """
    A customer at their desk: with their key at our API, and with a browser at Stripe's pages.
    """

    api: httpx.Client
    stripe: httpx.Client
    signed_up: dict[str, Any]
    cards: Iterator[str]
    issues: int = 0

    # --- what they see

    def usage(self) -> dict[str, Any]:
        """
        Return the customer at a glance.
        """
        return self._get(USAGE)

    def transactions(self) -> list[dict[str, Any]]:
        """
        Return the credit transactions, the newest first.
        """
        return list(self._get(f"{TRANSACTIONS}?limit=100")["transactions"])

    def charges(self) -> list[dict[str, Any]]:
        """
        Return the charges, the newest first.
        """
        return list(self._get(CHARGES)["charges"])

    def invoices(self) -> list[dict[str, Any]]:
        """
        Return the invoices of the subscription, the newest first.
        """
        return list(self._get(INVOICES)["invoices"])

    def subscription(self) -> dict[str, Any]:
        """
        Return the subscription.
        """
        return dict(self._get(SUBSCRIPTION)["subscription"])

    def warnings(self) -> list[tuple[str, str]]:
        """
        Return the levels and the codes of what they are warned of.
        """
        return [(warning["level"], warning["code"]) for warning in self.usage()["warnings"]]

    def waits_for(self, **wanted: object) -> dict[str, Any]:
        """
        Ask until the customer at a glance has these values, and return it.
        """

        def look() -> dict[str, Any] | None:
            usage = self.usage()
            return usage if wanted.items() <= usage.items() else None

        return until(look, f"usage shows {wanted}")

    # --- what their CI does

    def scan(self) -> dict[str, Any]:
        """
        Report a scan.
        """
        return self._store(result("scan", vulnerabilities=[]))

    def validate(self, issue: int) -> dict[str, Any]:
        """
        Report that an issue was proved.
        """
        return self._store(result("validate", issue=issue, validated=True))

    def fix(self, issue: int | None = None) -> dict[str, Any]:
        """
        Report a fix, of the next issue unless one is given, and return what became of its billing.
        """
        if issue is None:
            self.issues += 1
        return self._store(fix(issue or self.issues))

    def spend_credits(self) -> int:
        """
        Fix issue after issue until no credit is left, and return how many were.
        """
        credits = int(self.usage()["credit_balance"])
        for _ in range(credits):
            assert self.fix()["status"] == "consumed"
        return credits

    def pay_for_a_fix(self) -> int:
        """
        Report a fix without a credit, wait until it is paid, and return the cents it cost.
        """
        charging = self.fix()
        assert charging["status"] == "charging", charging

        def paid() -> dict[str, Any] | None:
            [charge] = [each for each in self.charges() if each["id"] == charging["charge_id"]]
            return charge if charge["state"] == "succeeded" else None

        return int(until(paid, "the fix is paid")["amount_cents"])

    # --- what they do about money

    def enter_card(self, number: str | None = None) -> None:
        """
        Agree to be charged, enter a card on Stripe's page, one that nobody else has unless given, and come back.
        """
        opened = self.api.post(SETUP, json={"billing_consent": True})
        assert opened.status_code == httpx.codes.CREATED, opened.text
        form = {"number": number or next(self.cards), "expiry": "12/34", "cvc": "123", "name": "Ada"}
        page = httpx.URL(opened.json()["url"])
        sent = self.stripe.post(page.raw_path.decode(), data=form, headers={"sec-fetch-site": "same-origin"})
        assert sent.status_code == httpx.codes.SEE_OTHER, sent.text
        back = self.api.get(httpx.URL(sent.headers["location"]).raw_path.decode())
        assert back.status_code == httpx.codes.OK, back.text

    def subscribe(self) -> dict[str, Any]:
        """
        Agree to Pro and be on it.
        """
        answer = self.api.post(SUBSCRIPTION, json={"plan": "pro", "billing_consent": True})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return dict(answer.json()["subscription"])

    def cancel(self, *, at_period_end: bool) -> dict[str, Any]:
        """
        End Pro, now or with the period that is paid.
        """
        answer = self.api.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": at_period_end})
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json()["subscription"])

    def payment_methods(self) -> list[dict[str, Any]]:
        """
        Return the cards that may be charged.
        """
        return list(self._get(METHODS)["payment_methods"])

    def _get(self, path: str) -> dict[str, Any]:
        answer = self.api.get(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json())

    def _store(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.post(STORE, json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json()["billing"])


@dataclass
class Town:
    """
    Where it all runs, and whoever came so far.
    """

    api_url: str
    stripe_url: str
    database_url: str
    opened: ExitStack = field(default_factory=ExitStack)
    cards: Iterator[str] = field(default_factory=lambda: iter(CARDS))

    def sign_up(self, name: str, **how: str) -> Person:
        """
        Let somebody sign up, and hand them their key.
        """
        api = self._caller(self.api_url)
        answer = api.post(ONBOARD, json={"email": f"{name}@example.com", "name": name.title(), **how})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        api.headers["x-api-key"] = answer.json()["api_key"]
        stripe = self._caller(self.stripe_url)
        return Person(api=api, stripe=stripe, signed_up=answer.json()["customer"], cards=self.cards)

    def live_until(self, moment: str) -> None:
        """
        Let Stripe's time pass until a moment that it named, and what is due then be done.
        """
        to = int((datetime.fromisoformat(moment) + _LATER).timestamp())
        answer = self._caller(self.stripe_url).post("/_twin/clock", json={"to": to}, timeout=60)
        assert answer.status_code == httpx.codes.OK, answer.text

    def mistakes_of_the_twin(self) -> list[object]:
        """
        Return what the stand-in did wrong by itself.
        """
        return list(self._caller(self.stripe_url).get("/_twin/state").json()["mistakes"])

    def _caller(self, url: str) -> httpx.Client:
        return self.opened.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=30))


@contextmanager
def open_town(database_url: str, home: Path) -> Iterator[Town]:
    """
    Start the twin, the worker and the web, each a process of its own, with Stripe's deliveries led to the web.
    """
    file = home / "webhook_endpoint.json"
    with ExitStack() as opened:
        stripe_url = opened.enter_context(twin_process(home / "stripe"))
        stripe = {"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe_url}
        opened.enter_context(running("worker", environ=environment(database_url, **stripe)))
        endpoint = ensure_endpoint(stripe_url, api_key=KEY, base_url="http://127.0.0.1:1", file=file)
        web = serving(database_url, **stripe, STRIPE_WEBHOOK_SECRETS=endpoint.secret)
        api_url = opened.enter_context(web)
        ensure_endpoint(stripe_url, api_key=KEY, base_url=api_url, file=file)
        yield Town(api_url, stripe_url, database_url, opened)
