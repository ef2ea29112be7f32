"""
What the tests of the contract share: the contract itself, Stripe's own example requests, two whole objects.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import stripe

from stripe_twin.contract import Contract, installed_contract

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / ".cache" / "stripe" / f"examples-{stripe.VERSION}.py"

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Example:
    """
    One request that Stripe shows, as it goes over the wire.
    """

    method: str
    path: str
    query: str
    body: str
    is_json: bool

    @property
    def pairs(self) -> Pairs:
        """
        Give the pairs of its query string and form.
        """
        return [*parse_qsl(self.query, keep_blank_values=True), *parse_qsl(self.body, keep_blank_values=True)]


@pytest.fixture(scope="session")
def contract() -> Contract:
    """
    The contract of the installed SDK.
    """
    return installed_contract()


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    """
    The distinct requests in the generated tests of the SDK, fetched once (mk/stripe.mk).
    """
    if not EXAMPLES.exists():
        command = ["make", "--file", "mk/stripe.mk", "stripe-examples", f"BIN={Path(sys.executable).parent}"]
        subprocess.run(command, cwd=ROOT, check=True)
    nodes = ast.walk(ast.parse(EXAMPLES.read_bytes()))
    return sorted({_read(node) for node in nodes if _asserts_a_request(node)}, key=repr)


def _asserts_a_request(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "http_client_mock.assert_requested"


def _read(call: ast.Call) -> Example:
    words: dict[str, Any] = {word.arg: word.value for word in call.keywords}
    text = {name: ast.literal_eval(words[name]) for name in ("path", "query_string", "post_data") if name in words}
    return Example(
        method=ast.literal_eval(call.args[0]),
        path=text["path"],
        query=text.get("query_string", ""),
        body=text.get("post_data", ""),
        is_json="is_json" in words,
    )


@pytest.fixture
def charge() -> dict[str, Any]:
    """
    A charge of a card, whole, as the API gives it.
    """
    address = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
    card = {
        "amount_authorized": 2900,
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 11,
        "exp_year": 2030,
        "fingerprint": "Xt5EWLLDS7FJjR1c",
        "funding": "credit",
        "last4": "4242",
        "network": "visa",
        "three_d_secure": None,
        "wallet": None,
    }
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 2900,
        "amount_captured": 2900,
        "amount_refunded": 0,
        "balance_transaction": "txn_1",
        "billing_details": {"address": address, "email": None, "name": "Jenny", "phone": None, "tax_id": None},
        "captured": True,
        "created": 1_790_000_000,
        "currency": "usd",
        "customer": "cus_1",
        "description": None,
        "disputed": False,
        "failure_code": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {"attempt": "1"},
        "outcome": {
            "advice_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": "pi_1",
        "payment_method": "pm_1",
        "payment_method_details": {"card": card, "type": "card"},
        "receipt_url": "https://example.com/receipt",
        "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": "/v1/charges/ch_1/refunds"},
        "status": "succeeded",
    }


@pytest.fixture
def payment_intent(charge: dict[str, Any]) -> dict[str, Any]:
    """
    A payment intent that succeeded, with its charge in it.
    """
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 2900,
        "amount_capturable": 0,
        "amount_received": 2900,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True},
        "canceled_at": None,
        "capture_method": "automatic_async",
        "client_secret": "pi_1_secret_1",
        "confirmation_method": "automatic",
        "created": 1_790_000_000,
        "currency": "usd",
        "customer": "cus_1",
        "description": None,
        "last_payment_error": None,
        "latest_charge": charge,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": "pm_1",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "status": "succeeded",
    }


@pytest.fixture
def event(payment_intent: dict[str, Any]) -> dict[str, Any]:
    """
    The event that tells of the payment intent's success.
    """
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": stripe.api_version,
        "created": 1_790_000_000,
        "data": {"object": payment_intent},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": "key-1"},
        "type": "payment_intent.succeeded",
    }
