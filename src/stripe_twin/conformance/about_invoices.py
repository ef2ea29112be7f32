"""
Questions about invoices.
"""

from typing import Any

import stripe

from stripe_twin.conformance.questions import Facts, Questions, plain, refusal
from stripe_twin.scenarios import Stage, props

questions = Questions()

_OBJECT = "docs.stripe.com/api/invoices/object"
_WORKFLOW = "docs.stripe.com/billing/invoices/workflow"
_PAY = "docs.stripe.com/api/invoices/pay"


async def _drawn_up(stage: Stage, customer_id: str, amount: int = 2900) -> stripe.Invoice:
    invoice = await stage.sdk.v1.invoices.create_async({"customer": customer_id, "auto_advance": False})
    await stage.sdk.v1.invoice_items.create_async(
        {"customer": customer_id, "invoice": invoice.id, "amount": amount, "currency": "usd"}
    )
    return invoice


async def _open(stage: Stage, customer_id: str) -> stripe.Invoice:
    return await stage.sdk.v1.invoices.finalize_invoice_async((await _drawn_up(stage, customer_id)).id)


async def _told(stage: Stage, before: str | None, invoice_id: str) -> list[str]:
    await stage.awaited(lambda: stage.event_since(before, "invoice.paid", invoice_id))
    paid = {"invoice.paid", "invoice.payment_succeeded"}
    events = await stage.events_since(before)
    return sorted(event.type for event in events if event.data.object["id"] == invoice_id and event.type in paid)


@questions.on(
    "docs.stripe.com/changelog/basil",
    parent="subscription_details",
    names_subscription=True,
    metadata={"plan": "pro"},
    line_names_price=True,
    old_fields=[],
)
async def an_invoice_names_its_subscription_in_its_parent(stage: Stage) -> Facts:
    """
    With a snapshot of its metadata; the old fields are gone.
    """
    customer, price = await props.paying_customer(stage), await props.monthly_price(stage)
    made = await props.subscription(stage, customer.id, price, metadata={"plan": "pro"})
    invoice = plain(await stage.sdk.v1.invoices.retrieve_async(props.latest_invoice_id(made)))
    details, line = invoice["parent"]["subscription_details"], invoice["lines"]["data"][0]
    return {
        "parent": invoice["parent"]["type"],
        "names_subscription": details["subscription"] == made.id,
        "metadata": details["metadata"],
        "line_names_price": line["pricing"]["price_details"]["price"] == price,
        "old_fields": sorted({"subscription", "payment_intent", "charge", "paid"} & invoice.keys()),
    }


@questions.on("docs.stripe.com/api/invoice-payment", status="paid", amount=2900, found_again=True)
async def an_invoice_payment_links_invoice_and_intent(stage: Stage) -> Facts:
    """
    It is found from either side.
    """
    customer = await props.paying_customer(stage)
    invoice_id = props.latest_invoice_id(await props.subscription(stage, customer.id))
    payments = stage.sdk.v1.invoice_payments
    one = (await payments.list_async({"invoice": invoice_id})).data[0]
    intent_id = props.id_of(one.payment.payment_intent)
    other: Any = {"payment": {"type": "payment_intent", "payment_intent": intent_id}}
    found = (await payments.list_async(other)).data
    return {
        "status": one.status,
        "amount": one.amount_paid,
        "found_again": [props.id_of(payment.invoice) for payment in found] == [invoice_id],
    }


@questions.on(_WORKFLOW, draft=["draft", None, None], open=["open", True, True], due=2900)
async def finalising_numbers_an_invoice(stage: Stage) -> Facts:
    """
    A draft has neither number nor page.
    """
    customer = await props.paying_customer(stage)
    draft = await _drawn_up(stage, customer.id)
    finalised = await stage.sdk.v1.invoices.finalize_invoice_async(draft.id)
    return {
        "draft": [draft.status, draft.number, draft.hosted_invoice_url],
        "open": [finalised.status, bool(finalised.number), bool(finalised.hosted_invoice_url)],
        "due": finalised.amount_due,
    }


