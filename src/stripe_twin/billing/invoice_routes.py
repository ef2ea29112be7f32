"""
Invoices over the API (docs.stripe.com/api/invoices).
"""

from stripe_twin import payments
from stripe_twin.billing import standing
from stripe_twin.billing.collection import charge, method_for, note_paid, withdraw_payment
from stripe_twin.billing.finalization import finalize, void
from stripe_twin.billing.invoice_items import line_of_item, loose_items
from stripe_twin.billing.invoicing import (
    COLLECTION,
    await_finalization,
    drawn_up,
    keep_draft,
    lines_of,
    subscription_id_of,
)
from stripe_twin.billing.refusals import no_location, no_method, require_success
from stripe_twin.billing.renewals import expire_now
from stripe_twin.billing.scope import customer_of, emit_if_changed, from_path, merged, only_done, required
from stripe_twin.core import Account, Call, Record, Routes, StripeError, invalid_request, not_done, page

routes = Routes()

_INVOICE = "/v1/invoices/{invoice}"
_PAGING = {"created", "limit", "starting_after", "ending_before"}
_CREATE = {
    "auto_advance",
    "collection_method",
    "currency",
    "customer",
    "default_payment_method",
    "description",
    "metadata",
    "pending_invoice_items_behavior",
}


@routes.post("/v1/invoices")
def create(account: Account, call: Call) -> Record:
    """
    Draw up a customer's invoice by hand; it takes up what waits only when told to. Emits invoice.created.
    """
    params = call.params
    only_done(params, _CREATE, "POST /v1/invoices")
    if params.get("collection_method", "charge_automatically") != "charge_automatically":
        raise not_done("collection_method=send_invoice on POST /v1/invoices")
    customer = customer_of(account, str(required(params, "customer")))
    includes = params.get("pending_invoice_items_behavior", "exclude") == "include"
    items = loose_items(account, customer["id"], params.get("currency")) if includes else []
    lines = [line_of_item(account, item) for item in items]
    currency = params.get("currency") or (lines[0].currency if lines else "usd")
    metadata = merged({}, params.get("metadata"))
    invoice, records = drawn_up(account, customer, reason="manual", currency=currency, lines=lines, metadata=metadata)
    _set(account, invoice, params)
    keep_draft(account, invoice, records)
    if params.get("auto_advance"):
        await_finalization(account, invoice["id"])
    return account.get("invoice", invoice["id"])


@routes.get(_INVOICE)
def retrieve(account: Account, call: Call) -> Record:
    """
    Return an invoice with its first ten lines.
    """
    return _named(account, call)


@routes.post(_INVOICE)
def update(account: Account, call: Call) -> Record:
    """
    Change what is not money: metadata always, the rest while the invoice is a draft. Emits invoice.updated.
    """
    only_done(call.params, {"auto_advance", "default_payment_method", "description", "metadata"}, f"POST {_INVOICE}")
    invoice = account.edit("invoice", _named(account, call)["id"])
    if call.params.keys() & {"description"} and invoice["status"] != "draft":
        raise _not_editable("Finalized invoices can't be updated in this way", "description")
    _set(account, invoice, call.params)
    invoice["metadata"] = merged(invoice["metadata"], call.params.get("metadata"))
    if "auto_advance" in call.params and invoice["status"] in ("draft", "open"):
        invoice["auto_advance"] = call.params["auto_advance"]
        if invoice["auto_advance"] and invoice["status"] == "draft":
            await_finalization(account, invoice["id"])
    emit_if_changed(account, "invoice.updated", invoice)
    return invoice


@routes.get("/v1/invoices")
def list_all(account: Account, call: Call) -> Record:
    """
    List invoices by customer, subscription and status.
    """
    params = call.params
    equal = ("customer", "status", "collection_method")
    only_done(params, {*equal, *_PAGING, "subscription"}, "GET /v1/invoices")
    invoices = account.store.of_customer("invoice", params["customer"]) if "customer" in params else None
    wanted = [
        invoice
        for invoice in (account.store.all("invoice") if invoices is None else invoices)
        if "subscription" not in params or subscription_id_of(invoice) == params["subscription"]
    ]
    return page(call, wanted, url="/v1/invoices", matching=equal)


@routes.get("/v1/invoices/{invoice}/lines")
def list_lines(account: Account, call: Call) -> Record:
    """
    List all lines of an invoice.
    """
    invoice = _named(account, call)
    return page(call, lines_of(account, invoice["id"]), url=f"/v1/invoices/{invoice['id']}/lines")


