"""
`rsolv catalog`: what is sold, and how the file differs from the database.
"""

from pathlib import Path
from typing import Annotated

import typer

from rsolv import catalog
from rsolv.audit import record
from rsolv.cli.installation import operator, with_database
from rsolv.cli.outcome import Json, expected_failures, show, table
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.local.catalog_file import DEFAULT, read_catalog_file

app = typer.Typer(help="Plans and prices, in versions.", no_args_is_help=True)

File = Annotated[Path, typer.Option("--file", help="The catalogue file; by default the one in the repository.")]


@app.command()
def plan(*, file: File = DEFAULT, json_output: Json = False) -> None:
    """
    Show how the catalogue file differs from the newest version in the database. Changes nothing.

    Examples: `rsolv catalog plan`, `rsolv catalog plan --file next-year.toml --json`.
    """
    with expected_failures(as_json=json_output):
        wanted = read_catalog_file(file)

        async def compare(database: Database) -> list[catalog.Change]:
            async with database.reading() as connection:
                newest = await catalog.find_newest(connection)
            return catalog.changes(newest.catalog if newest else None, wanted)

        found = with_database(compare)
        show(
            [{"place": change.place, "before": change.before, "after": change.after} for change in found],
            as_json=json_output,
            as_text=lambda: _as_text(found),
        )


@app.command()
def apply(*, file: File = DEFAULT, json_output: Json = False) -> None:
    """
    Write the catalogue file as a new version, unless the newest one says the same.

    Customers keep the version they agreed to; new ones get this one from its effective_at on.
    Examples: `rsolv catalog apply`, `rsolv catalog apply --file next-year.toml`.
    """
    with expected_failures(as_json=json_output):
        wanted = read_catalog_file(file)

        async def write(database: Database) -> tuple[catalog.Version, bool]:
            async with database.transaction() as connection:
                version, is_new = await catalog.apply_catalog(connection, wanted, now=clock.now())
                if is_new:
                    await record(
                        connection,
                        actor=operator(),
                        action="catalog:applied",
                        subject=f"catalog_version {version.id}",
                        facts={"fingerprint": wanted.fingerprint()},
                    )
            return version, is_new

        version, is_new = with_database(write)
        effective = version.catalog.effective_at.isoformat()
        show(
            {"version": version.id, "new": is_new, "effective_at": effective},
            as_json=json_output,
            as_text=lambda: (
                f"Version {version.id}, in effect from {effective}."
                if is_new
                else f"Nothing to do: version {version.id} says the same."
            ),
        )


def _as_text(changes: list[catalog.Change]) -> str:
    if not changes:
        return "No difference: the database has this catalogue."
    return table(["place", "before", "after"], [[change.place, change.before, change.after] for change in changes])
