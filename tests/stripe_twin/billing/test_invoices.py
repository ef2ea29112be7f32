"""
Invoices by hand, their states, previews and payments (docs.stripe.com/billing/invoices/workflow).
"""

HOUR = 3600


async def drafted(shop, customer, *items, **params):
    """
    Draw up an invoice by hand of these amounts.
    """
    for amount in items:
        await shop.v1.invoice_items.create_async({"customer": customer, "amount": amount, "currency": "usd"})
    return await shop.v1.invoices.create_async(
        {"customer": customer, "pending_invoice_items_behavior": "include", **params}
    )


async def test_an_invoice_by_hand_is_finalised_and_paid(shop, acme):
    """
    Draft, open with number and page, paid by the customer's default card.
    """
    draft = await drafted(shop, acme, 700, 300, metadata={"order": "7"})
    shop.events()

    opened = await shop.v1.invoices.finalize_invoice_async(draft.id)
    paid = await shop.v1.invoices.pay_async(draft.id)

    assert (draft.status, draft.total, draft.billing_reason, draft.parent) == ("draft", 1000, "manual", None)
    assert (opened.status, opened.number[-5:], opened.amount_due) == ("open", "-0001", 1000)
    assert opened.hosted_invoice_url.endswith(f"/pages/invoice/{draft.id}")
    assert (paid.status, paid.amount_paid, paid.metadata.to_dict()) == ("paid", 1000, {"order": "7"})
    assert shop.types() == [
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]


async def test_an_invoice_that_advances_by_itself_is_paid_after_an_hour(shop, acme):
    """
    The draft waits its hour like a renewal's.
    """
    draft = await drafted(shop, acme, 700, auto_advance=True)

    shop.pass_time(HOUR)

    assert (await shop.v1.invoices.retrieve_async(draft.id)).status == "paid"


async def test_waiting_items_are_left_out_unless_included(shop, acme):
    """
    An empty invoice comes to nothing and is paid by being finalised.
    """
    draft = await drafted(shop, acme, 700, pending_invoice_items_behavior="exclude")

    paid = await shop.v1.invoices.finalize_invoice_async(draft.id)

    assert (paid.status, paid.total) == ("paid", 0)
    assert len((await shop.v1.invoice_items.list_async({"pending": True})).data) == 1


async def test_an_item_can_be_added_to_a_draft(shop, acme):
    """
    The draft's total grows with it.
    """
    draft = await drafted(shop, acme, 700)
    one_time = await shop.price(250, None)

    await shop.v1.invoice_items.create_async(
        {"customer": acme, "invoice": draft.id, "pricing": {"price": one_time}, "quantity": 2}
    )

    assert (await shop.v1.invoices.retrieve_async(draft.id)).total == 1200


async def test_a_long_invoice_shows_ten_lines_and_lists_all(shop, acme):
    """
    The embedded list says that there is more; the list of lines has pages.
    """
    draft = await drafted(shop, acme, *range(101, 113))

    assert (len(draft.lines.data), draft.lines.has_more) == (10, True)
    first = await shop.v1.invoices.line_items.list_async(draft.id, {"limit": 7})
    seen = [line.amount async for line in first.auto_paging_iter()]
    assert seen == list(range(112, 100, -1))


async def test_an_invoice_paid_elsewhere_is_paid_without_a_charge(shop, acme):
    """
    invoice.paid comes alone, and the payment intent is canceled.
    """
    draft = await drafted(shop, acme, 700)
    await shop.v1.invoices.finalize_invoice_async(draft.id)
    shop.events()

    paid = await shop.v1.invoices.pay_async(draft.id, {"paid_out_of_band": True})

    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", 700)
    assert shop.types() == ["payment_intent.canceled", "invoice.paid"]
    assert (await shop.intent_of(draft.id))["status"] == "canceled"


async def test_a_void_invoice_cannot_be_paid(shop, acme, refusal):
    """
    It is voided with its intent, and stays.
    """
    draft = await drafted(shop, acme, 700)
    await shop.v1.invoices.finalize_invoice_async(draft.id)

    voided = await shop.v1.invoices.void_invoice_async(draft.id)

    assert voided.status == "void"
    assert await refusal(shop.v1.invoices.pay_async(draft.id)) == (400, None, "invoice")
    assert (await shop.intent_of(draft.id))["status"] == "canceled"
    assert "invoice.voided" in shop.types()


async def test_a_forgiven_invoice_counts_as_paid_for_its_subscription(shop, acme):
    """
    Marked uncollectible, it leaves the subscription active, and can still be paid.
    """
    subscription = await shop.subscribe(acme)
    await shop.default_card(acme, "pm_card_chargeCustomerFail")
    shop.pass_to(2026, 2, 2)
    [invoice, _] = await shop.invoices(subscription.id)

    forgiven = await shop.v1.invoices.mark_uncollectible_async(invoice["id"])

    assert (forgiven.status, (await shop.subscription(subscription.id))["status"]) == ("uncollectible", "active")
    assert shop.types()[-2:] == ["invoice.marked_uncollectible", "customer.subscription.updated"]
    await shop.default_card(acme, "pm_card_visa")
    assert (await shop.v1.invoices.pay_async(invoice["id"])).status == "paid"


