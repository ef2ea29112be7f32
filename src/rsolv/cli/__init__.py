"""
The command line: for operators, for scripts, and for `make run`.

Every command takes `--json`: standard output is then one JSON document and nothing else. Exit codes:
0 ok, 1 failure, 2 usage, 3 not found, 4 not authenticated or refused, 5 conflict or invalid, 6 rate limited, 7 server
or network (docs/reference/cli.md).
"""

import typer

from rsolv.cli import (
    caps,
    catalog,
    charges,
    config,
    corrections,
    customers,
    db,
    disputes,
    events,
    keys,
    ledger,
    reconcile,
    refunds,
    serve,
)
from rsolv.cli.demo import demo
from rsolv.cli.up import up

app = typer.Typer(
    name="rsolv",
    help="RSOLV platform: sign-ups, API keys, credits and what happened to them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local values, and those may be secrets
)
app.command()(up)
app.command()(serve.web)
app.command()(serve.worker)
app.command()(serve.migrate)
app.command()(demo)
app.command()(reconcile.reconcile)
ledger.app.command()(corrections.adjust)
ledger.app.command()(corrections.reverse)
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
app.add_typer(catalog.app, name="catalog")
app.add_typer(customers.app, name="customers")
app.add_typer(keys.app, name="keys")
app.add_typer(caps.app, name="caps")
app.add_typer(refunds.app, name="refunds")
app.add_typer(charges.app, name="charges")
app.add_typer(disputes.app, name="disputes")
app.add_typer(events.app, name="events")
app.add_typer(reconcile.app, name="discrepancies")
app.add_typer(ledger.app, name="ledger")


def main() -> None:
    """
    Run the command line.
    """
    app()
