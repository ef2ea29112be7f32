"""
`rsolv ledger`: look into the books, prove them, correct them.
"""

from datetime import datetime
from typing import Annotated

import typer

from rsolv import billing_events, charges, disputes, fixes, ledger, refunds, reversals, subscriptions
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import with_database
from rsolv.cli.outcome import ExitCode, Json, expected_failures, show, table
from rsolv.db import Database

app = typer.Typer(help="Look into the books, prove them, correct them.", no_args_is_help=True)


@app.command()
def verify(
    *,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the checks as an SQL script instead of making them.")
    ] = False,
    json_output: Json = False,
) -> None:
    """
    Recompute the books and print every invariant with its figure; exit 1 on any breach.

    Examples: `rsolv ledger verify`, `rsolv ledger verify --sql > invariants.sql`.
    """
    with expected_failures(as_json=json_output):
        if sql:
            script = ledger.write_script(sorted_invariants())
            show({"sql": script}, as_json=json_output, as_text=lambda: script.rstrip("\n"))
            return

        async def act(database: Database) -> list[ledger.Finding]:
            async with database.snapshot() as connection:
                return await ledger.verify(connection, sorted_invariants())

        findings = with_database(act)
        show(findings, as_json=json_output, as_text=lambda: verification_as_text(findings))
        if ledger.breached(findings):
            raise typer.Exit(ExitCode.FAILURE)


def sorted_invariants() -> list[ledger.Invariant]:
    """
    Return every room's invariants in the order of their numbers.
    """
    promises = (
        *ledger.INVARIANTS,
        *fixes.INVARIANTS,
        *charges.INVARIANTS,
        *reversals.INVARIANTS,
        *refunds.INVARIANTS,
        *disputes.INVARIANTS,
        *billing_events.INVARIANTS,
        *subscriptions.INVARIANTS,
    )
    return sorted(promises, key=_book_and_number)


def _book_and_number(invariant: ledger.Invariant) -> tuple[bool, str, int]:
    """
    Order the ledger's own promises before those of other rooms.
    """
    book, _, number = invariant.id.partition("-")
    return book != "L", book, int(number)


def verification_as_text(findings: list[ledger.Finding]) -> str:
    """
    Set the findings as a table with a verdict below.
    """
    rows: list[list[object]] = [
        [
            "✗" if finding.breaches else "✓",
            finding.id,
            finding.checked,
            finding.breaches,
            finding.promise + (f" — {finding.example}" if finding.example else ""),
        ]
        for finding in findings
    ]
    broken = ledger.breached(findings)
    verdict = (
        f"{len(broken)} of {len(findings)} invariants are broken."
        if broken
        else f"All {len(findings)} invariants hold."
    )
    return table(["", "id", "checked", "breaches", "what must hold"], rows) + "\n" + verdict


@app.command()
def balance(
    who: Who,
    *,
    at: Annotated[
        datetime | None,
        typer.Option(help="As of this time (ISO 8601, UTC).", formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ"]),
    ] = None,
    json_output: Json = False,
) -> None:
    """
    Show a customer's accounts, or the balance as of a time.

    Examples: `rsolv ledger balance 7`, `rsolv ledger balance 7 --at 2026-11-01T00:00:00+0000`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[ledger.Account] | int:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                if at is not None:
                    return await ledger.balance_as_of(connection, customer_id=customer.id, at=at)
                return await ledger.list_accounts(connection, customer_id=customer.id)

        found = with_database(act)
        if isinstance(found, int):
            show({"balance": found, "at": at}, as_json=json_output, as_text=lambda: f"{found} credits")
        else:
            show(
                found,
                as_json=json_output,
                as_text=lambda: table(
                    ["account", "balance", "entries"], [[a.kind, a.balance, a.entries] for a in found]
                ),
            )


@app.command()
def transactions(
    who: Who, *, limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20, json_output: Json = False
) -> None:
    """
    List a customer's credit transactions, newest first.

    Examples: `rsolv ledger transactions 7`, `rsolv ledger transactions ada@example.com --limit 100 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[ledger.CreditTransaction]:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await ledger.list_credit_transactions(connection, customer_id=customer.id, limit=limit)

        found = with_database(act)
        show(found, as_json=json_output, as_text=lambda: transactions_as_text(found))


def transactions_as_text(found: list[ledger.CreditTransaction]) -> str:
    """
    Set transactions as a table.
    """
    return table(
        ["id", "time", "amount", "balance", "source", "details"],
        [
            [
                t.id,
                f"{t.inserted_at:%Y-%m-%d %H:%M:%S}",
                t.amount,
                t.balance_after,
                t.source,
                " ".join(f"{k}={v}" for k, v in t.metadata.items()),
            ]
            for t in found
        ],
    )
