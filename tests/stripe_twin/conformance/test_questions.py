"""
What the twin believes of Stripe, asked of the twin itself.
"""

import re

import pytest

from stripe_twin.conformance import QUESTIONS, Question, Witness
from stripe_twin.embedded import InProcessClient
from stripe_twin.scenarios import twin_stage
from stripe_twin.twin import Twin

ENOUGH = 50


@pytest.mark.parametrize("question", list(QUESTIONS), ids=lambda question: question.name)
async def test_a_belief_holds_in_the_twin(twin: Twin, question: Question) -> None:
    """
    The facts are those believed, and every answer on the way is of Stripe's shape.
    """
    witness = Witness(InProcessClient(twin))

    assert await question.ask(twin_stage(twin, witness)) == question.believes
    assert witness.problems == []


def test_every_question_says_what_it_asks_and_where_that_is_written() -> None:
    """
    A page of the documentation, or the mark of what is only generally known.
    """
    sources = re.compile(r"\[K\]|docs\.stripe\.com/\S+")

    assert len(QUESTIONS) >= ENOUGH
    assert [one.name for one in QUESTIONS if not one.sentence or not sources.fullmatch(one.source)] == []


def test_every_question_observes_something() -> None:
    """
    A question that believes nothing would always hold.
    """
    assert [one.name for one in QUESTIONS if not one.believes] == []
