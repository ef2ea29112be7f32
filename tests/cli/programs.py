"""
Run the product's own processes for a test, each stopped when its block ends.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec

from cli.waiting import DEADLINE_SECONDS

MASTER_KEY = "0123456789abcdef" * 4
_OURS = {
    *("HOST", "PORT", "WEB_WORKERS", "DATABASE_URL", "SECRET_KEY_BASE", "RSOLV_ENV", "RSOLV_HOME", "LOG_LEVEL"),
    *("STRIPE_API_KEY", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRETS", "PUBLIC_URL"),
}


class Serving(msgspec.Struct):
    """
    What `rsolv web --json` says of itself.
    """

    base_url: str
    web_workers: int


def environment(database_url: str | None, **more: str) -> dict[str, str]:
    """
    Return this process's environment with nothing of ours in it but what is given.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
    given = {"DATABASE_URL": database_url} if database_url is not None else {}
    return inherited | given | {"RSOLV_HOME": "/nonexistent/home"} | more


@contextmanager
def running(
    *arguments: str, environ: dict[str, str], inherited: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """
    Run `python -m rsolv` with these arguments and descriptors, and stop it when the block ends.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "rsolv", *arguments],
        env=environ,
        pass_fds=inherited,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)


def finished(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """
    Run `python -m rsolv` with these arguments to its end.
    """
    return subprocess.run(
        [sys.executable, "-m", "rsolv", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """
    Wait for the first line a process prints.
    """
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"ended with {process.wait(DEADLINE_SECONDS)} and said nothing"
    return line


@contextmanager
def serving(database_url: str, **more: str) -> Iterator[str]:
    """
    Run a web process of one worker on a free port and give its base URL once it is ready.
    """
    environ = environment(database_url, SECRET_KEY_BASE=MASTER_KEY, PORT="0", WEB_WORKERS="1", **more)
    with running("web", "--json", environ=environ) as process:
        base_url = msgspec.json.decode(first_line(process), type=Serving).base_url
        # The socket listens already, so this waits until the process takes its first request.
        assert httpx.get(f"{base_url}/ready", timeout=DEADLINE_SECONDS).is_success
        yield base_url
