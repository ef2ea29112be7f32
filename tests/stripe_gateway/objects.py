"""
Stripe's objects as its documentation shows them, cut down to what the gateway reads, each part changeable.
"""

from typing import Any

Json = dict[str, Any]

CREATED = 1_790_000_000
PAYMENT_SECRET = "pi_1_secret_ofthecustomer"


def customer(**parts: object) -> Json:
    return {
        "id": "cus_1",
        "object": "customer",
        "email": "ada@example.com",
        "name": "Ada",
        "created": CREATED,
        "livemode": False,
        "metadata": {"rsolv_customer_id": "7"},
        "invoice_settings": {"default_payment_method": "pm_1"},
        **parts,
    }


def payment_method(**parts: object) -> Json:
    return {
        "id": "pm_1",
        "object": "payment_method",
        "type": "card",
        "customer": "cus_1",
        "card": {"brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2030, "fingerprint": "Xt5EWLLDS7FJjR1c"},
        "metadata": {},
        **parts,
    }


def session(**parts: object) -> Json:
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "mode": "setup",
        "status": "open",
        "url": "https://checkout.stripe.com/c/pay/cs_1",
        "customer": "cus_1",
        "expires_at": CREATED + 86_400,
        "livemode": False,
        "metadata": {"consent": "3"},
        "setup_intent": "seti_1",
        **parts,
    }


def setup_intent(**parts: object) -> Json:
    return {
        "id": "seti_1",
        "object": "setup_intent",
        "status": "succeeded",
        "payment_method": payment_method(),
        "mandate": "mandate_1",
        **parts,
    }


def payment(**parts: object) -> Json:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "requires_confirmation",
        "amount": 4321,
        "amount_received": 0,
        "currency": "usd",
        "customer": "cus_1",
        "created": CREATED,
        "livemode": False,
        "metadata": {"intent": "11"},
        "payment_method": "pm_1",
        "latest_charge": None,
        "last_payment_error": None,
        "next_action": None,
        "client_secret": PAYMENT_SECRET,
        **parts,
    }


def charge(**parts: object) -> Json:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount_refunded": 0,
        "disputed": False,
        "receipt_url": "https://pay.stripe.com/receipts/1",
        **parts,
    }


def refund(**parts: object) -> Json:
    return {
        "id": "re_1",
        "object": "refund",
        "status": "succeeded",
        "amount": 1000,
        "currency": "usd",
        "created": CREATED,
        "payment_intent": "pi_1",
        "charge": "ch_1",
        "reason": "requested_by_customer",
        "metadata": {"refund": "5"},
        **parts,
    }


def dispute(**parts: object) -> Json:
    return {
        "id": "du_1",
        "object": "dispute",
        "status": "needs_response",
        "amount": 4321,
        "currency": "usd",
        "created": CREATED,
        "livemode": False,
        "reason": "fraudulent",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "balance_transactions": [{"id": "txn_1", "object": "balance_transaction", "amount": -4321, "fee": 1500}],
        **parts,
    }


def subscription_item(**parts: object) -> Json:
    return {
        "id": "si_1",
        "object": "subscription_item",
        "price": {"id": "price_pro", "object": "price", "unit_amount": 1},
        "quantity": 1,
        "current_period_start": CREATED,
        "current_period_end": CREATED + 2_592_000,
        **parts,
    }


def subscription(**parts: object) -> Json:
    return {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "customer": "cus_1",
        "created": CREATED,
        "livemode": False,
        "items": listed(subscription_item()),
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "ended_at": None,
        "default_payment_method": "pm_1",
        "latest_invoice": "in_1",
        "metadata": {"subscription": "9"},
        **parts,
    }


def invoice_payment(**parts: object) -> Json:
    return {
        "id": "inpay_1",
        "object": "invoice_payment",
        "status": "paid",
        "amount_requested": 5000,
        "amount_paid": 5000,
        "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
        **parts,
    }


def invoice_line(**parts: object) -> Json:
    return {
        "id": "il_1",
        "object": "line_item",
        "amount": 5000,
        "currency": "usd",
        "quantity": 1,
        "period": {"start": CREATED, "end": CREATED + 2_592_000},
        "pricing": {"type": "price_details", "price_details": {"price": "price_pro", "product": "prod_1"}},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"proration": False, "subscription": "sub_1", "subscription_item": "si_1"},
            "invoice_item_details": None,
        },
        **parts,
    }


def price(**parts: object) -> Json:
    return {
        "id": "price_1",
        "object": "price",
        "active": True,
        "currency": "usd",
        "lookup_key": "pro_usd",
        "unit_amount": 4321,
        "recurring": {"interval": "month"},
        **parts,
    }


def invoice(**parts: object) -> Json:
    return {
        "id": "in_1",
        "object": "invoice",
        "status": "paid",
        "billing_reason": "subscription_cycle",
        "customer": "cus_1",
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": "sub_1", "metadata": {"subscription": "9"}},
        },
        "currency": "usd",
        "subtotal": 5000,
        "total": 5000,
        "amount_due": 5000,
        "amount_paid": 5000,
        "amount_remaining": 0,
        "attempt_count": 1,
        "lines": listed(invoice_line()),
        "payments": listed(invoice_payment()),
        "hosted_invoice_url": "https://invoice.stripe.com/i/1",
        "invoice_pdf": "https://pay.stripe.com/invoice/1/pdf",
        "number": "A-0001",
        "created": CREATED,
        "livemode": False,
        "metadata": {},
        **parts,
    }


def event(**parts: object) -> Json:
    return {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "api_version": "2026-10-28.endive",
        "created": CREATED,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_9", "idempotency_key": "ci:11:confirm:1"},
        "data": {"object": payment(status="succeeded")},
        **parts,
    }


def thin_event(**parts: object) -> Json:
    return {
        "id": "evt_thin_1",
        "object": "v2.core.event",
        "type": "v1.payment_intent.succeeded",
        "created": "2026-09-21T14:13:20.000Z",
        "livemode": False,
        "related_object": {"id": "pi_1", "type": "payment_intent", "url": "/v1/payment_intents/pi_1"},
        "reason": {"type": "request", "request": {"id": "req_9", "idempotency_key": "ci:11:confirm:1"}},
        "snapshot_event": "evt_1",
        **parts,
    }


def listed(*objects: Json, has_more: bool = False) -> Json:
    return {"object": "list", "data": list(objects), "has_more": has_more, "url": "/v1/somewhere"}


def error(**parts: object) -> Json:
    return {"error": {"type": "invalid_request_error", "message": "No such thing: 4242 4242 4242 4242", **parts}}


def declined(**parts: object) -> Json:
    return error(
        **{
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "payment_intent": payment(status="requires_payment_method"),
            **parts,
        }
    )
