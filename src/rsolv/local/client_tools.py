"""
Choose and call PostgreSQL's client programs for a database given by its URL.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from rsolv.local.errors import LocalFailure
from rsolv.local.programs import installed

# pg_restore 17 and later say this to every server, and servers before 17 refuse it.
WITHOUT_NEW_PARAMETER = "1,40{/^SET transaction_timeout = 0;$/d;}"


class ToolFailed(LocalFailure):
    """
    A program of PostgreSQL ended with an error, which the sentence repeats.
    """

    def __init__(self, *, name: str, trouble: str) -> None:
        super().__init__(f"{name} failed: {trouble.strip()}")


@dataclass(frozen=True)
class ClientTools:
    """
    The programs `psql`, `pg_dump` and `pg_restore` of one directory.
    """

    directory: Path
    major_version: int

    def path(self, name: str) -> str:
        """
        Give the path of one program.
        """
        return str(self.directory / name)

    async def dump(self, database_url: str, file: Path, *, snapshot: str) -> None:
        """
        Dump the database as it is in *snapshot* into an existing file, in PostgreSQL's custom format.

        Raises:
            ToolFailed: pg_dump ended with an error.
        """
        address, environment = login(database_url)
        options = ["--format=custom", f"--snapshot={snapshot}", f"--file={file}", f"--dbname={address}"]
        process = await asyncio.create_subprocess_exec(
            self.path("pg_dump"), *options, env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, trouble = await process.communicate()
        if process.returncode != 0:
            raise ToolFailed(name="pg_dump", trouble=trouble.decode(errors="replace"))

    def restore(self, file: Path, database_url: str, *, with_grants: bool) -> None:
        """
        Restore a dump into an empty database. What a failure leaves in it is of no use.

        Raises:
            ToolFailed: the dump cannot be read, or the database refuses it.
        """
        address, environment = login(database_url)
        read = [self.path("pg_restore"), "--file=-", "--no-owner", str(file)]
        read += [] if with_grants else ["--no-privileges"]
        load = [self.path("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        load += [f"--dbname={address}"]
        with tempfile.TemporaryFile() as trouble:
            steps = _pipeline([read, ["sed", WITHOUT_NEW_PARAMETER], load], environment, trouble)
            codes = [step.wait() for step in steps]
            if any(codes):
                trouble.seek(0)
                raise ToolFailed(name="pg_restore", trouble=trouble.read().decode(errors="replace"))


def choose_tools(*, at_least: int) -> ClientTools:
    """
    Choose the programs of the PATH or of the wheel: the oldest that know PostgreSQL *at_least*.

    Of two equals the PATH's are taken, since the wheel's have no TLS.

    Raises:
        LocalFailure: neither is new enough.
    """
    found = shutil.which("pg_dump")
    directories = [Path(found).parent] if found and shutil.which("pg_restore") and shutil.which("psql") else []
    known = [ClientTools(directory, _major_version(directory)) for directory in [*directories, installed()]]
    fitting = [tools for tools in known if tools.major_version >= at_least]
    if not fitting:
        raise LocalFailure(f"There is no pg_dump for PostgreSQL {at_least} here; put one into the PATH.")
    return min(fitting, key=lambda tools: tools.major_version)


def login(database_url: str) -> tuple[str, dict[str, str]]:
    """
    Split a URL into an address for the list of processes, and an environment that holds the password.
    """
    head, question, query = database_url.partition("?")
    scheme, _, rest = head.partition("://")
    authority, slash, name = rest.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    user, colon, password = credentials.partition(":")
    secret = {"PGPASSWORD": unquote(password)} if colon else {}
    return f"{scheme}://{user}{at}{hosts}{slash}{name}{question}{query}", {**os.environ, **secret}


def with_database(database_url: str, name: str) -> str:
    """
    Give the URL of another database of the same server.
    """
    head, question, query = database_url.partition("?")
    scheme, _, rest = head.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{quote(name, safe='')}{question}{query}"


def _major_version(directory: Path) -> int:
    said = subprocess.run([directory / "pg_dump", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\) (\d+)", said.stdout)
    return int(found.group(1)) if found else 0


def _pipeline(
    commands: list[list[str]], environment: dict[str, str], trouble: IO[bytes]
) -> list[subprocess.Popen[bytes]]:
    """
    Start commands, each reading what the one before it prints; all complain into *trouble*.
    """
    steps: list[subprocess.Popen[bytes]] = []
    source: IO[bytes] | int = subprocess.DEVNULL
    for command in commands:
        step = subprocess.Popen(
            command,
            env=environment,
            stdin=source,
            stdout=subprocess.DEVNULL if command is commands[-1] else subprocess.PIPE,
            stderr=trouble,
        )
        if not isinstance(source, int):
            source.close()  # else the writer never learns that its reader is gone
        steps.append(step)
        source = step.stdout or subprocess.DEVNULL
    return steps
