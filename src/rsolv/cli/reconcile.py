"""
`rsolv reconcile` and `rsolv discrepancies`: our books against Stripe, and what differs.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rsolv import reconciliation
from rsolv.cli.customers import get_by_name
from rsolv.cli.installation import operator, with_database, with_stripe
from rsolv.cli.outcome import ExitCode, Json, expected_failures, fail, show, table
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.reconciliation import KINDS, REASON_LENGTH_MAX, Difference, Discrepancy, Kind, Report, Run
from rsolv.stripe_gateway import GatewayFailure, StripeGateway
from rsolv.usage import money

app = typer.Typer(help="See what Stripe and our books say differently, and close it.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=1_000)]
DiscrepancyId = Annotated[int, typer.Argument(metavar="DISCREPANCY", help="The discrepancy's id.")]
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ"]
_A_DAY = timedelta(days=1)
_DIFFERENCE_HEADINGS = ["kind", "class", "at Stripe", "customer", "ours", "theirs"]


def reconcile(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(help="Compare what happened since then (ISO 8601, UTC); default: a day ago.", formats=_FORMATS),
    ] = None,
    json_output: Json = False,
) -> None:
    """
    Compare payments, invoices, refunds, disputes and subscriptions at Stripe with our books, in both directions.

    What we had not heard of is settled, what a restored database has lost is rebuilt; the rest is listed and parked,
    and nothing of it is repaired. Exit 1 when anything differs.

    Examples: `rsolv reconcile --since 2026-11-01`, `rsolv reconcile --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database, gateway: StripeGateway, bus: EventBus) -> Report:
            now = clock.now()
            from_then = since.replace(tzinfo=since.tzinfo or UTC) if since is not None else now - _A_DAY
            with _progress(quiet=json_output) as progress:
                tasks = {kind: progress.add_task(f"{kind}s", total=None) for kind in KINDS}

                def told(kind: Kind, more: int) -> None:
                    progress.advance(tasks[kind], more)

                return await reconciliation.reconcile(
                    database, gateway, bus, since=from_then, scope="asked", now=now, told=told
                )

        try:
            report = with_stripe(act)
        except GatewayFailure as failure:
            sentence = f"Stripe could not be asked ({failure}); what was found until then is kept."
            fail(ExitCode.UNAVAILABLE, sentence, code="unavailable", as_json=json_output)
        show(_as_document(report), as_json=json_output, as_text=lambda: _as_text(report))
        if report.differences:
            raise typer.Exit(ExitCode.FAILURE)


@app.command("list")
def list_discrepancies(
    who: Annotated[str | None, typer.Argument(help="A customer's id or e-mail address; default: everybody.")] = None,
    *,
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are closed.")] = False,
    limit: Limit = 50,
    json_output: Json = False,
) -> None:
    """
    List what Stripe and our books say differently, open ones first.

    Examples: `rsolv discrepancies list`, `rsolv discrepancies list ada@example.com --closed --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[Discrepancy]:
            async with database.transaction() as connection:
                customer_id = (await get_by_name(connection, who)).id if who is not None else None
                return await reconciliation.list_discrepancies_for_operator(
                    connection, with_closed=closed, customer_id=customer_id, limit=limit
                )

        found = with_database(act)
        show([_one_as_document(each) for each in found], as_json=json_output, as_text=lambda: _as_table(found))