async def test_voiding_a_first_invoice_ends_what_never_began(shop):
    """
    The incomplete subscription expires.
    """
    subscription = await shop.subscribe(await shop.customer("pm_card_chargeCustomerFail"))

    await shop.v1.invoices.void_invoice_async(subscription.latest_invoice)

    assert (await shop.subscription(subscription.id))["status"] == "incomplete_expired"


async def test_an_amount_too_small_to_charge_waits_on_the_balance(shop, acme):
    """
    Thirty cents are not charged now but with the next invoice.
    """
    paid = await shop.v1.invoices.finalize_invoice_async((await drafted(shop, acme, 30)).id)
    later = await shop.v1.invoices.finalize_invoice_async((await drafted(shop, acme, 100)).id)

    assert (paid.status, paid.amount_due, paid.ending_balance) == ("paid", 0, 30)
    assert (later.starting_balance, later.amount_due) == (30, 130)


async def test_paying_needs_the_customer_when_the_bank_asks(shop, refusal):
    """
    On-session the refusal has a code of its own, and the intent waits for the customer.
    """
    customer = await shop.customer("pm_card_authenticationRequired")
    draft = await drafted(shop, customer, 700)
    await shop.v1.invoices.finalize_invoice_async(draft.id)

    facts = await refusal(shop.v1.invoices.pay_async(draft.id, {"off_session": False}))

    assert facts[:2] == (402, "invoice_payment_intent_requires_action")
    assert (await shop.intent_of(draft.id))["status"] == "requires_action"


async def test_invoice_payments_lead_from_intent_to_invoice_and_back(shop, acme):
    """
    They are listed by invoice, by payment intent and by status.
    """
    subscription = await shop.subscribe(acme)
    [payment] = (await shop.v1.invoice_payments.list_async({"invoice": subscription.latest_invoice})).data
    asked = {"payment": {"type": "payment_intent", "payment_intent": payment.payment.payment_intent}}

    assert [one.id for one in (await shop.v1.invoice_payments.list_async(asked)).data] == [payment.id]
    assert (await shop.v1.invoice_payments.list_async({"status": "open"})).data == []
    assert (await shop.v1.invoice_payments.retrieve_async(payment.id)).invoice == subscription.latest_invoice


async def test_a_new_subscription_is_previewed_as_it_is_then_billed(shop, acme, at):
    """
    Nothing is kept of the preview, and the first invoice is the same.
    """
    price = await shop.price(3100)
    details = {
        "items": [{"price": price, "quantity": 2}],
        "billing_cycle_anchor": {"type": "timestamp", "timestamp": at(2026, 1, 11)},
    }
    shop.events()

    preview = await shop.v1.invoices.create_preview_async({"customer": acme, "subscription_details": details})
    assert (shop.types(), (await shop.v1.invoices.list_async()).data) == ([], [])
    real = await shop.v1.subscriptions.create_async(
        {
            "customer": acme,
            "items": [{"price": price, "quantity": 2}],
            "billing_cycle_anchor": at(2026, 1, 11),
            "expand": ["latest_invoice"],
        }
    )

    assert preview.id.startswith("upcoming_in_")
    assert preview.total == real.latest_invoice.total == 2000
    assert preview.lines.data[0].description == real.latest_invoice.lines.data[0].description


async def test_the_next_invoice_is_previewed_by_subscription_or_customer(shop, acme, refusal):
    """
    What waits and the next period; once the end is set and nothing waits, there is none.
    """
    subscription = await shop.subscribe(acme)
    await shop.v1.invoice_items.create_async({"customer": acme, "amount": 700, "currency": "usd"})

    by_subscription = await shop.v1.invoices.create_preview_async({"subscription": subscription.id})
    by_customer = await shop.v1.invoices.create_preview_async({"customer": acme})
    assert by_subscription.total == by_customer.total == 5600

    [item] = (await shop.v1.invoice_items.list_async()).data
    await shop.v1.invoice_items.delete_async(item.id)
    ending = {"subscription": subscription.id, "subscription_details": {"cancel_at_period_end": True}}
    assert await refusal(shop.v1.invoices.create_preview_async(ending)) == (404, "invoice_upcoming_none", None)


async def test_metadata_changes_always(shop, acme):
    """
    invoice.updated tells of it, after finalisation too.
    """
    draft = await drafted(shop, acme, 700)
    await shop.v1.invoices.finalize_invoice_async(draft.id)
    shop.events()

    updated = await shop.v1.invoices.update_async(draft.id, {"metadata": {"a": "1"}})

    assert (updated.metadata.to_dict(), shop.types()) == ({"a": "1"}, ["invoice.updated"])


