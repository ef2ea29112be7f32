"""
`rsolv db`: look into the database, back it up, and prove that a backup can be restored.
"""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from rsolv.cli.installation import database_url, operator
from rsolv.cli.outcome import ExitCode, Json, expected_failures, fail, show, table
from rsolv.kernel import clock
from rsolv.local.backup import back_up, manifest_of, tools_for
from rsolv.local.client_tools import login
from rsolv.local.restore import Comparison
from rsolv.local.restore import restore as restore_backup

app = typer.Typer(help="Look into the database, back it up, restore it.", no_args_is_help=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, *, json_output: Json = False) -> None:
    """
    Open psql on the database; further arguments are psql's. With --json, only say what would be run.

    Examples: `rsolv db psql`, `rsolv db psql -c "SELECT count(*) FROM customers"`.
    """
    with expected_failures(as_json=json_output):
        url = database_url()
        tools = asyncio.run(tools_for(url))
        address, environment = login(url)
        command = [tools.path("psql"), address, *context.args]
        if not json_output:
            os.execve(command[0], command, environment)  # noqa: S606 -- no shell is the point of this command
        show({"command": command}, as_json=True, as_text=str)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; must not exist yet. Its figures go to FILE.json.")],
    *,
    json_output: Json = False,
) -> None:
    """
    Write a backup, with the number of rows of every table and the ledger's sums of the same moment.

    Examples: `rsolv db backup monday.dump`, `rsolv db backup monday.dump --json`.
    """
    with expected_failures(as_json=json_output):
        manifest = asyncio.run(back_up(database_url(), file, now=clock.now()))
        rows, tables = sum(manifest.figures.tables.values()), len(manifest.figures.tables)
        show(
            {
                "file": str(file),
                "manifest": str(manifest_of(file)),
                "bytes": file.stat().st_size,
                "sha256": manifest.sha256,
                "tables": tables,
                "rows": rows,
            },
            as_json=json_output,
            as_text=lambda: f"{file} holds {rows} rows of {tables} tables.",
        )


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote, with its FILE.json beside it.")],
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Restore into a scratch database, compare, and drop it.")
    ] = False,
    into: Annotated[str | None, typer.Option(help="Keep it as a new database of this name.")] = None,
    json_output: Json = False,
) -> None:
    """
    Restore a backup beside the live database and compare it with its figures; exit 1 on a difference.

    The live database is never touched. In one that is kept nothing is charged or given back before everything since the
    backup has been compared with Stripe: the worker does that by itself, or `rsolv reconcile`.

    Examples: `rsolv db restore monday.dump --verify`, `rsolv db restore monday.dump --into rsolv_monday`.
    """
    if not verify and into is None:
        fail(
            ExitCode.USAGE,
            "Say --verify, or --into with the name of a new database.",
            code="usage",
            as_json=json_output,
        )
    with expected_failures(as_json=json_output):
        comparisons = asyncio.run(restore_backup(database_url(), file, into=into, actor=operator(), now=clock.now()))
        different = sum(not comparison.is_equal for comparison in comparisons)
        figures = [comparison.as_dict() for comparison in comparisons]
        kept = None if different else into
        show(
            {"equal": not different, "database": kept, "figures": figures},
            as_json=json_output,
            as_text=lambda: f"{_side_by_side(comparisons)}\n\n{_verdict(comparisons, different, kept)}",
        )
        if different:
            raise typer.Exit(ExitCode.FAILURE)


def _side_by_side(comparisons: list[Comparison]) -> str:
    rows: list[list[object]] = [
        [
            comparison.figure,
            comparison.recorded,
            comparison.restored,
            "" if comparison.is_equal else "DIFFERENT",
        ]
        for comparison in comparisons
    ]
    return table(["figure", "recorded", "restored", ""], rows)


def _verdict(comparisons: list[Comparison], different: int, kept: str | None) -> str:
    if different:
        return f"{different} of {len(comparisons)} figures differ; nothing was kept."
    where = f"the database {kept} was kept" if kept is not None else "the scratch database was dropped"
    return f"All {len(comparisons)} figures are equal; {where}."
