"""
A witness of every call: what Stripe, or the twin, answers is checked by the contract as it comes.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from stripe_twin.contract import installed_contract

_OK, _DECLINED = 200, 402


class Witness(stripe.HTTPClient):
    """
    An HTTP client of the SDK that passes calls on to another and keeps what is wrong with the answers in `problems`.
    """

    name = "witness"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self._inner = inner
        self._contract = installed_contract()
        self.problems: list[str] = []
        self.calls = 0

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[Any, int, Any]:
        """
        Pass one request on and look at the answer.
        """
        body, status, answer_headers = await self._inner.request_async(method, url, headers or {}, post_data)
        self.calls += 1
        path = urlsplit(url).path
        self.problems += [
            f"{method.upper()} {path}: {problem}" for problem in self._found(method.upper(), path, status, body)
        ]
        return body, status, answer_headers

    def sleep_async(self, secs: float) -> Any:
        """
        Wait between tries as the other does.
        """
        return self._inner.sleep_async(secs)

    async def close_async(self) -> None:
        """
        Close the other.
        """
        inner: Any = self._inner  # the SDK gives this method no types
        await inner.close_async()

    def taken(self) -> list[str]:
        """
        Return the problems found since last asked.
        """
        found, self.problems = self.problems, []
        return found

    def _found(self, method: str, path: str, status: int, body: bytes | str) -> list[str]:
        if status not in {_OK, _DECLINED}:
            return []
        answer = json.loads(body)
        if status == _DECLINED:
            return [str(problem) for problem in self._contract.error_problems(answer["error"])]
        operation = self._contract.find(method, path)
        if operation is None:
            return ["is no address of the API"]
        problems = operation.answer_problems(answer)
        for event in _events(answer):
            problems += [problem.within(event["type"]) for problem in self._contract.event_problems(event)]
        return [str(problem) for problem in problems]


def _events(answer: Any) -> list[Any]:
    """
    Return the events of an answer, which is one, or lists some, or has none.
    """
    if answer.get("object") == "event":
        return [answer]
    listed = answer.get("data") if answer.get("object") == "list" else None
    return [one for one in listed or [] if one.get("object") == "event"]
