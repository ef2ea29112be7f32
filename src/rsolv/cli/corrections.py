"""
`rsolv ledger adjust` and `rsolv ledger reverse`: correct the books by adding to them.
"""

import uuid
from typing import Annotated

import typer

from rsolv import fixes, ledger, reversals
from rsolv.audit import record
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show
from rsolv.db import Database
from rsolv.kernel import clock

Reason = Annotated[str, typer.Option(help="Why; kept with the posting and in the audit record.")]
ActId = Annotated[str | None, typer.Option("--act", help="Your id of this act: repeating it changes nothing more.")]


def adjust(who: Who, credits: int, *, reason: Reason, act_id: ActId = None, json_output: Json = False) -> None:
    """
    Give credits, or with a negative number take them, for a reason.

    Examples: `rsolv ledger adjust 7 10 --reason "outage"`, `rsolv ledger adjust 7 --reason typo -- -5`.
    """
    if credits == 0:
        raise typer.BadParameter("an adjustment moves at least one credit")
    cause = _cause(act_id)

    async def act(database: Database) -> ledger.Posted:
        async with database.transaction() as connection:
            customer = await get_by_name(connection, who)
            posted = await ledger.adjust(
                connection, customer_id=customer.id, credits=credits, reason=reason, cause=cause, now=clock.now()
            )
            if not posted.repeated:
                await record(
                    connection,
                    actor=operator(),
                    action="ledger:adjusted",
                    subject=f"posting {posted.posting_id}",
                    customer_id=customer.id,
                    facts={"reason": reason, "credits": credits},
                )
            return posted

    with expected_failures(as_json=json_output):
        posted = with_database(act)
        show(posted, as_json=json_output, as_text=lambda: _as_text(posted))


def reverse(who: Who, posting_id: int, *, reason: Reason, act_id: ActId = None, json_output: Json = False) -> None:
    """
    Undo one posting by another that names it; undoing a fix's consumption lets the fix be billed again.

    Examples: `rsolv ledger reverse 7 41 --reason "rolled back"`, `rsolv ledger reverse 7 41 --reason typo --json`.
    """
    cause = _cause(act_id)

    async def act(database: Database) -> ledger.Reversed:
        async with database.transaction() as connection:
            customer = await get_by_name(connection, who)
            await reversals.require_no_reversal(connection, customer_id=customer.id, posting_id=posting_id)
            undone = await ledger.reverse(
                connection,
                customer_id=customer.id,
                posting_id=posting_id,
                source="adjustment",
                cause=cause,
                reason=reason,
            )
            await fixes.free_reversed_fix(connection, customer_id=customer.id, posting_id=posting_id)
            await reversals.collect_shortfall(connection, customer_id=customer.id)
            if not undone.repeated:
                await record(
                    connection,
                    actor=operator(),
                    action="ledger:reversed",
                    subject=f"posting {posting_id}",
                    customer_id=customer.id,
                    facts={"reason": reason},
                )
            return undone

    with expected_failures(as_json=json_output):
        undone = with_database(act)
        show(undone, as_json=json_output, as_text=lambda: _as_text(undone))


def _cause(act_id: str | None) -> ledger.Cause:
    return ledger.Cause("operator_act", act_id or str(uuid.uuid4()))


def _as_text(moved: ledger.Posted | ledger.Reversed) -> str:
    return f"Posting {moved.posting_id}: {moved.credits:+} credits, balance {moved.balance_after}."