async def test_a_description_changes_only_on_a_draft(shop, acme, refusal):
    """
    What was sent to the customer stays as it is.
    """
    draft = await drafted(shop, acme, 700)
    described = await shop.v1.invoices.update_async(draft.id, {"description": "Thanks"})
    await shop.v1.invoices.finalize_invoice_async(draft.id)

    again = shop.v1.invoices.update_async(draft.id, {"description": "Again"})

    assert described.description == "Thanks"
    assert await refusal(again) == (400, "invoice_not_editable", "description")


async def test_a_draft_can_be_let_go_on_by_itself(shop, acme):
    """
    From then on its hour runs.
    """
    draft = await drafted(shop, acme, 700)

    await shop.v1.invoices.update_async(draft.id, {"auto_advance": True})
    shop.pass_time(HOUR)

    assert (await shop.v1.invoices.retrieve_async(draft.id)).status == "paid"


async def test_an_invoices_payment_intent_cannot_be_canceled_alone(shop, acme, refusal):
    """
    The call is refused and undone: the intent still waits.
    """
    draft = await drafted(shop, acme, 700)
    await shop.v1.invoices.finalize_invoice_async(draft.id)
    intent = await shop.intent_of(draft.id)

    facts = await refusal(shop.v1.payment_intents.cancel_async(intent["id"]))

    assert facts == (400, "payment_intent_unexpected_state", None)
    assert (await shop.intent_of(draft.id))["status"] == "requires_payment_method"


async def test_a_deleted_customers_invoice_waits_for_nobody(shop, acme, refusal):
    """
    It neither advances by itself nor can be paid.
    """
    draft = await drafted(shop, acme, 700, auto_advance=True)

    await shop.v1.customers.delete_async(acme)
    shop.pass_time(HOUR)

    assert (await shop.v1.invoices.retrieve_async(draft.id)).status == "draft"
    assert await refusal(shop.v1.invoices.pay_async(draft.id)) == (400, "resource_missing", "customer")
    assert await refusal(shop.v1.invoices.finalize_invoice_async(draft.id)) == (400, "resource_missing", "customer")


async def test_a_waiting_item_can_be_deleted_until_an_invoice_has_it(shop, acme, refusal):
    """
    invoiceitem.deleted tells of it.
    """
    kept = await shop.v1.invoice_items.create_async({"customer": acme, "amount": 700, "currency": "usd"})
    await drafted(shop, acme)
    item = await shop.v1.invoice_items.create_async({"customer": acme, "amount": 300, "currency": "usd"})

    deleted = await shop.v1.invoice_items.delete_async(item.id)

    assert deleted.deleted
    assert "invoiceitem.deleted" in shop.types()
    assert await refusal(shop.v1.invoice_items.delete_async(kept.id)) == (400, None, None)


async def test_a_draft_that_is_to_be_paid_is_finalised_first(shop, acme):
    """
    Paying does both; so does finalising what advances by itself.
    """
    first = await shop.v1.invoices.pay_async((await drafted(shop, acme, 700)).id)
    draft = await drafted(shop, acme, 700)
    second = await shop.v1.invoices.finalize_invoice_async(draft.id, {"auto_advance": True})

    assert (first.status, second.status) == ("paid", "paid")


async def test_the_end_of_a_trial_is_previewed(shop, acme, at):
    """
    Now: the first period at once; moved: the first period from then.
    """
    subscription = await shop.subscribe(acme, trial_period_days=14)

    async def previewed(trial_end):
        details = {"subscription_details": {"trial_end": trial_end}, "subscription": subscription.id}
        return (await shop.v1.invoices.create_preview_async(details)).lines.data[-1]

    now, moved = await previewed("now"), await previewed(at(2026, 3, 1))
    assert (now.amount, now.period.start) == (4900, at(2026, 1, 1))
    assert (moved.amount, moved.period.start, moved.period.end) == (4900, at(2026, 3, 1), at(2026, 4, 1))


async def test_what_will_never_be_invoiced_has_no_preview(shop, acme, refusal):
    """
    A customer without subscriptions, an ended subscription, somebody else's.
    """
    other = await shop.customer()
    subscription = await shop.subscribe(acme)
    preview = shop.v1.invoices.create_preview_async

    foreign = preview({"customer": other, "subscription": subscription.id})
    assert await refusal(foreign) == (400, None, "subscription")
    assert await refusal(preview({"customer": other})) == (404, "invoice_upcoming_none", None)
    await shop.v1.subscriptions.cancel_async(subscription.id)
    assert await refusal(preview({"subscription": subscription.id})) == (404, "invoice_upcoming_none", None)
    recurring = preview({"subscription": subscription.id, "preview_mode": "recurring"})
    assert await refusal(recurring) == (501, None, None)
