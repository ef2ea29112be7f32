"""
What `rsolv up` promises: one process per home, everything ready before it says so, nothing left behind.
"""

import json
import os
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.conftest import Running, Start
from local.waiting import DEADLINE_SECONDS, is_gone, until

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def test_it_says_ready_only_when_the_web_answers_and_tells_where(start: Start, spot: Path) -> None:
    """
    When it says ready, /ready answers 200 and `run.json` names the URL, every process and the demo customer.
    """
    _await_ready(start("up", spot, 0))

    run = _run(spot)

    assert _answers(run["base_url"])
    assert _answers(run["stripe_url"], "/")
    assert set(run) == {"base_url", "stripe_url", "pids", "demo", "database_url"}
    assert set(run["pids"]) == {"supervisor", "postgres", "stripe", "web", "worker"}
    assert set(run["demo"]) == {"email", "api_key"}
    assert [name for name, pid in run["pids"].items() if is_gone(pid)] == []


def test_with_a_key_of_stripes_no_twin_is_started(start: Start, spot: Path) -> None:
    """
    The real thing replaces its stand-in, and `run.json` names no stand-in's URL.
    """
    _await_ready(start("up", spot, 0, STRIPE_API_KEY="sk_test_correcthorsebattery"))

    run = _run(spot)

    assert run["stripe_url"] is None
    assert "stripe" not in run["pids"]


def test_the_twin_of_stripe_comes_back_under_its_url(start: Start, spot: Path) -> None:
    """
    Links to its pages that were handed out before still lead to it.
    """
    first, _ = _start_and_stop(start, spot)

    second, _ = _start_and_stop(start, spot)

    assert first["stripe_url"] == second["stripe_url"]


def test_the_twin_of_stripe_takes_another_port_when_its_own_is_taken(start: Start, spot: Path) -> None:
    """
    A stranger on the remembered port does not stand in the way of the start.
    """
    first, _ = _start_and_stop(start, spot)
    port = int(first["stripe_url"].rpartition(":")[2])

    with socket.create_server(("127.0.0.1", port)):
        _await_ready(start("up", spot, 0))

        assert _answers(_run(spot)["stripe_url"], "/")
    assert _run(spot)["stripe_url"] != first["stripe_url"]


def test_what_it_keeps_is_private(start: Start, spot: Path) -> None:
    """
    Others have no right on the home, and its files belong to their owner alone.
    """
    _await_ready(start("up", spot, 0))

    modes = {
        stat.S_IMODE((spot / name).stat().st_mode)
        for name in ("secret_key_base", "run.json", "demo.json", "lock", "stripe_port", "webhook_endpoint.json")
    }

    assert modes == {0o600}
    assert stat.S_IMODE(spot.stat().st_mode) & 0o067 == 0


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_stops_every_process(start: Start, spot: Path, number: signal.Signals) -> None:
    """
    It ends with 0, nothing it started is left, and `run.json` is gone.
    """
    supervisor = start("up", spot, 0)
    _await_ready(supervisor)
    pids = _run(spot)["pids"]

    supervisor.send_signal(number)

    assert supervisor.wait(DEADLINE_SECONDS) == 0
    assert [name for name, pid in pids.items() if not is_gone(pid)] == []
    assert not (spot / "run.json").exists()


def test_the_next_start_remembers_the_secret_and_the_demo_customer(start: Start, spot: Path) -> None:
    """
    Key and secret are made once per home.
    """
    first, secret = _start_and_stop(start, spot)

    second, same_secret = _start_and_stop(start, spot)

    assert (first["demo"], secret) == (second["demo"], same_secret)
    assert len(secret.strip()) == 64


