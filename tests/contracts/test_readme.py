"""
The README is true: its tour is run line by line against an installation started as it says.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factories.catalogs import CATALOGS, REPOSITORY
from local.waiting import until

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TRIAL = CATALOGS["current"].trial()[1]


@dataclass(frozen=True)
class Installation:
    """
    A whole installation in a directory of its own, as `make run` starts it.
    """

    home: Path
    run: dict[str, Any]
    environment: dict[str, str]


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """
    Start everything on a free port, and stop it with Ctrl-C's signal.
    """
    with tempfile.TemporaryDirectory(prefix="rsolv-readme-") as directory:
        Path(directory).chmod(0o711)
        home = Path(directory) / "home"
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "SECRET_KEY_BASE", "STRIPE_API_KEY", "STRIPE_API_BASE")
        } | {"RSOLV_HOME": str(home), "PORT": "0"}
        with subprocess.Popen([sys.executable, "-m", "rsolv", "up"], env=environment) as supervisor:
            published = home / "run.json"
            until(lambda: published.exists() or supervisor.poll() is not None, "the installation is ready")
            yield Installation(home, json.loads(published.read_text()), environment)
            supervisor.send_signal(signal.SIGINT)
            assert supervisor.wait() == 0
        assert not published.exists()


def lines_of(title: str) -> list[str]:
    """
    Return the lines of a section that a newcomer pastes.
    """
    section = README.split(f"## {title}")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def answers_to(lines: list[str], installation: Installation, place: Path) -> list[Any]:
    """
    Paste lines into a shell and return what was answered, line by line.
    """
    here = [line.replace("http://127.0.0.1:4000", installation.run["base_url"]) for line in lines]
    script = "\n".join(f"{line}; echo" if line.startswith("curl") else line for line in here)
    answer = subprocess.run(["/bin/sh", "-eu", "-c", script], cwd=place, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines() if line]


def test_the_tour_runs_line_by_line(installation: Installation, tmp_path: Path) -> None:
    """
    Each line of the tour answers JSON, the fix consumes a credit, and its repetition is billed as already billed.
    """
    lines = lines_of("A tour with curl")
    first_fix = next(line for line in lines if '"fixed": true' in line)

    answers = answers_to([*lines, first_fix], installation, tmp_path)

    signup, scan, validation, fix, results, usage, transactions, repetition = answers
    left = TRIAL.signup_credits - 1
    assert signup["customer"]["credit_balance"] == TRIAL.signup_credits
    assert [scan["billing"]["status"], validation["billing"]["status"]] == ["not_billable", "not_billable"]
    assert fix["billing"] == {"status": "consumed", "credits_remaining": left}
    assert results["mitigation"] == {"issue-7": {"fixed": True}}
    assert usage["credit_balance"] == left
    assert [move["amount"] for move in transactions["transactions"]] == [-1, TRIAL.signup_credits]
    assert repetition["billing"] == {"status": "already_billed", "credits_remaining": left}


def test_paying_as_one_goes_works_line_by_line(installation: Installation, tmp_path: Path) -> None:
    """
    Behind the tour: the card brings five credits, the fix after the last of them is charged, and explains itself.
    """
    place = ["URL=http://127.0.0.1:4000", f"KEY={installation.run['demo']['api_key']}"]
    lines = lines_of("Pay as you go")
    charging, reading = lines[:2], lines[2:]

    card, *fixes = answers_to([*place, *charging], installation, tmp_path)

    def succeeded() -> bool:
        [answer] = answers_to([*place, reading[0]], installation, tmp_path)
        return bool({charge["state"] for charge in answer["charges"]} == {"succeeded"})

    until(succeeded, "the charge is settled")
    charges, charge, cap = answers_to([*place, *reading], installation, tmp_path)
    credits_until_then = TRIAL.signup_credits + TRIAL.payment_method_credits
    statuses = [fix["billing"]["status"] for fix in fixes]
    assert card["last4"] == "4242"
    assert statuses[:credits_until_then] == ["consumed"] * credits_until_then
    assert statuses[credits_until_then:] == ["charging"] * (len(fixes) - credits_until_then) != []
    assert len(charges["charges"]) == len(fixes) - credits_until_then
    assert (charge["fixed"]["repository"], charge["attempts"][-1]["outcome"]) == ("acme/shop", "succeeded")
    assert cap["monthly_cap_cents"] == 10_000


def test_who_signed_up_is_known_to_stripes_twin(installation: Installation) -> None:
    """
    The lines about the twin answer a list with the demo customer, whom the worker made known there.
    """
    block = "\n".join(lines_of("Stripe, without Stripe"))
    script = block.replace(".rsolv/", f"{installation.home}/")

    def listed() -> list[str]:
        answer = subprocess.run(["/bin/sh", "-eu", "-c", script], capture_output=True, text=True, check=True)
        return [customer["email"] for customer in json.loads(answer.stdout)["data"]]

    until(lambda: installation.run["demo"]["email"] in listed(), "the demo customer is known")


def test_the_commands_for_the_operator_work(installation: Installation, tmp_path: Path) -> None:
    """
    Each operator's command of the README ends with 0 against the running installation.
    """
    section = README.split("## The other side of the counter")[1].split("\n## ")[0]
    commands = re.findall(r"^\.venv/bin/rsolv ([^#\n]*)", section, flags=re.MULTILINE)

    codes = {
        command.strip(): subprocess.run(
            [sys.executable, "-m", "rsolv", *command.split()],
            cwd=tmp_path,
            env=installation.environment,
            capture_output=True,
            check=False,
        ).returncode
        for command in commands
    }

    assert codes == {command.strip(): 0 for command in commands}
    assert len(codes) >= 5


def test_run_json_is_private_and_complete(installation: Installation) -> None:
    """
    `run.json` has what scripts need, and nobody else may read it.
    """
    published = installation.home / "run.json"

    assert published.stat().st_mode & 0o777 == 0o600
    assert set(installation.run) >= {"base_url", "stripe_url", "pids", "demo"}
    assert set(installation.run["demo"]) == {"email", "api_key"}
