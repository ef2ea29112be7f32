"""
The judge: reads what a twin was asked, answered and sent, and checks it again, so that the twin does not judge itself.

The log has one JSON value a line: calls as `{"kind": "call", "method", "path", "query", "headers", "body", "status",
"answer"}` and perhaps `heard_at`, seconds since 1970; events as `{"kind": "event", "event"}`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from stripe_twin.contract.contract import Contract, Operation
from stripe_twin.contract.refusals import RequestRefused

_REFUSALS = frozenset({400, 401, 403, 404, 409, 429})
_DECLINED = 402
_SERVER_ERROR = 500


@dataclass(slots=True)
class Verdict:
    """
    What was found in one log or several: counts, and a sentence for each problem.
    """

    calls: int = 0
    accepted: int = 0
    refused: int = 0
    objects: int = 0
    events: int = 0
    cut_lines: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """
        Tell whether something was judged and nothing was found.
        """
        return self.calls + self.events > 0 and not self.problems

    def __str__(self) -> str:
        cut = f", {self.cut_lines} cut off at the end" if self.cut_lines else ""
        return (
            f"contract: {self.calls} calls, {self.accepted} accepted, {self.refused} refused by the twin, "
            f"{self.objects} objects, {self.events} events, {len(self.problems)} problems{cut}"
        )


def judge(lines: Iterable[str], contract: Contract, verdict: Verdict, *, name: str = "log") -> None:
    """
    Judge one log and add what is found to *verdict*.

    A last line that was cut off, when the twin was ended in the middle of it, is only counted.
    """
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError:
            if not line.endswith("\n"):
                verdict.cut_lines += 1
                continue
            entry = None
        for problem in _entry_problems(entry, contract, verdict):
            verdict.problems.append(f"{name}:{number}: {problem}")


def _entry_problems(entry: Any, contract: Contract, verdict: Verdict) -> Iterator[str]:
    match entry:
        case {"kind": "call", "method": str(), "path": str(), "status": int()}:
            verdict.calls += 1
            for problem in _call_problems(entry, contract, verdict):
                yield f"{entry['method']} {entry['path']}: {problem}"
        case {"kind": "event", "event": event}:
            verdict.events += 1
            for found in contract.event_problems(event):
                yield f"event {_type(event)}: {found}"
        case _:
            yield "is no record of a call or an event"


def _call_problems(entry: dict[str, Any], contract: Contract, verdict: Verdict) -> Iterator[str]:
    """
    Check a call that the twin took; one that it refused, or failed at, proves nothing either way.
    """
    status = entry["status"]
    if status in _REFUSALS or status >= _SERVER_ERROR:
        verdict.refused += 1
        return
    verdict.accepted += 1
    operation = contract.find(entry["method"], entry["path"])
    if operation is None:
        yield "is no address of the API"
        return
    for found in contract.header_problems(entry["method"], entry["path"], entry.get("headers", {})):
        yield str(found)
    try:
        _decode(operation, entry)
    except RequestRefused as refusal:
        yield f"parameter {refusal.param}: {refusal.message}"
    except json.JSONDecodeError:
        yield "the body is no JSON"
    verdict.objects += 1
    answer = entry.get("answer")
    if status == _DECLINED:
        error = answer.get("error") if isinstance(answer, dict) else None
        yield from (f"answers error.{found}" for found in contract.error_problems(error))
    else:
        yield from (f"answers {found}" for found in operation.answer_problems(answer))


def _decode(operation: Operation, entry: dict[str, Any]) -> None:
    query, body = (parse_qsl(entry.get(part) or "", keep_blank_values=True) for part in ("query", "body"))
    if operation.template.startswith("/v2/") and operation.method == "POST":
        operation.decode_json(json.loads(entry.get("body") or "{}"))
    else:
        operation.decode([*query, *body])


def _type(event: Any) -> str:
    return str(event.get("type")) if isinstance(event, dict) else "without a type"
