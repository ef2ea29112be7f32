"""
`rsolv demo`: play the whole journey against the running server.
"""

import secrets
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from rsolv import ledger
from rsolv.cli.installation import settings, with_database
from rsolv.cli.ledger import sorted_invariants, transactions_as_text, verification_as_text
from rsolv.cli.outcome import ExitCode, Json, expected_failures, fail, show
from rsolv.db import Database
from rsolv.local.errors import LocalFailure
from rsolv.local.home import Home

TIMEOUT_SECONDS = 10.0
COMMIT = "4f2d1c7"
TRANSACTIONS_SHOWN = 20
PHASES_BEFORE_A_FIX: tuple[tuple[str, dict[str, object]], ...] = (
    ("scan", {"vulnerabilities": [{"type": "sql_injection", "file": "app/login.py", "line": 12}]}),
    ("validation", {"validated": True, "testPath": "tests/security/test_login.py"}),
)


class JourneyStopped(LocalFailure):
    """
    The server refused a step that it should have taken.
    """

    exit_code = ExitCode.UNAVAILABLE


@dataclass
class Journey:
    """
    What happened so far.
    """

    customer_id: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)

    def note(self, step: str, outcome: str) -> None:
        """
        Remember a step.
        """
        self.steps.append({"step": step, "outcome": outcome})


def demo(
    *,
    url: Annotated[str | None, typer.Option(help="The server; by default the one that RSOLV_HOME runs.")] = None,
    json_output: Json = False,
) -> None:
    """
    Play the journey: sign up, scan, validate, fix until the credits are gone; then show and prove the books.

    Examples: `rsolv demo`, `rsolv demo --url http://127.0.0.1:4000 --json`.
    """
    with expected_failures(as_json=json_output):
        base_url = url or _running(as_json=json_output)
        try:
            with httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS) as client:
                journey = _play(client, Console(stderr=True, quiet=json_output))
        except httpx.TransportError as error:
            sentence = f"The server at {base_url} cannot be reached ({type(error).__name__}); start it with `make run`."
            fail(ExitCode.UNAVAILABLE, sentence, code="unavailable", as_json=json_output)

        async def look(database: Database) -> tuple[list[ledger.CreditTransaction], list[ledger.Finding]]:
            async with database.snapshot() as connection:
                moves = await ledger.list_credit_transactions(
                    connection, customer_id=journey.customer_id, limit=TRANSACTIONS_SHOWN
                )
                return moves, await ledger.verify(connection, sorted_invariants())

        moves, findings = with_database(look)
        show(
            {"steps": journey.steps, "transactions": moves, "invariants": findings},
            as_json=json_output,
            as_text=lambda: "\n\n".join(
                [_steps_as_text(journey), transactions_as_text(moves), verification_as_text(findings)]
            ),
        )
        if ledger.breached(findings):
            raise typer.Exit(ExitCode.FAILURE)


def _steps_as_text(journey: Journey) -> str:
    return "\n".join(f"{step['step']:26}{step['outcome']}" for step in journey.steps)


def _running(*, as_json: bool) -> str:
    home = Home(settings().home)
    found = home.base_url()
    if found is None:
        fail(
            ExitCode.UNAVAILABLE,
            f"Nothing runs in {home.directory}; start it with `make run`.",
            code="unavailable",
            as_json=as_json,
        )
    return found


def _play(client: httpx.Client, console: Console) -> Journey:
    journey = Journey()
    columns = (SpinnerColumn(), TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Signing up")
        email = f"demo-{secrets.token_hex(4)}@example.com"
        made = _call(client, "POST", "/api/v1/customers/onboard", json={"email": email, "name": "Demo journey"})
        journey.customer_id = made["customer"]["id"]
        credits_left: int = made["customer"]["credit_balance"]
        journey.note("sign up", f"{email} has a key and {credits_left} credits")
        client.headers["x-api-key"] = made["api_key"]
        progress.update(bar, total=len(PHASES_BEFORE_A_FIX) + credits_left + 2, advance=1)
        for phase, data in PHASES_BEFORE_A_FIX:
            progress.update(bar, description=f"Reporting the {phase}")
            journey.note(*_report(client, phase, 1, data))
            progress.advance(bar)
        for issue_number in range(1, credits_left + 2):
            progress.update(bar, description=f"Fixing issue {issue_number}")
            fixed = {"fixed": True, "prUrl": f"https://github.com/acme/shop/pull/{100 + issue_number}"}
            journey.note(*_report(client, "mitigation", issue_number, fixed))
            progress.advance(bar)
    return journey


def _report(client: httpx.Client, phase: str, issue_number: int, data: dict[str, object]) -> tuple[str, str]:
    body: dict[str, object] = {"phase": phase, "repo": "acme/shop", "commitSha": COMMIT, "data": data}
    if phase != "scan":
        body["issueNumber"] = issue_number
    billing = _call(client, "POST", "/api/v1/phases/store", json=body)["billing"]
    reason = f" ({billing['reason']})" if "reason" in billing else ""
    step = phase if phase == "scan" else f"{phase} of issue {issue_number}"
    return step, f"{billing['status']}{reason}, {billing['credits_remaining']} credits left"


def _call(client: httpx.Client, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 -- httpx's own
    answer = client.request(method, path, **request)
    if not answer.is_success:
        raise JourneyStopped(f"{method} {path} answered {answer.status_code}: {answer.text}")
    decoded: dict[str, Any] = answer.json()
    return decoded
