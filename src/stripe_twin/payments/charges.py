"""
Charges, and the balance transactions behind them.

docs.stripe.com/api/charges, docs.stripe.com/api/balance_transactions
"""

from stripe_twin.core import Account, Call, Record, Routes, page, whole_list
from stripe_twin.payments.cards import Decline
from stripe_twin.payments.nulls import nulls
from stripe_twin.payments.parameters import (
    keep_time_of,
    merged_metadata,
    named_in_path,
    require_done,
    shipping_of,
)

routes = Routes()

_NULL = nulls(
    """
    application application_fee application_fee_amount failure_balance_transaction on_behalf_of receipt_number
    receipt_url review source_transfer transfer_data transfer_group
    """
)

_FEE_PER_MILLE, _FEE_FIXED = 29, 30


@routes.get("/v1/charges/{charge}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a charge.
    """
    return named_in_path(account, "charge", call.ids["charge"], what="charge")


@routes.get("/v1/charges")
def list_charges(account: Account, call: Call) -> Record:
    """
    List charges, failed ones too: of a customer, of a payment intent.
    """
    customer_id = call.params.get("customer")
    keep_time_of(account, customer_id)
    found = account.store.of_customer("charge", customer_id) if customer_id else account.store.all("charge")
    return page(call, found, url="/v1/charges", matching=("payment_intent", "transfer_group"))


@routes.post("/v1/charges/{charge}")
def update(account: Account, call: Call) -> Record:
    """
    Change what a charge says of itself. Emits charge.updated.
    """
    require_done(call, ("description", "receipt_email", "shipping"), "POST /v1/charges/{charge}")
    charge = account.store.edit("charge", retrieve(account, call)["id"])
    params = call.params
    charge["metadata"] = merged_metadata(charge["metadata"], params.get("metadata"))
    for name in ("description", "receipt_email"):
        charge[name] = params.get(name, charge[name])
    if "shipping" in params:
        charge["shipping"] = shipping_of(params["shipping"], charge["shipping"])
    account.emit("charge.updated", charge)
    return charge


@routes.get("/v1/balance_transactions/{id}")
def retrieve_balance_transaction(account: Account, call: Call) -> Record:
    """
    Show a movement of the account's balance: a charge, a refund, a dispute's adjustment.
    """
    return named_in_path(account, "balance_transaction", call.ids["id"], what="balance transaction")


def refunds_of(account: Account, charge: Record) -> Record:
    """
    Return the refunds of a charge, which it shows only when asked to.
    """
    refunds = (refund for refund in account.store.all("refund") if refund["charge"] == charge["id"])
    return whole_list(refunds, url=f"/v1/charges/{charge['id']}/refunds")


def add_balance_transaction(
    account: Account, *, amount: int, currency: str, source: str, kind: str, fee: int = 0, category: str | None = None
) -> Record:
    """
    Record that the account's balance moved; money is available at once.
    """
    fees = [
        {"amount": fee, "application": None, "currency": currency, "description": "Stripe fee", "type": "stripe_fee"}
    ]
    return account.store.add(
        "balance_transaction",
        {
            "id": account.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": account.now,
            "balance_type": "payments",
            "created": account.now,
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source,
            "status": "available",
            "type": kind,
        },
    )


def add_charge(
    account: Account, intent: Record, method: Record, *, decline: Decline | None, authenticated: bool
) -> Record:
    """
    Add the charge that an attempt to pay leaves behind, succeeded or failed, and emit its event.
    """
    charge_id = account.new_id("ch")
    amount, paid = intent["amount"], decline is None
    balance_transaction = None
    if paid:
        balance_transaction = add_balance_transaction(
            account,
            amount=amount,
            currency=intent["currency"],
            source=charge_id,
            kind="charge",
            fee=(amount * _FEE_PER_MILLE + 500) // 1000 + _FEE_FIXED,
        )["id"]
    charge = account.store.add(
        "charge",
        {
            "id": charge_id,
            "object": "charge",
            **_NULL,
            "amount": amount,
            "amount_captured": amount if paid else 0,
            "amount_refunded": 0,
            "balance_transaction": balance_transaction,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "TWIN",
            "captured": paid,
            "created": account.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_code": None if decline is None else decline.code,
            "failure_message": None if decline is None else decline.message,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "outcome": _outcome(decline),
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {
                "card": _card_details(intent, method, authenticated=authenticated),
                "type": "card",
            },
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "refunded": False,
            "shipping": intent["shipping"],
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "succeeded" if paid else "failed",
        },
    )
    account.emit("charge.succeeded" if paid else "charge.failed", charge)
    return charge


def _outcome(decline: Decline | None) -> Record:
    """
    Tell how the bank saw it (docs.stripe.com/declines#issuer-declines).
    """
    return {
        "advice_code": decline.advice_code if decline else None,
        "network_advice_code": None,
        "network_decline_code": decline.network_decline_code if decline else None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.reason if decline else None,
        "risk_level": "normal",
        "risk_score": 10,
        "seller_message": "The bank declined the payment." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def _card_details(intent: Record, method: Record, *, authenticated: bool) -> Record:
    card = method["card"]
    three_d_secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": three_d_secure if authenticated else None,
        "wallet": None,
    }