@questions.on(_PAY, status="paid", events=["invoice.paid", "invoice.payment_succeeded"])
async def an_invoice_paid_by_card_is_told_twice(stage: Stage) -> Facts:
    """
    By both paid events.
    """
    invoice = await _open(stage, (await props.paying_customer(stage)).id)
    before = await stage.latest_event_id()
    paid = await stage.sdk.v1.invoices.pay_async(invoice.id)
    return {"status": paid.status, "events": await _told(stage, before, invoice.id)}


@questions.on(_PAY, status="paid", events=["invoice.paid"])
async def an_invoice_paid_elsewhere_is_told_once(stage: Stage) -> Facts:
    """
    Out of band there was no attempt at payment: invoice.paid alone.
    """
    invoice = await _open(stage, (await props.customer(stage)).id)
    before = await stage.latest_event_id()
    paid = await stage.sdk.v1.invoices.pay_async(invoice.id, {"paid_out_of_band": True})
    return {"status": paid.status, "events": await _told(stage, before, invoice.id)}


@questions.refused("[K]")
async def a_paid_invoice_cannot_be_paid_again(stage: Stage) -> None:
    """
    No code is known of it.
    """
    invoice = await _open(stage, (await props.paying_customer(stage)).id)
    await stage.sdk.v1.invoices.pay_async(invoice.id)
    await stage.sdk.v1.invoices.pay_async(invoice.id)


@questions.on(_PAY, status=402, code="card_declined", invoice="open", attempts=1)
async def a_declined_invoice_stays_open(stage: Stage) -> Facts:
    """
    The call is refused, the attempt counted.
    """
    invoice = await _open(stage, (await props.paying_customer(stage, "pm_card_chargeCustomerFail")).id)
    told = await refusal(stage.sdk.v1.invoices.pay_async(invoice.id))
    left = await stage.sdk.v1.invoices.retrieve_async(invoice.id)
    return {
        "status": told["status"],
        "code": told["code"],
        "invoice": left.status,
        "attempts": left.attempt_count,
    }


@questions.on(_WORKFLOW, status="void", intent="canceled", pay=400)
async def a_void_invoice_is_never_paid(stage: Stage) -> Facts:
    """
    Its payment intent is canceled with it.
    """
    invoice = await _open(stage, (await props.paying_customer(stage)).id)
    intent_id = await props.intent_of_invoice(stage, invoice.id)
    voided = await stage.sdk.v1.invoices.void_invoice_async(invoice.id)
    return {
        "status": voided.status,
        "intent": (await stage.sdk.v1.payment_intents.retrieve_async(intent_id)).status,
        "pay": (await refusal(stage.sdk.v1.invoices.pay_async(invoice.id)))["status"],
    }


@questions.on(_OBJECT, embedded=10, has_more=True, listed=12, total=1200)
async def an_invoice_shows_ten_lines(stage: Stage) -> Facts:
    """
    The others are in the list of its lines [K: ten].
    """
    customer = await props.customer(stage)
    invoice = await _drawn_up(stage, customer.id, 100)
    for _ in range(11):
        await stage.sdk.v1.invoice_items.create_async(
            {"customer": customer.id, "invoice": invoice.id, "amount": 100, "currency": "usd"}
        )
    shown = await stage.sdk.v1.invoices.retrieve_async(invoice.id)
    lines = await stage.sdk.v1.invoices.line_items.list_async(invoice.id, {"limit": 100})
    return {
        "embedded": len(shown.lines.data),
        "has_more": shown.lines.has_more,
        "listed": len(lines.data),
        "total": shown.total,
    }


@questions.refused(
    "docs.stripe.com/tax/customer-locations", code="customer_tax_location_invalid", param="automatic_tax[enabled]"
)
async def tax_needs_a_location(stage: Stage) -> None:
    """
    A taxed subscription is refused to a customer who is nowhere [K: the param].
    """
    customer = await props.paying_customer(stage)
    await props.subscription(stage, customer.id, automatic_tax={"enabled": True})
