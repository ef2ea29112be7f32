"""
The hosted invoice.
"""

import re

import pytest
import stripe

from stripe_twin.core.exchange import Request
from stripe_twin.pages.pdf import text_pdf
from stripe_twin.twin import Twin


@pytest.fixture
async def invoice(sdk: stripe.StripeClient, ada: str, pro: str) -> stripe.Invoice:
    """
    Return the open first invoice of a subscription.
    """
    subscription = await sdk.v1.subscriptions.create_async(
        {
            "customer": ada,
            "items": [{"price": pro}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice"],
        }
    )
    return subscription.latest_invoice


async def test_it_shows_what_is_due_and_for_what(invoice: stripe.Invoice, browser) -> None:
    """
    Number, lines with their time, total, status.
    """
    page = await browser.open(invoice.hosted_invoice_url)

    assert page.status == 200
    for text in (invoice.number, "Pro &amp; more", "599.00 USD", "open", "Pay with this card"):
        assert text in page.text


async def test_it_is_paid_by_a_typed_card(sdk: stripe.StripeClient, invoice: stripe.Invoice, browser, card) -> None:
    """
    The page then shows it as paid, without a form.
    """
    sent = await browser.send(invoice.hosted_invoice_url, **card)
    page = await browser.open(sent.goes_to)

    assert (await sdk.v1.invoices.retrieve_async(invoice.id)).status == "paid"
    assert "Pay with this card" not in page.text


@pytest.mark.parametrize(
    ("change", "error"),
    [({"number": "4000 0000 0000 0341"}, "Your card was declined."), ({"number": "1"}, "Enter the card's number")],
    ids=["declined", "mistyped"],
)
async def test_a_refused_card_leaves_it_open(
    sdk: stripe.StripeClient, invoice: stripe.Invoice, browser, card, change: dict[str, str], error: str
) -> None:
    """
    With the reason beside the field.
    """
    page = await browser.send(invoice.hosted_invoice_url, **{**card, **change})

    assert page.status == 422
    assert page.error_at("number").startswith(error)
    assert (await sdk.v1.invoices.retrieve_async(invoice.id)).status == "open"


@pytest.mark.parametrize(("outcome", "status"), [("complete", "paid"), ("fail", "open")])
async def test_a_card_that_asks_goes_by_the_bank(
    sdk: stripe.StripeClient, invoice: stripe.Invoice, browser, card, outcome: str, status: str
) -> None:
    """
    And comes back to the invoice.
    """
    sent = await browser.send(invoice.hosted_invoice_url, **{**card, "number": "4000002760003184"})
    answered = await browser.send(sent.goes_to, outcome=outcome)
    back = await browser.open(answered.goes_to)

    assert answered.goes_to == f"/pages/invoice/{invoice.id}"
    assert (await sdk.v1.invoices.retrieve_async(invoice.id)).status == status
    assert (back.error_at("number") is None) == (status == "paid")


async def test_a_saved_card_pays_at_a_press(
    sdk: stripe.StripeClient, ada: str, invoice: stripe.Invoice, browser
) -> None:
    """
    The button is there once there is a default card.
    """
    before = await browser.open(invoice.hosted_invoice_url)
    method = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": ada})
    await sdk.v1.customers.update_async(ada, {"invoice_settings": {"default_payment_method": method.id}})
    after = await browser.open(invoice.hosted_invoice_url)
    sent = await browser.send(invoice.hosted_invoice_url, saved="yes")

    assert "saved card" not in before.text
    assert "Pay with the saved card" in after.text
    assert sent.status == 303
    assert (await sdk.v1.invoices.retrieve_async(invoice.id)).status == "paid"


async def test_without_a_saved_card_the_press_says_so(invoice: stripe.Invoice, browser) -> None:
    """
    Whoever keeps an old page open.
    """
    page = await browser.send(invoice.hosted_invoice_url, saved="yes")

    assert "no saved card" in page.text


async def test_a_paid_invoice_is_not_paid_again(twin: Twin, invoice: stripe.Invoice, browser, card) -> None:
    """
    A second press finds it paid.
    """
    await browser.send(invoice.hosted_invoice_url, **card)

    again = await browser.send(invoice.hosted_invoice_url, **card)

    assert again.status == 409
    assert twin.store.count("charge") == 1


async def test_a_draft_has_no_page(sdk: stripe.StripeClient, ada: str, browser) -> None:
    """
    It is not finalized yet.
    """
    draft = await sdk.v1.invoices.create_async({"customer": ada})

    assert (await browser.open(f"/pages/invoice/{draft.id}")).status == 404


async def test_the_pdf_says_what_the_page_says(twin: Twin, invoice: stripe.Invoice) -> None:
    """
    A real PDF with number, lines and total; it also says that no money was asked for.
    """
    answer = await twin.respond(Request("GET", f"/pages/invoice/{invoice.id}/pdf"))

    assert invoice.invoice_pdf.endswith(f"/pages/invoice/{invoice.id}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    for text in (invoice.number, "Pro & more", "Total: 599.00 USD", "No money was asked for"):
        assert text.encode() in answer.body


def test_a_pdf_s_table_tells_where_each_object_is() -> None:
    """
    Also with brackets, letters beyond ASCII and more lines than fit.
    """
    written = text_pdf(["(a) \\ größe 学", *(f"line {number}" for number in range(99))])

    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", written)[1])
    places = [int(found) for found in re.findall(rb"(\d{10}) 00000 n ", written[table:])]
    length = int(re.search(rb"/Length (\d+)", written)[1])
    assert [written[place:].split(b"\n")[0] for place in places] == [b"%d 0 obj" % n for n in range(1, len(places) + 1)]
    assert written.index(b"\nendstream") - written.index(b"stream\n") - len(b"stream\n") == length
    assert "(\\(a\\) \\\\ größe ?)".encode("latin-1") in written
    assert b"... and 55 more lines" in written
