"""
A card that is added while a renewal is past due pays it at once, and once.
"""

import asyncio
from datetime import timedelta

import pytest

from factories.cards import do_jobs
from rsolv.jobs import JobCall
from rsolv.kernel import clock
from rsolv.stripe_gateway import Invoice, StripeGateway
from rsolv.subscriptions.service.pay_open_invoice import pay_open_invoice
from rsolv.worker import handled_jobs
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from subscriptions.stage import Stage

GOOD, POOR, ASKING = "pm_card_mastercard", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"
PAY = "subscription.pay_invoice"
CALLS = {"read-subscription": 0, "read-invoice": 1, "pay": 2, "look": 3, "look-at-invoices": 4}


async def fall_due(stage: Stage) -> None:
    """
    Subscribe, and have the renewal declined.
    """
    await stage.subscribe()
    await stage.add_card(POOR)
    await stage.do_card_jobs()
    await stage.live(timedelta(days=31, hours=3))
    assert (await stage.newest()).state == "past_due"


async def do_pay_jobs(stage: Stage) -> int:
    """
    Do what is promised about the open invoice.
    """
    return await do_jobs(stage.owner, stage.database, stage.gateway, stage.bus, kind=PAY)


async def require_two_periods(stage: Stage) -> None:
    """
    Insist on two periods, each paid and credited once, here and at Stripe.
    """
    found = await stage.newest()
    assert (found.state, stage.theirs()[0]["status"]) == ("active", "active")
    assert [invoice["status"] for invoice in stage.twin.store.all("invoice")] == ["paid", "paid"]
    assert (await stage.credits(), stage.paid_cents()) == (2 * found.period_credits, 2 * found.price_cents)
    await stage.require_sound_books()


async def test_a_new_card_pays_the_open_invoice_at_once(stage: Stage) -> None:
    """
    No day passes, no event is heard; the customer has the plan, the credits, and the news.
    """
    await fall_due(stage)

    await stage.add_card(GOOD)
    await stage.do_card_jobs()

    assert await do_pay_jobs(stage) == 1
    await require_two_periods(stage)
    assert await stage.customer() == (stage.plan, "active")
    assert (await stage.notices())[-1] == "recovered"


async def test_where_nothing_is_past_due_a_new_card_is_not_charged(stage: Stage) -> None:
    """
    Nothing is promised; and a promise from before somebody paid does nothing.
    """
    await stage.subscribe()
    await stage.add_card(GOOD)
    await stage.do_card_jobs()
    assert await do_pay_jobs(stage) == 0

    await fall_due_by_another_card(stage)
    await stage.add_card("pm_card_visa")
    await stage.do_card_jobs()
    await stage.pay_open_invoice("pm_card_amex")

    assert await do_pay_jobs(stage) == 1
    await require_two_periods(stage)


async def fall_due_by_another_card(stage: Stage) -> None:
    await stage.add_card(POOR)
    await stage.do_card_jobs()
    await stage.live(timedelta(days=31, hours=3))


@pytest.mark.parametrize(("card", "notice"), [(POOR, "payment_failed"), (ASKING, "action_needed")])
async def test_a_card_that_does_not_pay_is_an_outcome(stage: Stage, card: str, notice: str) -> None:
    """
    The job is done, the customer is told once and has a page to go to; the next card pays.
    """
    await fall_due(stage)

    await stage.add_card(card)
    await stage.do_card_jobs()
    done = await do_pay_jobs(stage)

    found = await stage.newest()
    assert (done, found.state, stage.paid_cents()) == (1, "past_due", found.price_cents)
    assert found.action_url is not None
    assert (await stage.notices())[-1] == notice
    await stage.require_sound_books()
    await stage.add_card(GOOD)
    await stage.do_card_jobs()
    await do_pay_jobs(stage)
    await require_two_periods(stage)


@pytest.mark.parametrize("keys", ["kept", "forgotten"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_leaves_one_payment(stage: Stage, kind: FaultKind, call: int, keys: str) -> None:
    """
    The queue repeats the job until it is done; also where Stripe remembers no keys.
    """
    await fall_due(stage)
    await stage.add_card(GOOD)
    await stage.do_card_jobs()
    stage.twin.api.keys.is_on = keys == "kept"
    fault = Fault(kind, skip=call)
    stage.twin.faults.plan([fault])

    await stage.until_it_works(lambda: do_pay_jobs(stage))

    assert fault.times == 0
    await require_two_periods(stage)


async def test_two_at_once_pay_once(stage: Stage) -> None:
    """
    Both read that it is open; Stripe has one payment for it.
    """
    await fall_due(stage)
    await stage.add_card(GOOD)
    await stage.do_card_jobs()

    async def pay(job_id: int) -> None:
        await pay_open_invoice(
            stage.database,
            stage.gateway,
            stage.bus,
            customer_id=stage.customer_id,
            job_id=job_id,
            tries=1,
            now=stage.now,
        )

    await asyncio.gather(*(pay(job_id) for job_id in (1, 2, 3)))

    await require_two_periods(stage)


async def test_while_billing_is_off_nothing_is_charged_at_once(stage: Stage) -> None:
    """
    The promise is kept by doing nothing; Stripe's own next try collects by the new card.
    """
    await fall_due(stage)
    await stage.add_card(GOOD)
    await stage.do_card_jobs()
    off = handled_jobs(stage.database, stage.gateway, stage.bus, billing_enabled=False)

    await off[PAY](JobCall(job_id=1, ids={"customer_id": stage.customer_id}, tries=1))

    assert (await stage.newest()).state == "past_due"
    await stage.live(timedelta(days=8))
    await require_two_periods(stage)


class PaidBesideTheInvoice:
    """
    A gateway with the planted bug: it collects the amount by a payment of its own, and the invoice stays open.
    """

    def __init__(self, gateway: StripeGateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> object:
        return getattr(self._gateway, name)

    async def pay_invoice(self, invoice_id: str, *, payment_method_id: str, key: str) -> Invoice:
        """
        Charge what is due.
        """
        invoice = await self._gateway.read_invoice(invoice_id)
        payment = await self._gateway.create_payment(
            stripe_customer_id=invoice.stripe_customer_id or "",
            amount_cents=invoice.amount_remaining_cents,
            currency=invoice.currency,
            payment_method_id=payment_method_id,
            description="The renewal",
            metadata={},
            key=f"{key}-create",
        )
        await self._gateway.confirm_payment(payment.id, payment_method_id=payment_method_id, key=f"{key}-confirm")
        return invoice


async def test_planted_bug_a_payment_beside_the_invoice_is_made_twice(stage: Stage) -> None:
    """
    What makes it once is that the invoice is what is paid; the check of these tests notices where it is not.
    """
    await fall_due(stage)
    await stage.add_card(GOOD)
    await stage.do_card_jobs()
    careless = stage.with_gateway(PaidBesideTheInvoice(stage.gateway))

    for job_id in (1, 2):
        await pay_open_invoice(
            stage.database,
            careless.gateway,
            stage.bus,
            customer_id=stage.customer_id,
            job_id=job_id,
            tries=1,
            now=clock.now(),
        )

    assert stage.paid_cents() == 3 * (await stage.newest()).price_cents
    with pytest.raises(AssertionError):
        await require_two_periods(stage)
