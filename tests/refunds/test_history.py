"""
Whatever we, Stripe, banks and webhooks do to a charge, in any order.

Never more goes back than was paid, and in the end the books say what Stripe says.
"""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charges.stage import NOW, SECOND, Stage
from refunds.giving import Giving
from reversals.taking import PRICE, Taking
from rsolv import refunds, reversals, stripe_gateway
from rsolv.refunds.rules import in_order
from stripe_twin.payments.refunds import fail_refund

AMOUNTS = (500, 967, PRICE)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "at_stripe", "work", "work", "hear", "hear", "fail", "undo", "dispute", "win"]),
        st.integers(min_value=0, max_value=20),
    ),
    max_size=14,
)


class History:
    """
    A paid charge, and what is done to it; *number* chooses the amount, or which of the earlier readings is heard.
    """

    def __init__(self, giving: Giving) -> None:
        self.giving = giving
        self.readings: list[stripe_gateway.Refund] = []
        self.acts = {
            "ask": self.ask,
            "at_stripe": self.at_stripe,
            "work": self.work,
            "hear": self.hear,
            "fail": self.fail,
            "undo": self.undo,
            "dispute": self.dispute,
            "win": self.win,
        }

    async def ask(self, number: int) -> None:
        """
        An operator asks for a part, or all.
        """
        with suppress(refunds.RefundExceedsCharge, refunds.ChargeDisputed):
            await self.giving.ask(AMOUNTS[number % 3])

    async def at_stripe(self, number: int) -> None:
        """
        Somebody gives money back on Stripe's pages.
        """
        with suppress(stripe_gateway.GatewayMisused):
            await self.giving.make_at_stripe(AMOUNTS[number % 3], key=f"{self.giving.charge_id}/{len(self.readings)}")

    async def work(self, _number: int) -> None:
        """
        The worker goes on with all that waits, whenever that is.
        """
        for refund in await self.giving.all():
            await self.giving.advance(refund.id, at=max(NOW, refund.wake_at or NOW) + SECOND)

    async def hear(self, number: int) -> None:
        """
        A webhook brings what was read some time ago.
        """
        for reading in self.readings[number % (len(self.readings) or 1) :][:1]:
            await self.giving.believe(reading)

    async def fail(self, number: int) -> None:
        """
        A bank sends money back to us.
        """
        twin = self.giving.stage.twin
        ids = [each["id"] for each in twin.store.all("refund") if each["payment_intent"] == self.giving.payment_id]
        for refund_id in ids[number % (len(ids) or 1) :][:1]:
            with twin.store.unit():
                fail_refund(twin.account, refund_id)

    async def undo(self, _number: int) -> None:
        """
        An operator undoes the fix, once.
        """
        state = await self.giving.stage.owner.fetchval(
            "SELECT f.state FROM fixes f JOIN charge_debts d ON d.fix_id = f.id WHERE d.id = "
            "(SELECT debt_id FROM charge_intents WHERE id = $1)",
            self.giving.charge_id,
        )
        for _ in {"consumed"} & {state}:
            await self.giving.taking.reverse_fix()

    async def dispute(self, _number: int) -> None:
        """
        The customer's bank takes a part.
        """
        with suppress(reversals.ReversalExceedsPayment):
            await self.giving.taking.take(1_000, f"dp_{self.giving.charge_id}", kind="dispute")

    async def win(self, _number: int) -> None:
        """
        It gives that back, for good.
        """
        await self.giving.taking.restore(f"dp_{self.giving.charge_id}", kind="dispute")

    async def read(self) -> None:
        """
        Read what Stripe says now.
        """
        self.readings += await self.giving.stage.gateway.list_refunds(self.giving.payment_id)

    async def end(self) -> None:
        """
        Let everything come to rest: the dispute is won, the worker works, and the last truth is heard.
        """
        await self.win(0)
        for theirs in in_order(await self.giving.stage.gateway.list_refunds(self.giving.payment_id)):
            await self.giving.believe(theirs)
        for refund in await self.giving.all():
            await self.giving.finish(refund.id)


@given(acts=ACTS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_of_asking_failing_and_hearing_ends_as_stripe_says(
    stage: Stage, acts: list[tuple[str, int]]
) -> None:
    """
    M-09 after each step; at the end what went back here is what went back there.
    """
    await Taking(stage, 0).empty()
    giving = await Giving.of_a_new_charge(stage)
    history = History(giving)

    for act, number in acts:
        await history.acts[act](number)
        await history.read()
        assert await giving.breaches() == []
    await history.end()

    payment = await stage.gateway.read_payment(giving.payment_id)
    assert (await giving.taking.charge()).amount_refunded_cents == payment.amount_refunded_cents
    assert await giving.breaches() == []
