"""
The hosted invoice: what it is for, how it stands, and a form to pay it (docs.stripe.com/invoicing/hosted-invoice-page).
"""

from typing import TYPE_CHECKING

from stripe_twin import billing, payments
from stripe_twin.acts import act
from stripe_twin.billing.collection import charge, method_for
from stripe_twin.core import Account, Record, StripeError
from stripe_twin.core.exchange import Request, Response
from stripe_twin.pages.pdf import text_pdf
from stripe_twin.pages.rendering import amount, message_page, moment, rendered, see_other
from stripe_twin.pages.typed_cards import TEST_CARDS, CardForm

if TYPE_CHECKING:
    from stripe_twin.twin import Twin


def show(twin: "Twin", invoice_id: str) -> Response:
    """
    Show the invoice; a customer back from 3-D Secure sees what came of it.
    """
    invoice = twin.account.get("invoice", invoice_id)
    form = CardForm()
    error = _last_error(twin.account, invoice)
    if error and invoice["status"] == "open":
        form.errors["number"] = error["message"]
    return _page(twin, invoice, form, status=200)


def pay(twin: "Twin", request: Request, invoice_id: str, typed: dict[str, str]) -> Response:
    """
    Pay with a typed card, or with the saved one.
    """
    account, form = twin.account, CardForm.of(typed)
    invoice = account.get("invoice", invoice_id)
    card = None if "saved" in typed else form.card()
    if invoice["status"] != "open" or form.errors:
        return _page(twin, invoice, form, status=422 if form.errors else 409)

    def work() -> Record:
        method_id = None
        if card is not None:
            details = {"name": card.name or None}
            method_id = payments.create_card(
                account,
                number=card.number,
                exp_month=card.exp_month,
                exp_year=card.exp_year,
                cvc=card.cvc,
                billing_details=details,
            )["id"]
        intent = charge(account, invoice_id, off_session=False, payment_method_id=method_id)
        if intent is None:
            raise StripeError(400, type="invalid_request_error", message="There is no saved card to pay with.")
        if intent["status"] == "requires_payment_method":
            raise payments.payment_error(intent)
        return intent

    try:
        intent = act(account, work, base_url=request.base_url)
    except StripeError as error:
        form.refuse(error)
        return _page(twin, account.get("invoice", invoice_id), form, status=422)
    here = f"/pages/invoice/{invoice_id}"
    return see_other(f"/pages/3ds/{intent['id']}?back={here}" if intent["status"] == "requires_action" else here)


def pdf(twin: "Twin", invoice_id: str) -> Response:
    """
    Return the invoice as a plain PDF of one page.
    """
    invoice = twin.account.get("invoice", invoice_id)
    currency = invoice["currency"]
    text = [
        f"Invoice {invoice['number'] or invoice_id}",
        "",
        f"Issued: {moment(invoice['created'])}     Status: {invoice['status']}",
        f"Billed to: {invoice.get('customer_name') or invoice.get('customer_email') or invoice['customer']}",
        "",
        *(
            f"{line['description']}: {amount(line['amount'], currency)}"
            for line in billing.lines_of(twin.account, invoice_id)
        ),
        "",
        f"Total: {amount(invoice['total'], currency)}",
        f"Amount paid: {amount(invoice['amount_paid'], currency)}",
        f"Amount due: {amount(invoice['amount_remaining'], currency)}",
        "",
        "Made by a stand-in for Stripe, for tests and demonstrations. No money was asked for.",
    ]
    named = {"content-type": "application/pdf", "content-disposition": f'inline; filename="{invoice_id}.pdf"'}
    return Response(200, text_pdf(text), named)


def _page(twin: "Twin", invoice: Record, form: CardForm, *, status: int) -> Response:
    if invoice["status"] == "draft":
        return message_page(404, "Not yet", "This invoice is a draft: it has no page until it is finalized.")
    return rendered(
        "invoice.html",
        status,
        invoice=invoice,
        lines=billing.lines_of(twin.account, invoice["id"]),
        form=form,
        has_saved_card=method_for(twin.account, invoice) is not None,
        test_cards=TEST_CARDS,
    )


def _last_error(account: Account, invoice: Record) -> Record | None:
    """
    Return why the latest attempt to pay an invoice failed, if it did.
    """
    for payment in account.store.all("invoice_payment"):
        if payment["invoice"] == invoice["id"]:
            intent = account.store.find("payment_intent", payment["payment"].get("payment_intent") or "")
            return intent["last_payment_error"] if intent else None
    return None
