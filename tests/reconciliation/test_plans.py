"""
Subscriptions and invoices at Stripe, and ours.
"""

from datetime import timedelta

import pytest

from reconciliation.stage import INVARIANTS, Office, classes
from rsolv import ledger
from rsolv.reconciliation import Report
from stripe_twin.embedded import sdk_client
from subscriptions.stage import Stage, set_stage

MONTH = timedelta(days=31)


@pytest.fixture
async def pro(office: Office) -> Stage:
    """
    Acme, subscribed to the plan that renews, nothing yet to be settled.
    """
    stage = await set_stage(office.database, office.owner, office.gateway, office.twin)
    await stage.subscribe()
    return stage


async def compare(office: Office, stage: Stage, *, back: timedelta = timedelta(days=40)) -> Report:
    """
    Compare as the daily run does.
    """
    return await office.reconcile(since=stage.now - back, now=stage.now)


async def test_a_subscription_and_its_invoice_agree(office: Office, pro: Stage) -> None:
    """
    Its payment is explained by the invoice, and by no charge.
    """
    report = await compare(office, pro)

    assert (report.kinds["subscription"].agreeing, report.kinds["invoice"].agreeing) == (1, 1)
    assert (report.kinds["payment"].foreign, report.differences) == (1, [])


async def test_a_renewal_nobody_heard_of_is_settled_with_its_credits(office: Office, pro: Stage) -> None:
    """
    Once, whatever comes afterwards.
    """
    before = await pro.credits()
    pro.pass_time(MONTH + timedelta(hours=2))

    report = await compare(office, pro)
    await compare(office, pro)

    assert (report.kinds["invoice"].settled, report.kinds["subscription"].settled) == (1, 1)
    assert report.differences == []
    assert await pro.credits() == 2 * before
    assert ledger.breached(await ledger.verify(office.owner, INVARIANTS)) == []


async def test_an_end_nobody_heard_of_is_followed(office: Office, pro: Stage) -> None:
    """
    The customer pays as they go from then on.
    """
    (theirs,) = pro.theirs()
    await office.gateway.cancel_subscription(theirs["id"])

    report = await compare(office, pro)

    assert (report.kinds["subscription"].settled, report.differences) == (1, [])
    assert (await pro.newest()).state == "canceled"


async def test_a_short_look_leaves_older_subscriptions_to_the_long_one(office: Office, pro: Stage) -> None:
    """
    They would take a call each, every hour.
    """
    pro.pass_time(timedelta(days=2))

    report = await compare(office, pro, back=timedelta(hours=3))

    assert report.kinds["subscription"].compared == 0


@pytest.mark.parametrize(
    ("kind", "klass", "changed"),
    [
        ("subscription", "owner", {"customer": "cus_another"}),
        ("invoice", "owner", {"customer": "cus_another"}),
        ("invoice", "currency", {"currency": "eur"}),
        ("invoice", "amount", {"amount_paid": 1}),
        ("invoice", "missing_there", {"status": "void"}),
    ],
)
async def test_what_says_otherwise_is_told(
    office: Office, pro: Stage, kind: str, klass: str, changed: dict[str, object]
) -> None:
    """
    And moves nothing.
    """
    (theirs,) = office.twin.store.all(kind)
    before = await pro.credits(), await pro.received_cents()
    office.edit(kind, theirs["id"], **changed)

    report = await compare(office, pro)

    assert (kind, klass, theirs["id"]) in classes(report.differences)
    assert (await pro.credits(), await pro.received_cents()) == before


async def test_a_price_that_somebody_changed_at_stripe_is_told(office: Office, pro: Stage) -> None:
    """
    What is paid is no longer what was agreed to.
    """
    (theirs,) = pro.theirs()
    price = await office.gateway.create_monthly_price(
        lookup_key="other", label="Other", amount_cents=100, currency="usd", key="other"
    )
    item = theirs["items"]["data"][0]["id"]
    await sdk_client(office.twin).v1.subscriptions.update_async(
        theirs["id"], {"items": [{"id": item, "price": price.id}], "proration_behavior": "none"}
    )

    report = await compare(office, pro)

    assert ("subscription", "amount", theirs["id"]) in classes(report.differences)


async def test_what_stripe_lost_is_told(office: Office, pro: Stage) -> None:
    """
    The subscription, and the money of its invoice.
    """
    (theirs,), (invoice,) = pro.theirs(), office.twin.store.all("invoice")
    office.lose("subscription", theirs["id"])
    office.lose("invoice", invoice["id"])

    report = await compare(office, pro)

    assert {("subscription", "missing_there", theirs["id"]), ("invoice", "missing_there", invoice["id"])} <= classes(
        report.differences
    )


async def test_a_second_subscription_with_the_same_marks_is_a_duplicate(office: Office, pro: Stage) -> None:
    """
    Bought twice by a lost answer and a forgotten key: who would pay twice from now on is found at once.
    """
    (theirs,) = pro.theirs()
    ours = await pro.newest()
    second = await office.gateway.open_subscription(
        stripe_customer_id=theirs["customer"],
        price_id=ours.stripe_price_id,
        quantity=1,
        payment_method_id=theirs["default_payment_method"],
        metadata=dict(theirs["metadata"]),
        key="another key",
    )

    report = await compare(office, pro)

    assert ("subscription", "duplicate", second.id) in classes(report.differences)
    (found,) = [each for each in await office.open_discrepancies() if each.kind == "subscription"]
    assert (found.customer_id, found.amount_cents) == (pro.customer_id, ours.price_cents)


async def test_a_subscription_made_by_hand_is_nobodys_concern(office: Office, pro: Stage) -> None:
    """
    It has no mark of ours.
    """
    (theirs,) = pro.theirs()
    await office.gateway.open_subscription(
        stripe_customer_id=theirs["customer"],
        price_id=(await pro.newest()).stripe_price_id,
        quantity=1,
        payment_method_id=theirs["default_payment_method"],
        metadata={},
        key="by hand",
    )

    report = await compare(office, pro)

    assert [each for each in report.differences if each.kind == "subscription"] == []
    assert report.kinds["subscription"].foreign == 1


async def test_a_refund_of_an_invoice_nobody_heard_of_is_taken_in(office: Office, pro: Stage) -> None:
    """
    Its money and its share of the credits go back; compared again it agrees.
    """
    before = await pro.credits()
    (paid,) = [each for each in office.twin.store.all("payment_intent") if each["status"] == "succeeded"]
    await office.gateway.refund_payment(
        paid["id"], amount_cents=paid["amount"] // 2, reason="duplicate", metadata={}, key="by hand"
    )

    report = await compare(office, pro)

    assert (report.kinds["refund"].settled, report.differences) == (1, [])
    assert await pro.credits() == before - before // 2
    assert (await compare(office, pro)).kinds["refund"].agreeing == 1
    assert ledger.breached(await ledger.verify(office.owner, INVARIANTS)) == []
