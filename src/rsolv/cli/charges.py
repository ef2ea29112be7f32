"""
`rsolv charges`: see why a customer was charged, and set right what rests.
"""

from collections.abc import Awaitable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Protocol, get_args

import msgspec
import typer

from rsolv import charges
from rsolv.audit import Actor
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import operator, settings, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Connection, Database
from rsolv.kernel import clock
from rsolv.usage import money

app = typer.Typer(help="See why a customer was charged, and set right what rests.", no_args_is_help=True)

ChargeId = Annotated[int, typer.Argument(min=1, help="The charge's id, as `rsolv charges list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit record.")]
State = Annotated[str | None, typer.Option(help=f"Only those that are {', '.join(get_args(charges.ChargeState))}.")]


class _Verb(Protocol):
    def __call__(
        self, connection: Connection, *, customer_id: int, charge_id: int, actor: Actor, now: datetime
    ) -> Awaitable[charges.Charge]: ...


@app.command("list")
def list_charges(
    who: Who,
    *,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    json_output: Json = False,
) -> None:
    """
    List a customer's charges, newest first.

    Examples: `rsolv charges list 7`, `rsolv charges list ada@example.com --state requires_action --json`.
    """
    wanted = next((known for known in get_args(charges.ChargeState) if known == state), None)
    if state is not None and wanted is None:
        raise typer.BadParameter(f"{state} is no state of a charge", param_hint="--state")

    async def act(database: Database) -> tuple[int, list[charges.Charge]]:
        async with database.reading() as connection:
            customer = await get_by_name(connection, who)
            found = await charges.list_charges(connection, customer_id=customer.id, limit=limit, state=wanted)
            return customer.id, found

    with expected_failures(as_json=json_output):
        customer_id, found = with_database(act)
        headings = ["id", "state", "amount", "waits for", "goes on", "for"]
        show(
            [_document(charge, customer_id=customer_id) for charge in found],
            as_json=json_output,
            as_text=lambda: table(headings, [_row(charge) for charge in found]),
        )


@app.command("show")
def show_charge(who: Who, charge_id: ChargeId, *, json_output: Json = False) -> None:
    """
    Explain a charge: what was fixed, at which price, with whose consent, what was tried and what was posted.

    Examples: `rsolv charges show 7 12`, `rsolv charges show ada@example.com 12 --json`.
    """

    async def act(database: Database) -> tuple[int, charges.ChargeExplained]:
        async with database.transaction() as connection:
            customer = await get_by_name(connection, who)
            found = await charges.explain_charge(connection, customer_id=customer.id, charge_id=charge_id)
            return customer.id, found

    with expected_failures(as_json=json_output):
        customer_id, found = with_database(act)
        document = asdict(found) | {
            "charge": _document(found.charge, customer_id=customer_id),
            "phase_result": msgspec.Raw(found.phase_result.encode()),
        }
        show(document, as_json=json_output, as_text=lambda: _explained(found, customer_id=customer_id))


@app.command()
def retry(who: Who, charge_id: ChargeId, *, json_output: Json = False) -> None:
    """
    Have a charge go on now, whatever it rests for.

    Examples: `rsolv charges retry 7 12`, `rsolv charges retry ada@example.com 12 --json`.
    """
    _act(who, charge_id, charges.retry_charge, as_json=json_output)


@app.command()
def cancel(who: Who, charge_id: ChargeId, *, reason: Reason, json_output: Json = False) -> None:
    """
    Drop what is owed, if it is not too late: at Stripe first, whose word is the last.

    Examples: `rsolv charges cancel 7 12 --reason "our mistake"`, `rsolv charges cancel 7 12 --reason typo --json`.
    """
    _act(who, charge_id, partial(charges.cancel_debt, reason=reason), as_json=json_output)


@app.command("give-up")
def give_up(who: Who, charge_id: ChargeId, *, reason: Reason, json_output: Json = False) -> None:
    """
    Write off a declined charge as uncollectible.

    Examples: `rsolv charges give-up 7 12 --reason "bankrupt"`, `rsolv charges give-up 7 12 --reason lost --json`.
    """
    _act(who, charge_id, partial(charges.give_up, reason=reason), as_json=json_output)


@app.command()
def collect(who: Who, charge_id: ChargeId, *, reason: Reason, json_output: Json = False) -> None:
    """
    Begin another charge for what is still owed, where the payment of CHARGE_ID was canceled at Stripe.

    Examples: `rsolv charges collect 7 12 --reason "canceled by mistake"`,
    `rsolv charges collect ada@example.com 12 --reason mistake --json`.
    """
    _act(who, charge_id, partial(charges.collect_again, reason=reason), as_json=json_output)


def _act(who: str, charge_id: int, verb: _Verb, *, as_json: bool) -> None:
    async def act(database: Database) -> tuple[int, charges.Charge]:
        async with database.transaction() as connection:
            customer = await get_by_name(connection, who)
            charge = await verb(
                connection, customer_id=customer.id, charge_id=charge_id, actor=operator(), now=clock.now()
            )
            return customer.id, charge

    with expected_failures(as_json=as_json):
        customer_id, charge = with_database(act)
        show(_document(charge, customer_id=customer_id), as_json=as_json, as_text=lambda: _stands(charge))


def _document(charge: charges.Charge, *, customer_id: int) -> dict[str, object]:
    facts = asdict(charge) | {"action_url": _link(charge, customer_id=customer_id)}
    del facts["link_token"]
    return facts


def _link(charge: charges.Charge, *, customer_id: int) -> str | None:
    return charges.action_url(charge, customer_id=customer_id, public_url=settings().public_url)


def _row(charge: charges.Charge) -> list[object]:
    amount = money(charge.amount_cents, charge.currency)
    return [charge.id, charge.state, amount, charge.parked_reason, _minute(charge.wake_at), charge.description]


def _stands(charge: charges.Charge) -> str:
    goes_on = f", goes on {_minute(charge.wake_at)}" if charge.wake_at else ""
    waits = f", waits for {charge.parked_reason}" if charge.parked_reason else ""
    return f"Charge {charge.id} is {charge.state}{waits}{goes_on}."


def _explained(found: charges.ChargeExplained, *, customer_id: int) -> str:
    charge, consent = found.charge, found.consent
    facts = [
        ("fixed", f"issue {found.issue_number} in {found.repository} at {found.commit_sha}"),
        ("pull request", found.pull_request_url),
        ("amount", f"{money(charge.amount_cents, charge.currency)} ({charge.plan})"),
        ("consent", f"{consent.id}, text {consent.text_version}, {_minute(consent.given_at)}" if consent else None),
        ("declines", f"{charge.declines} ({charge.decline_code or charge.failure_code})" if charge.declines else None),
        ("payment", charge.stripe_payment_id),
        ("rebuilt", f"{_minute(charge.rebuilt_at)}, the database had lost it" if charge.rebuilt_at else None),
        ("link", _link(charge, customer_id=customer_id)),
    ]
    attempts: list[list[object]] = [
        [each.kind, each.number, _minute(each.sent_at), each.outcome, each.stripe_request_id] for each in found.attempts
    ]
    postings: list[list[object]] = [
        [each.id, each.source, ", ".join(f"{account} {amount:+} {asset}" for account, asset, amount in each.entries)]
        for each in found.postings
    ]
    return "\n".join(
        [
            _stands(charge),
            *(f"{name:14}{value}" for name, value in facts if value is not None),
            "",
            table(["attempt", "number", "sent", "outcome", "request"], attempts),
            "",
            table(["posting", "source", "entries"], postings),
        ]
    )


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
