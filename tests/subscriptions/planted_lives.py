"""
Bugs to be planted in a life, each of which leaves one safeguard out: the agreement has to notice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from rsolv import ledger
from rsolv.charges import no_cap
from rsolv.stripe_gateway import Invoice, StripeGateway, Subscription
from subscriptions.life import Life
from subscriptions.stage import Stage


class Misread:
    """
    A gateway that misreads what Stripe says of subscriptions, and is right about everything else.
    """

    def __init__(self, gateway: StripeGateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> object:
        """
        Be the gateway.
        """
        return getattr(self._gateway, name)


class DeafToEnds(Misread):
    """
    An end that does not win: the last word before it is believed for good.
    """

    async def read_subscription(self, stripe_subscription_id: str) -> Subscription:
        """
        Read a subscription as it was while it lived.
        """
        theirs = await self._gateway.read_subscription(stripe_subscription_id)
        return replace(theirs, state="active", ended_at=None) if theirs.state == "canceled" else theirs


class NewestOnly(Misread):
    """
    A look that reads the newest invoice, where months may have passed.
    """

    async def list_invoices(self, *, stripe_customer_id: str, created_since: datetime) -> AsyncIterator[Invoice]:
        """
        List one invoice.
        """
        invoices = self._gateway.list_invoices(stripe_customer_id=stripe_customer_id, created_since=created_since)
        async for invoice in invoices:
            yield invoice
            return


async def an_end_that_does_not_win(life: Life) -> None:
    """
    Believe that what has ended lives on.
    """
    life.stage.gateway = DeafToEnds(life.stage.gateway)


async def the_newest_invoice_only(life: Life) -> None:
    """
    Forget the invoices between two looks.
    """
    life.stage.gateway = NewestOnly(life.stage.gateway)


async def the_plan_kept_after_its_end(life: Life) -> None:
    """
    Leave the plan's price to whom it no longer belongs.
    """
    await life.stage.owner.execute(
        """
        CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.subscription_type := OLD.subscription_type; RETURN NEW; END $$;
        CREATE TRIGGER planted BEFORE UPDATE ON customers FOR EACH ROW
        WHEN (OLD.subscription_type = 'pro' AND NEW.subscription_type = 'pay_as_you_go') EXECUTE FUNCTION planted()
        """
    )


async def credits_with_the_period(life: Life) -> None:
    """
    Give credits when a period begins, before it is paid.
    """

    async def grant(stage: Stage) -> None:
        rows = await stage.owner.fetch("SELECT id, period_starts_at FROM subscriptions WHERE state = 'past_due'")
        for row in rows:
            async with stage.database.transaction() as connection:
                await ledger.grant(
                    connection,
                    customer_id=stage.customer_id,
                    credits=60,
                    source="pro_subscription_payment",
                    cause=ledger.Cause("period", f"{row['id']} {row['period_starts_at']}"),
                )

    life.hearing.wrong = grant


async def a_freeze_that_holds_nothing(life: Life) -> None:
    """
    Charge customers who take their charges back.
    """
    life.hearing.cap = no_cap


BUGS: dict[str, Callable[[Life], Awaitable[None]]] = {
    "credits with the period, not with the paid invoice": credits_with_the_period,
    "an end that does not win": an_end_that_does_not_win,
    "the plan's price kept after its end": the_plan_kept_after_its_end,
    "a look that reads the newest invoice only": the_newest_invoice_only,
    "a freeze that holds nothing": a_freeze_that_holds_nothing,
}
