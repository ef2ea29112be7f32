"""
Provide the command line in this process, on a database that the tests of one file share.
"""

from collections.abc import Iterator
from typing import Protocol

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.clones import cloned
from cli.programs import MASTER_KEY
from rsolv.cli import app
from rsolv.local.cluster import Cluster


class Rsolv(Protocol):
    """
    Run a command, with further environment variables (None: without that one).
    """

    def __call__(self, *arguments: str, **environ: str | None) -> Result: ...


@pytest.fixture(scope="module")
def shared_url(cluster: Cluster, templates: dict[str, str]) -> Iterator[str]:
    """
    The URL of a database for all tests of a file.
    """
    with cloned(cluster, templates["current"]) as url:
        yield url


@pytest.fixture
def rsolv(shared_url: str) -> Rsolv:
    """
    The command line, speaking to the shared database.
    """
    return commands_on(shared_url)


def commands_on(database_url: str) -> Rsolv:
    """
    Return the command line, speaking to a database.
    """
    runner = CliRunner()
    usual = {
        "DATABASE_URL": database_url,
        "SECRET_KEY_BASE": MASTER_KEY,
        "RSOLV_ENV": None,
        "RSOLV_HOME": "/nonexistent",
    }

    def run(*arguments: str, **environ: str | None) -> Result:
        return runner.invoke(app, list(arguments), env=usual | environ)

    return run
