"""
A paid invoice of a subscription, at the price of a charge, so that both can be held against the same figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from charges.stage import Stage
from reversals.taking import PRICE, Taking
from rsolv import subscriptions
from rsolv.reversals import Paid
from rsolv.stripe_gateway import Invoice, InvoiceLine
from rsolv.subscriptions import Settled
from subscriptions.stage import Stage as PlanStage


@dataclass(frozen=True)
class Billed(Taking):
    """
    A paid invoice, and the verbs that take it back. Without a charge, `charge_id` is 0.
    """

    plans: PlanStage
    invoice_id: int
    theirs: Invoice

    @property
    def paid(self) -> Paid:
        """
        Return what is taken back.
        """
        return Paid("invoice", self.invoice_id)

    @classmethod
    async def at_first(cls, plans: PlanStage) -> "Billed":
        """
        Subscribe, and return the invoice that this makes: paid at Stripe, unless the card is declined.
        """
        made = await plans.subscribe()
        theirs = await plans.gateway.read_invoice(str(made.latest_invoice_id))
        stage = Stage(plans.database, plans.owner, plans.gateway, plans.twin, plans.acme, plans.bus)
        async with plans.database.transaction() as connection:
            [known] = await subscriptions.list_invoices(connection, customer_id=plans.customer_id, limit=2)
        return cls(stage, 0, plans, known.id, theirs)

    async def another(self, number: int, *, lines: Sequence[InvoiceLine] | None = None, cents: int = PRICE) -> "Billed":
        """
        Have another invoice of the subscription paid: as much as a charge, for one period of sixty credits.
        """
        [line] = self.theirs.lines
        theirs = replace(
            self.theirs,
            id=f"in_{number}",
            state="paid",
            total_cents=cents,
            amount_due_cents=cents,
            amount_paid_cents=cents,
            lines=tuple(lines if lines is not None else [replace(line, id=f"il_{number}")]),
            payments=(replace(self.theirs.payments[0], state="paid", payment_id=f"pi_{number}"),),
        )
        await self.settle(theirs)
        invoice_id = await self.stage.owner.fetchval(
            "SELECT id FROM subscription_invoices WHERE stripe_invoice_id = $1", theirs.id
        )
        return replace(self, invoice_id=invoice_id, theirs=theirs)

    async def settle(self, theirs: Invoice) -> Settled:
        """
        Believe an invoice.
        """
        async with self.stage.database.transaction() as connection:
            return await subscriptions.settle_invoice(connection, self.stage.bus, theirs, now=self.plans.now)

    async def charge(self) -> subscriptions.Invoice:
        """
        Return the invoice as it is.
        """
        async with self.stage.database.reading() as connection:
            found = await subscriptions.get_invoice(
                connection, customer_id=self.customer_id, invoice_id=self.invoice_id
            )
        return found.invoice
