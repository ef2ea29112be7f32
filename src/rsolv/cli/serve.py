"""
`rsolv web`, `rsolv worker`, `rsolv migrate`: the processes of a deployment.
"""

import asyncio
import os
import signal
import socket
from contextlib import ExitStack, suppress
from typing import Annotated

import typer
import uvicorn

from rsolv import schema
from rsolv.cli.installation import database_url, settings
from rsolv.cli.outcome import ExitCode, Json, expected_failures, show
from rsolv.cli.web_workers import SpreadWorkers, shared_counters
from rsolv.local.up import base_url_of, check_database, listen_together

GRACE_SECONDS = 20


def web(
    *,
    fd: Annotated[
        list[int] | None, typer.Option(help="Serve on this inherited socket, not on HOST and PORT; once per process.")
    ] = None,
    json_output: Json = False,
) -> None:
    """
    Serve the API with WEB_WORKERS processes until stopped.

    Examples: `rsolv web`, `PORT=8080 WEB_WORKERS=4 rsolv web`.
    """
    with expected_failures(as_json=json_output), ExitStack() as opened:
        found = settings()
        url, _ = found.needed_to_serve()
        check_database(url.reveal())
        if fd:
            listeners = [socket.socket(fileno=os.dup(number)) for number in fd]
        else:
            listeners = listen_together(found.host, found.port, found.web_workers)
        for listener in listeners:
            opened.enter_context(listener)
        base_url = base_url_of(listeners[0])
        show(
            {"base_url": base_url, "web_workers": len(listeners)},
            as_json=json_output,
            as_text=lambda: f"Serving on {base_url} with {len(listeners)} processes.",
        )
        opened.enter_context(shared_counters())
        _serve(listeners, server_config(len(listeners), found.trusted_proxies))


def server_config(web_workers: int, trusted_proxies: tuple[str, ...]) -> uvicorn.Config:
    """
    Say how requests are served.

    Who connects is who calls, unless that is a trusted proxy: then it is the last address of `X-Forwarded-For` that is
    none. The server's own variable for this, and its habit of trusting this machine, are not asked.
    """
    return uvicorn.Config(
        "rsolv.web:create_app",
        factory=True,
        workers=web_workers,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
    )


def _serve(listeners: list[socket.socket], config: uvicorn.Config) -> None:
    # uvicorn raises the signal that stopped it once more; being asked to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    if len(listeners) > 1:
        SpreadWorkers(config, listeners).run()
        return
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=listeners)
    if not server.started:
        raise typer.Exit(ExitCode.FAILURE)


def worker(*, json_output: Json = False) -> None:
    """
    Run jobs and schedules until stopped.

    Examples: `rsolv worker`, `LOG_LEVEL=debug rsolv worker`.
    """
    from rsolv.worker import run  # noqa: PLC0415 -- loads the queue, which no other command needs

    with expected_failures(as_json=json_output):
        asyncio.run(
            run(
                lambda kinds: show(
                    {"kinds": kinds},
                    as_json=json_output,
                    as_text=lambda: f"Working on {', '.join(kinds) or 'schedules only'}.",
                )
            )
        )


def migrate(
    version: Annotated[str, typer.Argument(help="A step such as 0003, `head`, or `base`.")] = "head",
    *,
    down: Annotated[
        bool, typer.Option("--down", help="Go back to VERSION; what the steps undone held is lost.")
    ] = False,
    json_output: Json = False,
) -> None:
    """
    Bring the database's schema up to date.

    Examples: `rsolv migrate`, `rsolv migrate 0003 --down`.
    """
    with expected_failures(as_json=json_output):
        url = database_url()
        check_database(url)
        if down:
            schema.downgrade(url, version)
        else:
            schema.upgrade(url, version)
        show(
            {"ok": True, "version": version},
            as_json=json_output,
            as_text=lambda: f"The schema is at {version}.",
        )
