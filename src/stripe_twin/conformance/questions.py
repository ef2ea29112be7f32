"""
A question: a belief about Stripe, where it comes from, and a script that finds out.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import stripe

from stripe_twin.scenarios import Stage

Facts = dict[str, Any]
"""
What was observed: few plain values, none of which differs from run to run.
"""
Asking = Callable[[Stage], Awaitable[Facts]]
Doing = Callable[[Stage], Awaitable[object]]

GENERALLY_KNOWN = "[K]"
"""
The source of what no page of the documentation was found for.
"""


@dataclass(frozen=True)
class Question:
    """
    What the twin *believes* of Stripe, by *source*; *needs* says what only nature does, where it is needed.
    """

    name: str
    sentence: str
    source: str
    believes: Facts
    ask: Asking
    needs: str | None = None


class Questions:
    """
    Questions by name, in the order of their making; a question's function names it, and its docstring says it.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Question] = {}

    def __iter__(self) -> Iterator[Question]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __getitem__(self, name: str) -> Question:
        return self._by_name[name]

    def add(self, question: Question) -> None:
        """
        Take in a question.
        """
        assert question.name not in self._by_name, f"asked twice: {question.name}"
        self._by_name[question.name] = question

    def include(self, others: "Questions") -> None:
        """
        Take in the questions of another file.
        """
        for question in others:
            self.add(question)

    def on(
        self, source: str = GENERALLY_KNOWN, *, needs: str | None = None, **believes: Any
    ) -> Callable[[Asking], Asking]:
        """
        Make a question of a function that observes facts, which are believed to be these.
        """

        def made(ask: Asking) -> Asking:
            sentence = " ".join((inspect.getdoc(ask) or "").split())
            self.add(Question(ask.__name__.replace("_", " "), sentence, source, believes, ask, needs))
            return ask

        return made

    def refused(
        self,
        source: str = GENERALLY_KNOWN,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002 -- Stripe's word
        code: str | None = None,
        param: str | None = None,
    ) -> Callable[[Doing], Doing]:
        """
        Make a question of a function whose last call is believed to be refused like this.
        """

        def made(do: Doing) -> Doing:
            async def ask(stage: Stage) -> Facts:
                return await refusal(do(stage))

            ask.__name__, ask.__doc__ = do.__name__, do.__doc__
            self.on(source, status=status, type=type, code=code, param=param)(ask)
            return do

        return made


async def refusal(call: Awaitable[object], *more: str) -> Facts:
    """
    Observe how a call is refused: status, type, code, param and *more* fields of the error; null where there is none.
    """
    try:
        await call
    except stripe.StripeError as error:
        return told_by(error, *more)
    return {"status": 200}


def told_by(error: stripe.StripeError, *more: str) -> Facts:
    """
    Return what an error says: status, type, code, param and *more* fields.
    """
    body = error.json_body if isinstance(error.json_body, dict) else {}
    fields = body.get("error", {})
    return {"status": error.http_status, **{name: fields.get(name) for name in ("type", "code", "param", *more)}}


def plain(thing: stripe.StripeObject) -> dict[str, Any]:
    """
    Return an object of the SDK as plain data.
    """
    values: dict[str, Any] = thing.to_dict()
    return values
