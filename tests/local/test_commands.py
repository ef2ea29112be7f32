"""
What a script can rely on: `rsolv up` and `rsolv db` end with documented codes and print one JSON document.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from local.waiting import DEADLINE_SECONDS
from rsolv.cli.db import app
from rsolv.local.backup import manifest_of

Db = Callable[..., Result]


@pytest.fixture
def db(url: str, tmp_path: Path) -> Db:
    """
    Run `rsolv db` on the small database.
    """

    def run(*arguments: object, **environment: str | None) -> Result:
        place = {"DATABASE_URL": url, "RSOLV_HOME": str(tmp_path / "home")}
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env=place | environment)

    return run


@pytest.fixture
def installation(spot: Path) -> Iterator[IO[str]]:
    """
    Run `rsolv up --json` as a person would, and give what it prints.
    """
    environment = {"RSOLV_HOME": str(spot), "PORT": "0", "WEB_WORKERS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "rsolv", "up", "--json"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    yield process.stdout
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0


def test_up_serves_with_a_key_that_works(installation: IO[str]) -> None:
    """
    One JSON document says where, and what it names is there.
    """
    run = _document(installation)

    assert httpx.get(f"{run['base_url']}/ready", timeout=5).status_code == 200
    assert run["demo"]["api_key"].startswith("rsolv_")


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["person", "script"])
def test_a_backup_that_verifies_ends_with_0(db: Db, tmp_path: Path, option: list[str]) -> None:
    """
    Backing up and verifying, for a person and for a script.
    """
    made = db("backup", tmp_path / "a.dump", *option)
    verified = db("restore", tmp_path / "a.dump", "--verify", *option)

    assert (made.exit_code, verified.exit_code) == (0, 0)


def test_a_difference_ends_with_1_and_names_the_figure(db: Db, file: Path) -> None:
    """
    The document has the recorded and the restored value.
    """
    record = json.loads(manifest_of(file).read_text())
    record["figures"]["tables"]["public.ledger_entries"] = 99
    manifest_of(file).write_text(json.dumps(record))

    result = db("restore", file, "--verify", "--json")

    said = json.loads(result.stdout)
    assert (result.exit_code, said["equal"], said["database"]) == (1, False, None)
    assert [figure for figure in said["figures"] if not figure["equal"]] == [
        {"figure": "public.ledger_entries rows", "recorded": 99, "restored": 4, "equal": False}
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["restore", "FILE"], 2),
        (["restore", "FILE.lost", "--verify"], 3),
        (["restore", "FILE", "--into", "postgres"], 5),
        (["backup", "FILE"], 5),
    ],
    ids=["neither verify nor into", "no such file", "database exists", "file exists"],
)
def test_each_refusal_has_its_code_and_a_sentence(db: Db, file: Path, arguments: list[str], code: int) -> None:
    """
    On standard error, with nothing on standard output.
    """
    result = db(*[argument.replace("FILE", str(file)) for argument in arguments])

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1)


def test_without_any_database_the_code_is_7(db: Db, tmp_path: Path) -> None:
    """
    Nothing runs in the home and no URL is given.
    """
    result = db("backup", tmp_path / "none.dump", DATABASE_URL=None)

    assert result.exit_code == 7


def test_psql_passes_its_arguments_on(db: Db) -> None:
    """
    What psql would be run with can be seen.
    """
    command = json.loads(db("psql", "--json", "-c", "SELECT 1").stdout)["command"]

    assert (Path(command[0]).name, command[-2:]) == ("psql", ["-c", "SELECT 1"])


def _document(output: IO[str]) -> dict[str, Any]:
    lines: list[str] = []
    for line in output:
        lines.append(line)
        if line == "}\n":
            break
    document: dict[str, Any] = json.loads("".join(lines))
    return document
