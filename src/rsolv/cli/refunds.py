"""
`rsolv refunds`: give money back.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from rsolv import refunds
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.refunds import Refund
from rsolv.reversals import paid_by
from rsolv.usage import money

app = typer.Typer(help="Give money back, and see what became of it.", no_args_is_help=True)

ChargeId = Annotated[int | None, typer.Argument(metavar="CHARGE", help="The charge's id.")]
InvoiceId = Annotated[int | None, typer.Option("--invoice", help="In place of a charge: the invoice's id.")]
RefundId = Annotated[int, typer.Argument(metavar="REFUND", help="The refund's id.")]
Customer = Annotated[str, typer.Option("--customer", help="Whose it is: an id or an e-mail address.")]
Amount = Annotated[str, typer.Option(help="How much, as in 14.50, or `whole`: what is left of it.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the refund and in the audit record.")]
ActId = Annotated[str | None, typer.Option("--act", help="Your id of this act: repeating it asks for nothing more.")]
_WHOLE = "whole"


@app.command()
def create(
    charge_id: ChargeId = None,
    *,
    customer: Customer,
    reason: Reason,
    invoice_id: InvoiceId = None,
    amount: Amount = _WHOLE,
    act_id: ActId = None,
    json_output: Json = False,
) -> None:
    """
    Ask that a charge or an invoice be refunded, in whole or in part; the worker does it, and `show` tells the outcome.

    A refund never ends a subscription.

    Examples: `rsolv refunds create 41 --customer 7 --reason "wrong fix"`,
    `rsolv refunds create --invoice 12 --customer ada@example.com --amount 14.50 --reason goodwill --act ticket-12`.
    """
    if (charge_id is None) == (invoice_id is None):
        raise typer.BadParameter("name a charge, or an invoice by --invoice")
    paid = paid_by(charge_id=charge_id, invoice_id=invoice_id)
    cents = _cents(amount)
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> Refund:
            async with database.transaction() as connection:
                return await refunds.ask_refund(
                    connection,
                    customer_id=(await get_by_name(connection, customer)).id,
                    paid=paid,
                    amount_cents=cents,
                    reason=reason,
                    actor=operator(),
                    act=act_id,
                    now=clock.now(),
                )

        refund = with_database(act)
        show(refund, as_json=json_output, as_text=lambda: _as_text(refund))


@app.command("list")
def list_(who: Who, *, limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20, json_output: Json = False) -> None:
    """
    List a customer's refunds, newest first, also those made at Stripe.

    Examples: `rsolv refunds list 7`, `rsolv refunds list ada@example.com --limit 100 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[Refund]:
            async with database.reading() as connection:
                customer = await get_by_name(connection, who)
                return await refunds.list_refunds(connection, customer_id=customer.id, limit=limit)

        found = with_database(act)
        show(found, as_json=json_output, as_text=lambda: _as_table(found))


@app.command("show")
def show_refund(refund_id: RefundId, *, customer: Customer, json_output: Json = False) -> None:
    """
    Show a refund: how far it is, and why it failed if it did.

    Examples: `rsolv refunds show 3 --customer 7`, `rsolv refunds show 3 --customer ada@example.com --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> Refund:
            async with database.reading() as connection:
                found = await get_by_name(connection, customer)
                return await refunds.get_refund(connection, customer_id=found.id, refund_id=refund_id)

        refund = with_database(act)
        show(refund, as_json=json_output, as_text=lambda: _as_text(refund))


def _cents(amount: str) -> int | None:
    """
    Read an amount of money; None is the whole.
    """
    if amount == _WHOLE:
        return None
    try:
        cents = Decimal(amount).scaleb(2)
    except InvalidOperation:
        raise typer.BadParameter(f"{amount} is neither an amount, as in 14.50, nor `{_WHOLE}`") from None
    if not cents.is_finite() or cents != int(cents) or cents <= 0:
        raise typer.BadParameter("an amount is above nothing, and has two decimals at most")
    return int(cents)


def _as_text(refund: Refund) -> str:
    amount = money(refund.amount_cents, refund.currency)
    why = refund.failure_reason or refund.parked_reason
    return f"Refund {refund.id} of {amount} of {refund.paid}: {refund.state}{f' ({why})' if why else ''}."


def _as_table(found: list[Refund]) -> str:
    headings = ["id", "asked", "of", "amount", "state", "asked by", "reason"]
    rows: list[list[object]] = [
        [
            each.id,
            f"{each.asked_at:%Y-%m-%d %H:%M}",
            str(each.paid),
            money(each.amount_cents, each.currency),
            each.state,
            each.asked_by,
            each.failure_reason or each.parked_reason or each.reason,
        ]
        for each in found
    ]
    return table(headings, rows)
