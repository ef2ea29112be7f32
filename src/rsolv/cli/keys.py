"""
`rsolv keys`: issue, list, rotate and revoke API keys.
"""

from datetime import timedelta
from typing import Annotated

import typer

from rsolv import api_keys
from rsolv.cli.customers import Who, get_by_name
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Database
from rsolv.kernel import clock

app = typer.Typer(help="Issue, list, rotate and revoke API keys.", no_args_is_help=True)

KeyId = Annotated[int, typer.Argument(min=1, help="The key's id, as `rsolv keys list` shows it.")]


@app.command("list")
def list_keys(who: Who, *, json_output: Json = False) -> None:
    """
    List a customer's keys, newest first.

    Examples: `rsolv keys list 7`, `rsolv keys list ada@example.com --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> list[api_keys.ApiKey]:
            async with database.reading() as connection:
                customer = await get_by_name(connection, who)
                return await api_keys.list_keys(connection, customer_id=customer.id)

        found = with_database(act)
        now = clock.now()
        show(
            found,
            as_json=json_output,
            as_text=lambda: table(
                ["id", "name", "key", "state", "last used"],
                [
                    [
                        key.id,
                        key.name,
                        f"{key.prefix}…{key.last_four}",
                        "live" if key.is_live(now) else "ended",
                        key.last_used_at,
                    ]
                    for key in found
                ],
            ),
        )


@app.command()
def issue(who: Who, *, name: str = "Key", json_output: Json = False) -> None:
    """
    Issue another key; it is shown this once.

    Examples: `rsolv keys issue 7`, `rsolv keys issue ada@example.com --name "Build server"`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> api_keys.IssuedKey:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await api_keys.issue_key(
                    connection, customer_id=customer.id, name=name, actor=operator(), now=clock.now()
                )

        _show_issued(with_database(act), as_json=json_output)


@app.command()
def rotate(
    who: Who,
    key_id: KeyId,
    *,
    overlap_hours: Annotated[int, typer.Option(min=0, max=24 * 90, help="How long the old key still works.")] = 24,
    json_output: Json = False,
) -> None:
    """
    Replace a key by a new one; the old one works until the overlap is over.

    Examples: `rsolv keys rotate 7 12`, `rsolv keys rotate 7 12 --overlap-hours 0`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> api_keys.IssuedKey:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await api_keys.rotate_key(
                    connection,
                    customer_id=customer.id,
                    api_key_id=key_id,
                    overlap=timedelta(hours=overlap_hours),
                    actor=operator(),
                    now=clock.now(),
                )

        _show_issued(with_database(act), as_json=json_output)


@app.command()
def revoke(who: Who, key_id: KeyId, *, json_output: Json = False) -> None:
    """
    End a key; every process refuses it within a second.

    Examples: `rsolv keys revoke 7 12`, `rsolv keys revoke ada@example.com 12 --json`.
    """
    with expected_failures(as_json=json_output):

        async def act(database: Database) -> bool:
            async with database.transaction() as connection:
                customer = await get_by_name(connection, who)
                return await api_keys.revoke_key(
                    connection, customer_id=customer.id, api_key_id=key_id, actor=operator(), now=clock.now()
                )

        revoked = with_database(act)
        show(
            {"api_key_id": key_id, "revoked": revoked},
            as_json=json_output,
            as_text=lambda: f"Key {key_id} is revoked." if revoked else f"Key {key_id} was revoked before.",
        )


def _show_issued(issued: api_keys.IssuedKey, *, as_json: bool) -> None:
    key = issued.secret.reveal()
    show(
        {"api_key_id": issued.api_key.id, "api_key": key},
        as_json=as_json,
        as_text=lambda: f"Key {issued.api_key.id}, shown this once: {key}",
    )
