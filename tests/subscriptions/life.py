"""
One customer's life in the product: what they do, and what operators and banks do with them.

Each verb acts here and at Stripe and tells the model the same; `require_agreement` insists that all three agree.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from fixes.reports import report
from rsolv import disputes, fixes, ledger, refunds, reversals
from rsolv.audit import Actor
from rsolv.kernel.errors import DomainError
from stripe_twin.core import Record
from stripe_twin.core.account import Call
from stripe_twin.embedded import sdk_client
from stripe_twin.payments import decide_dispute
from stripe_twin.payments.disputes import open_dispute
from subscriptions.hearing import Hearing
from subscriptions.life_model import Card, LifeModel, Refused
from subscriptions.money_model import Payment
from subscriptions.stage import Stage

CARDS: dict[Card, str] = {
    "good": "pm_card_visa",
    "failing": "pm_card_chargeCustomerFail",
    "asking": "pm_card_authenticationRequired",
}
OPERATOR = Actor("operator", "ada")


@dataclass
class Life:
    """
    A customer, the model of them, and how we hear of what happens at Stripe. `steps` counts what was done.
    """

    stage: Stage
    model: LifeModel
    hearing: Hearing
    chance: random.Random
    steps: Counter[str] = field(default_factory=Counter)
    charge_ids: list[int] = field(default_factory=list)

    # --- the customer

    async def subscribe(self) -> None:
        """
        Buy the plan, or be refused.
        """
        await self._do_both("subscribe", self.model.subscribe, self.stage.subscribe)

    async def cancel(self, *, at_period_end: bool) -> None:
        """
        End the plan, or be refused.
        """
        await self._do_both(
            "cancel at period end" if at_period_end else "cancel now",
            lambda: self.model.cancel(at_period_end=at_period_end),
            lambda: self.stage.cancel(at_period_end=at_period_end),
        )

    async def resume(self) -> None:
        """
        Take a scheduled end back, or be refused.
        """
        await self._do_both("resume", self.model.resume, self.stage.resume)

    async def change_card(self, card: Card) -> None:
        """
        Have another default card.
        """
        self.steps[f"card: {card}"] += 1
        await self.stage.add_card(CARDS[card])
        await self.stage.do_card_jobs()
        self.model.change_card(card)

    def open_bills(self) -> list[Record]:
        """
        Return the invoices that can be paid by hand at Stripe, the oldest first.
        """
        bills = [each for each in self.stage.twin.store.all("invoice") if each["status"] == "open"]
        return sorted(bills, key=lambda each: each["created"])

    async def pay_by_hand(self) -> None:
        """
        Pay a bill on Stripe's page with a good card, as who was asked to authenticate does.
        """
        bills = self.open_bills()
        which = self.chance.randrange(len(bills))
        self.steps["bill paid by hand"] += 1
        v1 = sdk_client(self.stage.twin).v1
        method = await v1.payment_methods.attach_async(CARDS["good"], {"customer": bills[which]["customer"]})
        await v1.invoices.pay_async(bills[which]["id"], {"payment_method": method.id, "off_session": False})
        self.model.pay_by_hand(which)

    async def fixes(self, count: int, *, is_spent: bool) -> None:
        """
        Have so many fixes; *is_spent* takes the credits away before.
        """
        if is_spent and self.model.books.credits:
            await self.take_credits()
        for _ in range(count):
            await self.fix()

    async def fix(self) -> None:
        """
        Have a fix deployed, and its charge tried if it comes to one.
        """
        plan_name, _ = await self.stage.customer()
        assert plan_name in self.model.plan_names(), f"on {plan_name}, not {self.model.plan_names()}"
        async with self.stage.database.transaction() as connection:
            stored = await fixes.store_phase(
                connection,
                report(issue_number=sum(self.model.fixes.values()) + 1),
                customer_id=self.stage.customer_id,
                api_key_id=self.stage.acme.key.api_key.id,
                bus=self.stage.bus,
                ownership_required=False,
                now=self.stage.now,
            )
        expected = self.model.fix(plan_name)
        assert stored.billing.status == expected, f"{stored.billing}, not {expected}"
        self.steps[f"fix: {expected}"] += 1
        self.charge_ids += [stored.billing.charge_id] if stored.billing.charge_id is not None else []

    # --- operators and banks

    async def take_credits(self) -> None:
        """
        Bring the balance to nothing, as an operator.
        """
        left = self.model.books.credits
        self.steps["credits taken by an operator"] += 1
        self.model.books.consume(left)
        async with self.stage.database.transaction() as connection:
            await ledger.adjust(
                connection,
                customer_id=self.stage.customer_id,
                credits=-left,
                reason="a life without credits",
                cause=ledger.Cause("life", str(sum(self.steps.values()))),
                now=self.stage.now,
            )

    def refundable(self) -> list[tuple[int, Payment]]:
        """
        Return the charges of fixes of which something can be given back, with their numbers.
        """
        payments = enumerate(self.model.books.payments)
        return [each for each in payments if each[1].left_cents > 2 and not each[1].was_disputed]

    async def refund(self, *, is_whole: bool) -> None:
        """
        Give a paid fix's money back: all that is left, or a third of it.
        """
        number, payment = self.chance.choice(self.refundable())
        cents = payment.left_cents if is_whole else payment.left_cents // 3
        self.steps["refund, whole" if is_whole else "refund, a part"] += 1
        self.model.books.refund(payment, cents)
        async with self.stage.database.transaction() as connection:
            await refunds.ask_refund(
                connection,
                customer_id=self.stage.customer_id,
                paid=reversals.Paid("charge", self.charge_ids[number]),
                amount_cents=cents,
                reason="a wrong fix",
                actor=OPERATOR,
                now=self.stage.now,
            )

    def disputable(self) -> list[tuple[int, Payment]]:
        """
        Return the paid charges of fixes of which nothing was taken back, with their numbers.
        """
        return [each for each in self.refundable() if each[1].refunded_cents == 0]

    async def dispute(self) -> None:
        """
        Have the customer's bank take a paid fix's money back.
        """
        number, payment = self.chance.choice(self.disputable())
        self.steps["dispute"] += 1
        self.model.books.withdraw(payment)
        intent = await self._payment_id(number)
        twin = self.stage.twin
        paid = [each for each in twin.store.all("charge") if each["payment_intent"] == intent and each["paid"]]
        with twin.store.unit():
            twin.account.begin(Call())
            open_dispute(twin.account, paid[0], "fraudulent")
        await self.hearing.dispute(intent)

    async def undecided(self) -> list[tuple[Payment, Record]]:
        """
        Return the disputes that the bank has not decided, with the charges they are about.
        """
        payments = enumerate(self.model.books.payments)
        away = {await self._payment_id(number): payment for number, payment in payments if payment.is_away}
        records = self.stage.twin.store.all("dispute")
        return [(away[each["payment_intent"]], each) for each in records if each["status"] == "needs_response"]

    async def decide(self, *, won: bool) -> None:
        """
        Have the bank decide a dispute, if one is open.
        """
        for payment, record in (await self.undecided())[:1]:
            self.steps["dispute won" if won else "dispute lost"] += 1
            with self.stage.twin.store.unit():
                self.stage.twin.account.begin(Call())
                decide_dispute(self.stage.twin.account, record["id"], won=won)
            if won:
                self.model.books.give_back(payment)
                self.model.collect()
            await self.hearing.dispute(record["payment_intent"])

    async def release(self) -> None:
        """
        Let the customer be charged again in spite of their disputes, as an operator.
        """
        self.steps["freeze lifted by an operator"] += 1
        async with self.stage.database.transaction() as connection:
            await disputes.release(
                connection,
                customer_id=self.stage.customer_id,
                actor=OPERATOR,
                reason="paid by transfer",
                now=self.stage.now,
            )
        self.model.books.release()
        self.model.collect()

    async def _payment_id(self, number: int) -> str:
        sql = "SELECT stripe_payment_id FROM charge_intents WHERE id = $1"
        return str(await self.stage.owner.fetchval(sql, self.charge_ids[number]))

    async def _do_both(self, name: str, ours: Callable[[], None], act: Callable[[], Awaitable[object]]) -> None:
        """
        Do something in the model and in the product: both do it, or both refuse.
        """
        is_done = {"the model": False, "the product": False}
        with suppress(Refused):
            ours()
            is_done["the model"] = True
        with suppress(DomainError):
            await act()
            is_done["the product"] = True
        self.steps[name if is_done["the model"] else f"{name}: refused"] += 1
        assert len(set(is_done.values())) == 1, f"{name}: {is_done}"
