"""
`rsolv up`: run everything on this machine.
"""

import contextlib
import os
from typing import Annotated

import typer

from rsolv import schema
from rsolv.cli.installation import settings
from rsolv.cli.outcome import expected_failures
from rsolv.local.home import Home, Run
from rsolv.local.up import Plan, Prepare, serve
from rsolv.settings import Settings

JsonWhenReady = Annotated[
    bool, typer.Option("--json", help="Print one JSON document when ready, progress on standard error.")
]


def up(*, json_output: JsonWhenReady = False) -> None:
    """
    Start the whole installation: PostgreSQL, Stripe's twin, web and worker; Ctrl-C stops all of it.

    DATABASE_URL and STRIPE_API_KEY name the real thing, which is then used instead of the stand-in.

    Exit codes: 0 stopped as asked, 1 failure, 2 settings, 5 already running or port taken, 7 no database.

    Examples: `rsolv up`, `PORT=8080 rsolv up`, `DATABASE_URL=postgresql://... rsolv up --json`.
    """

    def announce(line: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            typer.echo(line, err=json_output)

    def ready(run: Run, home: Home) -> None:
        announce(_description(run, home))
        if json_output:
            with contextlib.suppress(OSError):
                typer.echo(run.as_json(), nl=False)

    with expected_failures(as_json=json_output):
        serve(_plan(settings()), announce=announce, ready=ready)


def _plan(found: Settings) -> Plan:
    return Plan(
        home=found.home,
        host=found.host,
        port=found.port,
        migrate=schema.upgrade,
        prepare=None if found.is_production else _demo(),
        database_url=found.database_url.reveal() if found.database_url else None,
        secret_key_base=found.secret_key_base.reveal() if found.secret_key_base else None,
        stripe_api_key=found.stripe_api_key.reveal() if found.stripe_api_key else None,
        environment=dict(os.environ),
        web_workers=found.web_workers,
    )


def _demo() -> Prepare:
    from rsolv.local.demo import prepare  # noqa: PLC0415 -- loads the whole domain, which other commands need not

    return prepare


def _description(run: Run, home: Home) -> str:
    lines = ["", f"  Web        {run.base_url}", f"  API docs   {run.base_url}/api/docs"]
    if run.stripe_url is not None:
        lines.append(f"  Stripe     {run.stripe_url} (a twin: no real money)")
    if run.demo is not None:
        lines += [f"  Customer   {run.demo.email}", f"  API key    {run.demo.api_key}"]
    lines += [f"  Data       {home.directory}", f"  Logs       {home.logs}"]
    lines += ["", "  Ctrl-C stops all of it; the data stays.", ""]
    return "\n".join(lines)
