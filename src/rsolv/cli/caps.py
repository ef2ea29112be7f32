"""
`rsolv caps`: how much of what a customer owes may be charged in a calendar month.
"""

from typing import Annotated

import typer

from rsolv import spending_caps
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.usage import money

app = typer.Typer(help="Show and set what may be charged in a month.", no_args_is_help=True)

Cents = Annotated[
    int | None, typer.Option(help="The most a month may take, in cents; 0: nothing. Without it there is no cap.")
]


@app.command("show")
def show_cap(who: Who, *, json_output: Json = False) -> None:
    """
    Show a customer's spending cap, what this month has taken of it, and what waits for it.

    Examples: `rsolv caps show 7`, `rsolv caps show ada@example.com --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> spending_caps.CapStatus:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await spending_caps.get_status(connection, customer_id=customer.id, now=clock.now())

        status = with_database(act)
        show(status, as_json=json_output, as_text=lambda: _as_text(status))


@app.command("set")
def set_cap(who: Who, *, cents: Cents = None, json_output: Json = False) -> None:
    """
    Set a customer's spending cap for every calendar month, or take it away; what waited is tried again at once.

    Examples: `rsolv caps set 7 --cents 10000`, `rsolv caps set ada@example.com`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> spending_caps.CapStatus:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await spending_caps.set_cap(
                    connection,
                    customer_id=customer.id,
                    monthly_cap_cents=cents,
                    actor=operator(),
                    now=clock.now(),
                )

        status = with_database(act)
        show(status, as_json=json_output, as_text=lambda: _as_text(status))


def _as_text(status: spending_caps.CapStatus) -> str:
    spent = money(status.spent_cents + status.under_way_cents, status.currency)
    if status.monthly_cap_cents is None:
        return f"No cap. Charged this month: {spent}."
    cap = money(status.monthly_cap_cents, status.currency)
    return f"Cap {cap} a month. Charged this month: {spent}. Charges waiting: {status.charges_waiting}."