@app.command("show")
def show_discrepancy(discrepancy_id: DiscrepancyId, *, json_output: Json = False) -> None:
    """
    Show one discrepancy: what each side says, and the money at risk.

    Examples: `rsolv discrepancies show 3`, `rsolv discrepancies show 3 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> Discrepancy:
            async with database.reading() as connection:
                return await reconciliation.get_discrepancy_for_operator(connection, discrepancy_id)

        found = with_database(act)
        show(_one_as_document(found), as_json=json_output, as_text=lambda: _one_as_text(found))


@app.command("close")
def close_discrepancy(
    discrepancy_id: DiscrepancyId,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept with it and in the audit record.")],
    json_output: Json = False,
) -> None:
    """
    Close a discrepancy that has been dealt with; it is told again only when either side says something else.

    Examples: `rsolv discrepancies close 3 --reason "refunded by hand"`,
    `rsolv discrepancies close 3 --reason ok --json`.
    """
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise typer.BadParameter(f"a reason has 1 to {REASON_LENGTH_MAX} characters", param_hint="--reason")
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> Discrepancy:
            async with database.transaction() as connection:
                return await reconciliation.close_discrepancy(
                    connection, discrepancy_id, actor=operator(), reason=reason, now=clock.now()
                )

        closed = with_database(act)
        show(_one_as_document(closed), as_json=json_output, as_text=lambda: f"Discrepancy {closed.id} is closed.")


@app.command("runs")
def list_runs(*, limit: Limit = 20, json_output: Json = False) -> None:
    """
    List the latest comparisons, and when everything was last proven equal.

    Examples: `rsolv discrepancies runs`, `rsolv discrepancies runs --limit 5 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[Run]:
            async with database.reading() as connection:
                return await reconciliation.list_runs_for_operator(connection, limit=limit)

        found = with_database(act)
        show(found, as_json=json_output, as_text=lambda: _runs_as_table(found))


def _progress(*, quiet: bool) -> Progress:
    """
    Show on standard error how many have been compared, if somebody is looking.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description:14}{task.completed:>9,.0f}"), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True)


def _as_document(report: Report) -> dict[str, object]:
    return {
        "since": report.since,
        "kinds": {
            kind: {
                "compared": counts.compared,
                "agreeing": counts.agreeing,
                "settled": counts.settled,
                "rebuilt": counts.rebuilt,
                "differing": counts.differing,
                "foreign": counts.foreign,
            }
            for kind, counts in report.kinds.items()
        },
        "differences": [_one_as_document(each) for each in report.differences],
    }


def _one_as_document(found: Difference | Discrepancy) -> dict[str, object]:
    return {{"klass": "class"}.get(name, name): value for name, value in asdict(found).items()}


def _as_text(report: Report) -> str:
    rows: list[list[object]] = [
        [f"{kind}s", each.compared, each.agreeing, each.settled, each.rebuilt, each.differing, each.foreign]
        for kind, each in [*report.kinds.items(), ("total", report.total)]
    ]
    rows[-1][0] = "in all"
    headings = ["", "compared", "agreed", "settled", "rebuilt", "differ", "left out"]
    lines = [f"Since {report.since:%Y-%m-%d %H:%M} UTC:", "", table(headings, rows), ""]
    if not report.differences:
        return "\n".join([*lines, "Everything at Stripe and in our books says the same."])
    differing: list[list[object]] = [
        [each.kind, each.klass, each.stripe_object_id, each.customer_id, each.ours, each.theirs]
        for each in report.differences
    ]
    words = f"{len(report.differences)} differ and wait for somebody: see `rsolv discrepancies list`."
    return "\n".join(
        [*lines, table(["kind", "class", "at Stripe", "customer", "ours", "theirs"], differing), "", words]
    )


def _as_table(found: list[Discrepancy]) -> str:
    return table(
        ["id", "kind", "class", "at Stripe", "customer", "at risk", "found", "closed"],
        [
            [
                each.id,
                each.kind,
                each.klass,
                each.stripe_object_id,
                each.customer_id,
                money(each.amount_cents, each.currency) if each.currency else None,
                _minute(each.found_at),
                _minute(each.closed_at),
            ]
            for each in found
        ],
    )


def _one_as_text(found: Discrepancy) -> str:
    facts: list[tuple[str, object]] = [
        ("discrepancy", f"{found.id}, {found.kind}, {found.klass}"),
        ("at Stripe", found.stripe_object_id),
        ("customer", found.customer_id or "nobody known"),
        ("ours", found.ours),
        ("theirs", found.theirs),
        ("at risk", money(found.amount_cents, found.currency) if found.currency else "no money named"),
        ("found", found.found_at),
        ("last seen", found.seen_at),
        ("closed", f"{found.closed_at} by {found.closed_by}: {found.close_reason}" if found.closed_at else "not yet"),
    ]
    return "\n".join(f"{name:14}{value}" for name, value in facts)


def _minute(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None else None


def _runs_as_table(found: list[Run]) -> str:
    return table(
        ["id", "scope", "since", "ended", "compared", "settled", "rebuilt", "differ"],
        [
            [
                each.id,
                each.scope,
                _minute(each.since),
                f"stopped: {each.stopped_by}" if each.stopped_by else _minute(each.ended_at),
                each.compared,
                each.settled,
                each.rebuilt,
                each.differing,
            ]
            for each in found
        ],
    )
