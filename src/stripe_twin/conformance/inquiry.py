"""
Asking all questions and playing all scenarios, and the table of what came out.
"""

import json
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from stripe_twin.conformance.questions import Question
from stripe_twin.conformance.witness import Witness
from stripe_twin.scenarios import EventMissing, Scenario, Stage, play

Outcome = Literal["holds", "differs", "skipped"]


@dataclass(frozen=True)
class Row:
    """
    One question or scenario and what became of it.
    """

    name: str
    expected: Any
    observed: Any
    outcome: Outcome


async def inquire(
    stage: Stage, witness: Witness, questions: Iterable[Question], scenarios: Iterable[Scenario]
) -> list[Row]:
    """
    Ask and play one after the other. What needs nature is skipped where there is none, with the reason.

    Whatever breaks is a difference, and so is a shape that the contract does not know.
    """
    rows = [await _asked(stage, witness, question) for question in questions]
    rows += [await _played(stage, witness, scenario) for scenario in scenarios]
    return rows


def table(rows: Iterable[Row]) -> str:
    """
    Write the rows for a person; where observed and expected agree, they stand there once.
    """
    lines = [f"{'verdict':8} question | expected | observed"]
    for row in rows:
        same = row.outcome == "holds"
        observed = "the same" if same else row.observed if isinstance(row.observed, str) else _shown(row.observed)
        lines.append(f"{row.outcome:8} {row.name} | {_shown(row.expected)} | {observed}")
    return "\n".join(lines)


async def _asked(stage: Stage, witness: Witness, question: Question) -> Row:
    if question.needs and stage.nature is None:
        return Row(question.name, question.believes, question.needs, "skipped")
    return await _judged(stage, witness, question.ask(stage), name=question.name, expected=question.believes)


async def _played(stage: Stage, witness: Witness, scenario: Scenario) -> Row:
    name = f"scenario {scenario.name}"
    if scenario.needs and stage.nature is None:
        return Row(name, scenario.event_type, scenario.needs, "skipped")

    async def event_type() -> str:
        return (await play(scenario, stage)).type

    return await _judged(stage, witness, event_type(), name=name, expected=scenario.event_type)


async def _judged(stage: Stage, witness: Witness, asking: Awaitable[Any], *, name: str, expected: Any) -> Row:
    try:
        observed = await asking
        await stage.strike()
    except EventMissing as missing:
        observed = str(missing)
    except Exception as mistake:  # one question that breaks must not end the others
        observed = f"{type(mistake).__name__}: {mistake}"
    if problems := witness.taken():
        return Row(name, expected, "; ".join(problems), "differs")
    return Row(name, expected, observed, "holds" if observed == expected else "differs")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
