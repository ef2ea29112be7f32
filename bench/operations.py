"""
The requests of the load, as bytes made ready beforehand: only a number in the body differs from one to the next.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.load import Operation
from bench.population import COMMIT_SHA, REPOSITORY, BenchCustomer

FIRST_ISSUE = 1_000_000_000
"""
Issue numbers of the load begin here, so that all have ten digits and every body has the same length.
"""
LAST_ISSUE = 1_499_999_999
"""
The numbers above are pgbench's.
"""
PLACE = "1234567890"

FIX: dict[str, object] = {
    "fixed": True,
    "prUrl": "https://github.com/acme/shop/pull/1234",
    "branch": "rsolv/fix-sql-injection-in-login",
    "title": "Use a parameterised query in the login form",
    "filesChanged": [
        {"path": f"app/models/account_{number}.py", "additions": 12, "deletions": 7, "language": "python"}
        for number in range(6)
    ],
    "explanation": "The user name went into the statement as text. It is now passed as a parameter. " * 3,
    "validation": {"testsPassed": True, "testPath": "tests/security/test_login.py", "durationMs": 5321},
}
"""
What a mitigation reports; about a kilobyte, as the action sends.
"""
SCAN: dict[str, object] = {
    "vulnerabilities": [
        {"type": "sql_injection", "severity": "high", "file": f"app/models/account_{number}.py", "line": 10 + number}
        for number in range(8)
    ],
    "filesScanned": 412,
    "durationMs": 8123,
}


@dataclass(frozen=True)
class Workload:
    """
    The operations over one population; each numbers its requests on from where it was.
    """

    health: Operation
    onboard: Operation
    scan: Operation
    billable: Operation
    hot: Operation


def make_workload(
    customers: list[BenchCustomer], chance: random.Random, issues: Iterator[int] | None = None
) -> Workload:
    """
    Make the operations. *hot* bills one customer, the last, whom *billable* leaves alone.
    """
    issues, scans = issues or itertools.count(FIRST_ISSUE), itertools.count(FIRST_ISSUE)
    health, _ = request_around("GET", "/health", None)
    scan = [_store_around(customer, _SCAN_BODY) for customer in customers]
    *billable, hot = [_store_around(customer, _FIX_BODY) for customer in customers]
    return Workload(
        health=Operation("health", lambda: health, b'"ok"'),
        onboard=_onboard(),
        scan=Operation("store, not billable", _numbered(scan, scans, chance), b'"not_billable"'),
        billable=Operation("billable store", _numbered(billable, issues, chance), b'"consumed"'),
        hot=Operation("billable store, one customer", _numbered([hot], issues, chance), b'"consumed"'),
    )


def request_around(method: str, path: str, body: dict[str, object] | None, api_key: str = "") -> tuple[bytes, bytes]:
    """
    Give what stands before and after the ten-digit PLACE in a request.
    """
    content = json.dumps(body, separators=(",", ":")) if body is not None else ""
    head = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "accept: application/json"]
    if content:
        head += ["content-type: application/json", f"content-length: {len(content)}"]
    if api_key:
        head.append(f"x-api-key: {api_key}")
    whole = "\r\n".join([*head, "", content])
    before, _, after = whole.partition(PLACE)
    return before.encode(), after.encode()


def _store_around(customer: BenchCustomer, body: dict[str, object]) -> tuple[bytes, bytes]:
    return request_around("POST", "/api/v1/phases/store", body, customer.api_key)


def _numbered(around: list[tuple[bytes, bytes]], numbers: Iterator[int], chance: random.Random) -> Callable[[], bytes]:
    def next_request() -> bytes:
        before, after = chance.choice(around)
        return b"%b%d%b" % (before, next(numbers), after)

    return next_request


def _onboard() -> Operation:
    body: dict[str, object] = {"email": f"load-{PLACE}@example.com", "name": "Load"}
    around = request_around("POST", "/api/v1/customers/onboard", body)
    return Operation("onboarding", _numbered([around], itertools.count(FIRST_ISSUE), random.Random(0)), b'"api_key"')


_FIX_BODY: dict[str, object] = {
    "phase": "mitigate",
    "repo": REPOSITORY,
    "commitSha": COMMIT_SHA,
    "issueNumber": int(PLACE),
    "data": FIX,
}
_SCAN_BODY: dict[str, object] = {
    "phase": "scan",
    "repo": REPOSITORY,
    "commitSha": f"{COMMIT_SHA[: -len(PLACE)]}{PLACE}",
    "data": SCAN,
}
