"""
Which payment intent pays which invoice (docs.stripe.com/api/invoice-payment).
"""

from stripe_twin.billing.invoicing import COLLECTION
from stripe_twin.billing.scope import from_path, only_done
from stripe_twin.core import Account, Call, Record, Routes, page, whole_list

routes = Routes()

_PAGING = {"created", "limit", "starting_after", "ending_before"}


@routes.get("/v1/invoice_payments")
def list_payments(account: Account, call: Call) -> Record:
    """
    List the payments of invoices: by invoice, by payment intent, by status.
    """
    params = call.params
    only_done(params, {"invoice", "payment", "status", *_PAGING}, "GET /v1/invoice_payments")
    intent = params.get("payment", {}).get("payment_intent")
    found = [
        payment
        for payment in account.store.all("invoice_payment")
        if intent is None or payment["payment"]["payment_intent"] == intent
    ]
    return page(call, found, url="/v1/invoice_payments", matching=("invoice", "status"))


@routes.get("/v1/invoice_payments/{invoice_payment}")
def retrieve_payment(account: Account, call: Call) -> Record:
    """
    Return an invoice payment.
    """
    return from_path(account, "invoice_payment", call.ids["invoice_payment"], "invoice_payment")


def payments_of(account: Account, invoice: Record) -> Record:
    """
    Return an invoice's payments, which it shows when expanded.
    """
    facts = account.store.find(COLLECTION, invoice["id"]) or {}
    found = [account.get("invoice_payment", facts["payment"])] if facts.get("payment") else []
    return whole_list(found, url=f"/v1/invoice_payments?invoice={invoice['id']}")


def confirmation_secret_of(account: Account, invoice: Record) -> Record | None:
    """
    Return the secret with which a browser confirms an invoice's payment; shown when expanded.
    """
    facts = account.store.find(COLLECTION, invoice["id"])
    if facts is None or facts["intent"] is None:
        return None
    intent = account.get("payment_intent", facts["intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}
