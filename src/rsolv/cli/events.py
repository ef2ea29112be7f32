"""
`rsolv events`: what Stripe has told, what became of it, and doing it again.
"""

from enum import StrEnum
from typing import Annotated

import typer

from rsolv import billing_events
from rsolv.billing_events import BillingEvent, EventFilter
from rsolv.cli.customers import get_by_name
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Connection, Database
from rsolv.kernel import clock
from rsolv.usage import money

app = typer.Typer(help="See what Stripe has told and what became of it; do it again.", no_args_is_help=True)


class Outcome(StrEnum):
    """
    What can have become of an event.
    """

    WAITING = "waiting"
    PROCESSED = "processed"
    IGNORED = "ignored"
    PARKED = "parked"


OfOutcome = Annotated[Outcome | None, typer.Option(help="Only those of which this became.")]
OfType = Annotated[str | None, typer.Option("--type", help="Only those of this type, such as invoice.paid.")]
OfCustomer = Annotated[str | None, typer.Option(help="Only those about this customer, by id or e-mail address.")]
EventId = Annotated[str, typer.Argument(help="The event's id: ours or Stripe's.")]
MaybeEventId = Annotated[str | None, typer.Argument(help="The event's id: ours or Stripe's.")]


@app.command("list")
def list_events(
    *,
    outcome: OfOutcome = None,
    event_type: OfType = None,
    customer: OfCustomer = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    json_output: Json = False,
) -> None:
    """
    List events, newest first.

    Examples: `rsolv events list --outcome parked`, `rsolv events list --type invoice.paid --customer 7 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[BillingEvent]:
            async with database.reading() as connection:
                wanted = await _filter(connection, outcome, event_type, customer)
                return await billing_events.list_events_for_operator(connection, wanted, limit=limit)

        found = with_database(act)
        headings = ["id", "event", "type", "customer", "amount", "outcome", "reason", "attempts", "ms"]
        show(found, as_json=json_output, as_text=lambda: table(headings, [_row(event) for event in found]))


@app.command("show")
def show_event(event: EventId, *, json_output: Json = False) -> None:
    """
    Show one event, with the exact text that came.

    Examples: `rsolv events show evt_1ExampleOfAnEvent`, `rsolv events show 7 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> BillingEvent:
            async with database.reading() as connection:
                return await billing_events.get_event_for_operator(connection, name=event)

        found = with_database(act)
        show(found, as_json=json_output, as_text=lambda: _as_text(found))


@app.command()
def replay(
    event: MaybeEventId = None,
    *,
    outcome: OfOutcome = None,
    event_type: OfType = None,
    customer: OfCustomer = None,
    everything: Annotated[bool, typer.Option("--all", help="Mean all events there are.")] = False,
    json_output: Json = False,
) -> None:
    """
    Have one event, or all that are meant, handled anew by the worker; what is true already stays as it is.

    Examples: `rsolv events replay evt_1ExampleOfAnEvent`, `rsolv events replay --outcome parked --type invoice.paid`.
    """
    is_filtered = any(each is not None for each in (outcome, event_type, customer))
    if (event is not None) + is_filtered + everything != 1:
        raise typer.BadParameter("name one event, or say which are meant, or --all")
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> int:
            if event is None:
                return await _replay_all(database, outcome, event_type, customer)
            async with database.transaction() as connection:
                await billing_events.replay(connection, name=event, actor=operator(), now=clock.now())
                return 1

        count = with_database(act)
        show(
            {"count": count},
            as_json=json_output,
            as_text=lambda: f"{count} events wait to be handled anew; the worker does it.",
        )


async def _replay_all(database: Database, outcome: Outcome | None, event_type: str | None, customer: str | None) -> int:
    """
    Replay what is meant, a thousand at a time, and nothing that comes meanwhile twice.
    """
    count, after_id = 0, 0
    while True:
        async with database.transaction() as connection:
            wanted = await _filter(connection, outcome, event_type, customer)
            ids = await billing_events.replay_some(
                connection, wanted, after_id=after_id, actor=operator(), now=clock.now()
            )
        if not ids:
            return count
        count, after_id = count + len(ids), ids[-1]


async def _filter(
    connection: Connection, outcome: Outcome | None, event_type: str | None, customer: str | None
) -> EventFilter:
    customer_id = (await get_by_name(connection, customer)).id if customer is not None else None
    return EventFilter(outcome=outcome.value if outcome else None, type=event_type, customer_id=customer_id)


def _row(event: BillingEvent) -> list[object]:
    has_amount = event.amount_cents is not None and event.currency is not None
    return [
        event.id,
        event.stripe_event_id,
        event.type,
        event.customer_id,
        money(event.amount_cents or 0, event.currency or "") if has_amount else None,
        event.outcome,
        event.reason,
        event.attempts,
        event.duration_ms,
    ]


def _as_text(event: BillingEvent) -> str:
    facts: list[list[object]] = [
        ["event", f"{event.id} {event.stripe_event_id}"],
        ["type", event.type],
        ["about", event.object_id or "nothing"],
        ["customer", event.customer_id or event.stripe_customer_id or "nobody known"],
        ["happened", event.happened_at],
        ["received", f"{event.received_at} by {event.source}"],
        ["outcome", f"{event.outcome}{f' ({event.reason})' if event.reason else ''}"],
        ["attempts", event.attempts],
        ["handled", event.handled_at or f"not before {event.wake_at}"],
    ]
    lines = [f"{name:18}{value}" for name, value in facts]
    return "\n".join([*lines, "", event.payload or "What came in it has been erased."])
