"""
The record of what was asked, answered and emitted, for a judge other than the twin (`python -m stripe_twin.contract`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from stripe_twin.core.exchange import Request, api_key
from stripe_twin.core.records import Record, encoded
from stripe_twin.core.store import Store, Unit

_HEADERS = ("authorization", "stripe-version", "idempotency-key", "content-type")
_KEY_SHOWN = len("sk_test_")


class RequestLog:
    """
    JSON lines, added to *file*; without a file nothing is kept. With *read_clock* each call has its time.
    """

    def __init__(self, file: Path | None, read_clock: Callable[[], float] | None = None) -> None:
        self._lines = file.open("ab", buffering=0) if file else None
        self._read_clock = read_clock

    def watch(self, store: Store) -> None:
        """
        Record every event that a kept unit emitted.
        """
        store.on_kept.append(lambda unit: self._events(store, unit))

    def heard_at(self) -> float | None:
        """
        Return the present moment in seconds since 1970, where somebody wants to know.
        """
        return self._read_clock() if self._lines is not None and self._read_clock is not None else None

    def call(self, request: Request, status: int, answer: bytes, *, heard_at: float | None) -> None:
        """
        Record a call with its answer.
        """
        if self._lines is None:
            return
        headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
        if "authorization" in headers:
            headers["authorization"] = f"Bearer {api_key(request)[:_KEY_SHOWN]}****"
        self._write(
            {
                "kind": "call",
                **({"heard_at": heard_at} if heard_at is not None else {}),
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "headers": headers,
                "body": request.body.decode(errors="replace"),
                "status": status,
                "answer": msgspec.Raw(answer),
            }
        )

    def close(self) -> None:
        """
        Close the file.
        """
        if self._lines is not None:
            self._lines.close()

    def _events(self, store: Store, unit: Unit) -> None:
        if self._lines is None:
            return
        for (kind, record_id), before in unit.before.items():
            if kind == "event" and before is None:
                event: Record | None = store.find(kind, record_id)
                self._write({"kind": "event", "event": event})

    def _write(self, line: dict[str, Any]) -> None:
        assert self._lines is not None, "only with a file"
        self._lines.write(encoded(line) + b"\n")
