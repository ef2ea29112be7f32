"""
`rsolv customers`: provision and look up.
"""

from typing import Annotated

import typer

from rsolv import customers, provisioning, usage
from rsolv.cli.installation import email_policy, operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Connection, Database
from rsolv.kernel import clock

app = typer.Typer(help="Provision customers and look at them.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="A customer's id or e-mail address.")]


async def get_by_name(connection: Connection, who: str) -> customers.Customer:
    """
    Return a customer by id or address.

    Raises:
        UnknownCustomer: there is none.
    """
    if who.isascii() and who.isdigit() and len(who) < len(str(2**63)):
        return await customers.get_customer(connection, customer_id=int(who))
    customer = await customers.find_by_email(connection, email=who)
    if customer is None:
        raise customers.UnknownCustomer(customer=who)
    return customer


@app.command()
def provision(
    email: str,
    *,
    name: Annotated[str | None, typer.Option(help="Default: the part of the address before the @.")] = None,
    source: Annotated[str, typer.Option(help=f"One of {', '.join(customers.SOURCES)}.")] = "direct",
    json_output: Json = False,
) -> None:
    """
    Make a new customer with an API key and the opening credits; the key is shown this once.

    Examples: `rsolv customers provision ada@example.com`,
    `rsolv customers provision ada@example.com --source early_access`.
    """
    with expected_failures(as_json=json_output):
        new = customers.checked_new_customer(
            email=email,
            name=name,
            acquisition=customers.Acquisition(source=source),
            policy=email_policy(),
        )

        async def act(database: Database) -> provisioning.Provisioned:
            async with database.transaction() as connection:
                return await provisioning.provision_customer(
                    connection, new, actor=operator(), now=clock.now(), auto_provisioned=False
                )

        made = with_database(act)
        key = made.key.secret.reveal()
        show(
            {"customer": made.customer, "credit_balance": made.credit_balance, "api_key": key},
            as_json=json_output,
            as_text=lambda: (
                f"Customer {made.customer.id} ({made.customer.email}), {made.credit_balance} credits\n"
                f"API key, shown this once: {key}"
            ),
        )


@app.command("list")
def list_customers(*, limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20, json_output: Json = False) -> None:
    """
    List customers, newest first.

    Examples: `rsolv customers list`, `rsolv customers list --limit 100 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[customers.Customer]:
            async with database.reading() as connection:
                return await customers.list_customers_for_operator(connection, limit=limit)

        found = with_database(act)
        show(
            found,
            as_json=json_output,
            as_text=lambda: table(
                ["id", "email", "plan", "source", "since"],
                [[c.id, c.email, c.subscription_type, c.source, f"{c.created_at:%Y-%m-%d %H:%M}"] for c in found],
            ),
        )


@app.command("show")
def show_customer(who: Who, *, json_output: Json = False) -> None:
    """
    Show what a customer has, pays and should be warned of.

    Examples: `rsolv customers show 7`, `rsolv customers show ada@example.com --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> usage.UsageSummary:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await usage.summarise(connection, customer_id=customer.id, now=clock.now())

        summary = with_database(act)
        show(summary, as_json=json_output, as_text=lambda: _as_text(summary))


def _as_text(summary: usage.UsageSummary) -> str:
    customer = summary.customer
    facts: list[list[object]] = [
        ["customer", f"{customer.id} {customer.email}"],
        ["name", customer.name],
        ["plan", customer.subscription_type],
        ["source", customer.source],
        ["credits", summary.credit_balance],
        ["can use service", "yes" if summary.can_use_service else "no"],
        ["standing", _standing(summary)],
        ["fixes this month", summary.fixes_this_period],
        ["first scan", customer.first_scan_at or "none yet"],
    ]
    if summary.waiting is not None:
        waiting = summary.waiting
        what = f"{waiting.count} charges, {usage.money(waiting.amount_cents, waiting.currency)}"
        facts.append(["waiting", f"{what}, for the {waiting.reason.replace('_', ' ')}"])
    facts += [[warning.level, warning.message] for warning in summary.warnings]
    return "\n".join(f"{name:18}{value}" for name, value in facts)


def _standing(summary: usage.UsageSummary) -> str:
    stands = summary.standing
    if stands.currency is None:
        return stands.state
    owed = f"{usage.money(stands.owed_cents, stands.currency)} owed since {stands.since:%Y-%m-%d %H:%M}"
    return f"{stands.state}: {owed}, grace until {stands.grace_ends_at:%Y-%m-%d %H:%M}"