@routes.post("/v1/invoices/{invoice}/finalize")
def finalize_now(account: Account, call: Call) -> Record:
    """
    Finalise a draft; it is charged at once when it advances by itself.
    """
    only_done(call.params, {"auto_advance"}, "POST /v1/invoices/{invoice}/finalize")
    invoice = _named(account, call)
    customer_of(account, invoice["customer"])
    if invoice["status"] != "draft":
        raise _not_editable("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    if "auto_advance" in call.params:
        account.edit("invoice", invoice["id"])["auto_advance"] = call.params["auto_advance"]
    if not finalize(account, invoice["id"]):
        raise no_location(keeps_changes=True)
    if invoice["auto_advance"] and account.get("invoice", invoice["id"])["status"] == "open":
        charge(account, invoice["id"], off_session=True)
    return account.get("invoice", invoice["id"])


@routes.post("/v1/invoices/{invoice}/pay")
def pay(account: Account, call: Call) -> Record:
    """
    Have an invoice paid now, or note that it was paid elsewhere (docs.stripe.com/api/invoices/pay).
    """
    params = call.params
    only_done(params, {"off_session", "paid_out_of_band", "payment_method"}, "POST /v1/invoices/{invoice}/pay")
    return pay_invoice(
        account,
        _named(account, call)["id"],
        payment_method_id=params.get("payment_method"),
        off_session=params.get("off_session", True),
        out_of_band=params.get("paid_out_of_band", False),
    )


@routes.post("/v1/invoices/{invoice}/void")
def void_now(account: Account, call: Call) -> Record:
    """
    Void an open invoice; emits invoice.voided. A subscription whose first invoice it is never begins.
    """
    invoice = _require_open(_named(account, call))
    resumes = account.get(COLLECTION, invoice["id"])["resumes"]
    void(account, invoice["id"])
    subscription_id = subscription_id_of(invoice)
    if subscription_id and account.get("subscription", subscription_id)["status"] == "incomplete":
        expire_now(account, subscription_id)
    elif not resumes:
        standing.after_payment(account, invoice)
    return account.get("invoice", invoice["id"])


@routes.post("/v1/invoices/{invoice}/mark_uncollectible")
def mark_uncollectible(account: Account, call: Call) -> Record:
    """
    Give an open invoice up; emits invoice.marked_uncollectible. For its subscription it counts as paid.
    """
    invoice = account.edit("invoice", _require_open(_named(account, call))["id"])
    invoice.update(
        status="uncollectible",
        status_details={"uncollectible": {"reason": "user_forgiven"}},
        auto_advance=False,
        next_payment_attempt=None,
    )
    invoice["status_transitions"]["marked_uncollectible_at"] = account.now
    account.emit("invoice.marked_uncollectible", invoice)
    standing.after_payment(account, invoice)
    return invoice


def pay_invoice(
    account: Account,
    invoice_id: str,
    *,
    payment_method_id: str | None = None,
    off_session: bool = True,
    out_of_band: bool = False,
) -> Record:
    """
    Have an invoice paid; a draft is finalised first.

    Raises:
        StripeError: it is no longer to be paid, there is no method, or 402: the payment failed or needs the customer.
            What failed stays.
    """
    invoice = account.get("invoice", invoice_id)
    customer_of(account, invoice["customer"])
    if invoice["status"] == "paid":
        raise invalid_request("Invoice is already paid")
    if invoice["status"] == "draft" and not finalize(account, invoice_id):
        raise no_location(keeps_changes=True)
    invoice = account.get("invoice", invoice_id)
    if invoice["status"] == "paid":
        return invoice
    _require_open(invoice)
    if out_of_band:
        withdraw_payment(account, invoice)
        note_paid(account, invoice_id, out_of_band=True)
    else:
        if payment_method_id:
            payments.method_of(account, payment_method_id, invoice["customer"])
        require_success(_charged(account, invoice_id, payment_method_id, off_session=off_session), keeps_changes=True)
    return account.get("invoice", invoice_id)


def _named(account: Account, call: Call) -> Record:
    return from_path(account, "invoice", call.ids["invoice"], "invoice")


def _set(account: Account, invoice: Record, params: Record) -> None:
    if method_id := params.get("default_payment_method"):
        payments.attached_method_of(account, method_id, invoice["customer"], "default_payment_method")
    for name in ("default_payment_method", "description"):
        if name in params:
            invoice[name] = params[name] or None


def _charged(account: Account, invoice_id: str, method_id: str | None, *, off_session: bool) -> Record | None:
    if method_id is None and method_for(account, account.get("invoice", invoice_id)) is None:
        raise no_method("payment_method")
    return charge(account, invoice_id, off_session=off_session, payment_method_id=method_id)


def _require_open(invoice: Record) -> Record:
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid_request("You can only pass in open invoices. This invoice isn't open.", param="invoice")
    return invoice


def _not_editable(message: str, param: str | None = None) -> StripeError:
    return invalid_request(message, code="invoice_not_editable", param=param)