def test_of_two_starts_at_once_one_serves_and_the_other_names_it(start: Start, spot: Path) -> None:
    """
    The loser says in one sentence which process holds the home, and ends with 5.
    """
    rivals = [start("up", spot, 0), start("up", spot, 0)]

    loser = until(lambda: next((rival for rival in rivals if rival.poll() is not None), None), "one gives up")
    winner = next(rival for rival in rivals if rival is not loser)
    _await_ready(winner)

    assert loser.stderr.read() == f"{spot} is in use by process {winner.pid}; stop it first.\n"
    assert loser.returncode == 5


def test_a_taken_port_is_a_sentence(start: Start, spot: Path) -> None:
    """
    Nothing is started, no stack trace is shown, and the exit code is 5.
    """
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        refused = start("up", spot, port)
        _, complaint = refused.communicate(timeout=DEADLINE_SECONDS)

    assert refused.returncode == 5
    assert complaint == f"Port {port} on 127.0.0.1 is taken; stop what listens there or set PORT to another one.\n"
    assert not (spot / "postgres").exists()


def test_a_database_that_cannot_be_reached_is_a_sentence(start: Start, spot: Path) -> None:
    """
    The exit code is 7 and the password is not shown.
    """
    refused = start("up", spot, 0, DATABASE_URL="postgresql://ada:hunter2@127.0.0.1:1/none")

    _, complaint = refused.communicate(timeout=DEADLINE_SECONDS)

    assert refused.returncode == 7
    assert complaint.startswith("The database cannot be used: ")
    assert (complaint.count("\n"), "hunter2" in complaint) == (1, False)


@pytest.mark.parametrize("victim", ["web", "worker", "stripe", "postgres"])
def test_a_process_that_dies_is_started_again(start: Start, spot: Path, victim: str) -> None:
    """
    The installation serves again, and `run.json` names the new process.
    """
    _await_ready(start("up", spot, 0))
    before = _run(spot)["pids"][victim]

    os.kill(before, signal.SIGKILL)

    until(lambda: _run(spot)["pids"][victim] not in (before, None), "another process took over")
    until(lambda: _answers(_run(spot)["base_url"]), "it serves again")


def test_a_process_that_dies_again_and_again_ends_the_whole(start: Start, spot: Path) -> None:
    """
    After five deaths within a minute it gives up with 1 and the path of the log that says why.
    """
    supervisor = start("up", spot, 0, "dying")

    _, complaint = supervisor.communicate(timeout=DEADLINE_SECONDS)

    assert supervisor.returncode == 1
    assert complaint == f"web ended 5 times within a minute; its log says why: {spot / 'log' / 'web.log'}\n"
    assert "dying as told" in (spot / "log" / "web.log").read_text()


def test_killed_it_leaves_no_process_and_the_next_start_serves(start: Start, spot: Path) -> None:
    """
    SIGKILL of the supervisor ends its children, and what it left behind does not stand in the way.
    """
    killed = start("up", spot, 0)
    _await_ready(killed)
    pids = _run(spot)["pids"]

    killed.kill()
    _await_ready(start("up", spot, 0))

    until(lambda: all(is_gone(pid) for pid in pids.values()), "all ended")
    assert _answers(_run(spot)["base_url"])


def _await_ready(supervisor: Running) -> None:
    for line in supervisor.stdout:
        if line.startswith("READY"):
            return
    raise AssertionError(supervisor.stderr.read())


def _start_and_stop(start: Start, spot: Path) -> tuple[dict[str, Any], str]:
    supervisor = start("up", spot, 0)
    _await_ready(supervisor)
    run, secret = _run(spot), (spot / "secret_key_base").read_text()
    supervisor.send_signal(signal.SIGINT)
    supervisor.wait(DEADLINE_SECONDS)
    return run, secret


def _run(spot: Path) -> dict[str, Any]:
    run: dict[str, Any] = json.loads((spot / "run.json").read_text())
    return run


def _answers(base_url: str, path: str = "/ready") -> bool:
    try:
        return httpx.get(f"{base_url}{path}", timeout=5).is_success
    except httpx.TransportError:
        return False
