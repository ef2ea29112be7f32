"""
`rsolv disputes`: what customers' banks took back, and whom we therefore do not charge.
"""

from typing import Annotated

import typer

from rsolv import disputes
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.usage import money

app = typer.Typer(help="Look at disputes, and charge a customer again.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=1_000)]


@app.command("list")
def list_disputes(
    who: Annotated[str | None, typer.Argument(help="A customer's id or e-mail address; default: everybody.")] = None,
    *,
    limit: Limit = 20,
    json_output: Json = False,
) -> None:
    """
    List a customer's disputes, or everybody's, newest first.

    Examples: `rsolv disputes list`, `rsolv disputes list ada@example.com --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[disputes.Dispute]:
            async with database.transaction() as connection:
                if who is None:
                    return await disputes.list_disputes_for_operator(connection, limit=limit)
                customer = await get_by_name(connection, who)
                return await disputes.list_disputes(connection, customer_id=customer.id, limit=limit)

        found = with_database(act)
        show(found, as_json=json_output, as_text=lambda: _as_table(found))


@app.command("show")
def show_dispute(
    dispute_id: Annotated[str, typer.Argument(help="Stripe's id of it, du_….")], *, json_output: Json = False
) -> None:
    """
    Show how a dispute stands, until when to respond, and what our books have of it.

    Examples: `rsolv disputes show du_1Abc`, `rsolv disputes show du_1Abc --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> disputes.Dispute:
            async with database.reading() as connection:
                return await disputes.get_dispute_by_stripe_id(connection, stripe_dispute_id=dispute_id)

        dispute = with_database(act)
        show(dispute, as_json=json_output, as_text=lambda: _as_text(dispute))


@app.command()
def release(
    who: Who,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept with the disputes and in the audit record.")],
    json_output: Json = False,
) -> None:
    """
    Charge a customer again in spite of their disputes so far; what waited goes on at once.

    Examples: `rsolv disputes release 7 --reason "paid by transfer"`, `rsolv disputes release 7 --reason ok --json`.
    """
    if not 1 <= len(reason) <= disputes.REASON_LENGTH_MAX:
        raise typer.BadParameter(f"a reason has 1 to {disputes.REASON_LENGTH_MAX} characters", param_hint="--reason")
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> int:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await disputes.release(
                    connection, customer_id=customer.id, actor=operator(), reason=reason, now=clock.now()
                )

        released = with_database(act)
        show(
            {"released": released},
            as_json=json_output,
            as_text=lambda: f"Disputes that froze charges: {released}. None does now.",
        )


def _as_table(found: list[disputes.Dispute]) -> str:
    return table(
        ["id", "customer", "of", "stage", "amount", "money", "freezes", "respond by", "waits for"],
        [
            [
                dispute.stripe_dispute_id,
                dispute.customer_id,
                str(dispute.paid),
                dispute.stage,
                money(dispute.amount_cents, dispute.currency),
                dispute.money,
                "yes" if dispute.freezes_charges else "no",
                dispute.respond_by and f"{dispute.respond_by:%Y-%m-%d %H:%M}",
                dispute.parked_reason,
            ]
            for dispute in found
        ],
    )


def _as_text(dispute: disputes.Dispute) -> str:
    facts: list[tuple[str, object]] = [
        ("dispute", f"{dispute.stripe_dispute_id}, {money(dispute.amount_cents, dispute.currency)}, {dispute.reason}"),
        ("of", f"{dispute.paid} of customer {dispute.customer_id}"),
        ("stage", f"{dispute.stage} ({dispute.stripe_state})"),
        ("respond by", dispute.respond_by or "no time named"),
        ("at Stripe", "the money is away" if dispute.is_withdrawn else "the money is there"),
        ("in our books", dispute.money),
        ("freezes charges", "yes" if dispute.freezes_charges else "no"),
        ("differs", dispute.parked_reason or "nothing"),
        ("opened", dispute.opened_at),
        ("closed", dispute.closed_at or "not yet"),
    ]
    if dispute.released_at is not None:
        facts.append(("released", f"{dispute.released_at} by {dispute.released_by}: {dispute.release_reason}"))
    return "\n".join(f"{name:17}{value}" for name, value in facts)
