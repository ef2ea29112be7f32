"""
Stand in, as a program of its own, for the processes that the local installation runs and that tests kill.

    stand_in.py cluster DIRECTORY          run a cluster, print its pid and URL, wait for the end of input
    stand_in.py unwatched DIRECTORY        run its server without our supervision and never reap it
    stand_in.py write URL FILE             commit numbers one by one, noting each in FILE once acknowledged
    stand_in.py up HOME PORT [WEB]         run an installation of stand-ins; WEB is the mode of its web
    stand_in.py web|dying --fd N           answer /ready like the web, or die at once
    stand_in.py stripe --home H --fd N     answer like the twin of Stripe
    stand_in.py worker                     do nothing, for ever
"""

import asyncio
import http.server
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg

from rsolv.local.cluster import Cluster
from rsolv.local.errors import LocalFailure
from rsolv.local.home import DemoCustomer, Home, Run
from rsolv.local.programs import programs_for
from rsolv.local.system_user import server_user
from rsolv.local.up import Plan, serve

MYSELF = str(Path(__file__).resolve())


def cluster(directory: str) -> None:
    own = Cluster(Path(directory))
    own.start()
    print(own.pid, own.url(), flush=True)  # noqa: T201 -- what a test reads
    sys.stdin.read()
    own.stop()


def unwatched(directory: str) -> None:
    tools = programs_for(server_user())
    data, sockets = Path(directory) / "data", Path(directory) / "socket"
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={sockets}"]
    server = subprocess.Popen(
        [tools.path("postgres"), "-D", str(data), *options],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **tools.user.identity(),
    )
    print(server.pid, flush=True)  # noqa: T201 -- what a test reads
    sys.stdin.read()


def write(url: str, file: str) -> None:
    asyncio.run(_write(url, Path(file)))


async def _write(url: str, file: Path) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS acknowledged (number bigint PRIMARY KEY)")
    number = await connection.fetchval("SELECT coalesce(max(number), 0) FROM acknowledged")
    with file.open("w") as notes:
        while True:
            number += 1
            await connection.execute("INSERT INTO acknowledged VALUES ($1)", number)
            notes.write(f"{number}\n")
            notes.flush()


def up(home: str, port: str, web_mode: str = "web") -> None:
    plan = Plan(
        home=Path(home),
        host="127.0.0.1",
        port=int(port),
        migrate=lambda url: None,
        prepare=prepare,
        database_url=os.environ.get("DATABASE_URL"),
        stripe_api_key=os.environ.get("STRIPE_API_KEY"),
        stripe_twin=(MYSELF, "stripe"),
        web=(MYSELF, web_mode),
        worker=(MYSELF, "worker"),
        environment=os.environ,
    )
    try:
        serve(plan, announce=lambda line: print(line, flush=True), ready=say_ready)  # noqa: T201 -- what a test reads
    except LocalFailure as failure:
        print(failure, file=sys.stderr)  # noqa: T201 -- what a test reads
        sys.exit(failure.exit_code)


async def prepare(database_url: str, secret_key_base: str, remembered: DemoCustomer | None) -> DemoCustomer:
    return remembered or DemoCustomer(email="demo@example.com", api_key=f"demo-{secret_key_base[:8]}")


def say_ready(run: Run, _home: Home) -> None:
    print(f"READY {run.base_url}", flush=True)  # noqa: T201 -- what a test reads


class Answer(http.server.BaseHTTPRequestHandler):
    """
    Answer 200 when the database does.
    """

    def do_GET(self) -> None:
        self.send_response(200 if asyncio.run(_database_answers()) else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()


async def _database_answers() -> bool:
    try:
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        await connection.close()
    except (OSError, asyncpg.PostgresError):
        return False
    return True


class Greeting(http.server.BaseHTTPRequestHandler):
    """
    Answer 200 to everything.
    """

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """
        Make an endpoint for webhooks.
        """
        self.rfile.read(int(self.headers["Content-Length"]))
        said = b'{"id": "we_1", "secret": "whsec_ofthestandin"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def web(_option: str, descriptor: str) -> None:
    _serve(Answer, descriptor)


def stripe(_home_option: str, _home: str, _option: str, descriptor: str) -> None:
    _serve(Greeting, descriptor)


def _serve(handler: type[http.server.BaseHTTPRequestHandler], descriptor: str) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=int(descriptor))
    server.serve_forever()


def dying(_option: str, _descriptor: str) -> None:
    sys.exit("dying as told")


def worker() -> None:
    signal.pause()


if __name__ == "__main__":
    modes = {mode.__name__: mode for mode in (cluster, unwatched, write, up, web, stripe, dying, worker)}
    modes[sys.argv[1]](*sys.argv[2:])
