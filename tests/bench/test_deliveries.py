"""
The proofs of deliveries compare and count right: what differs is named, what was lost is seen.
"""

import itertools
import json
from dataclasses import replace

import pytest

from bench.delivering import Delivered, anew
from bench.events_state import QUESTIONS, differences
from bench.latencies import percentiles

SAME = {name: [(1, "one"), (2, "two")] for name in QUESTIONS}
STEADY = Delivered(
    offered_per_second=10,
    acked_per_second=9.9,
    ack=percentiles([0.004]),
    troubles={},
    sent=100,
    stored=100,
    outcomes={"processed": 40, "ignored": 60},
    lag=percentiles([0.2]),
    beside={},
    beside_troubles={},
)


def test_the_same_states_do_not_differ() -> None:
    """
    Whatever they are of.
    """
    assert differences(SAME, dict(SAME)) == []


@pytest.mark.parametrize(
    "rows", [[(1, "one")], [(1, "one"), (2, "other")], [(1, "one"), (2, "two"), (2, "two")]], ids=repr
)
def test_a_row_that_is_missing_other_or_there_twice_is_a_difference(rows: list[tuple[int, str]]) -> None:
    """
    Named by what it is of.
    """
    (found,) = differences(SAME, SAME | {"postings": rows})

    assert found.startswith("postings: ")


def test_events_that_come_again_have_another_id_each_time() -> None:
    """
    And nothing else is changed.
    """
    body = {"id": "evt_1", "type": "invoice.paid"}

    again = [json.loads(each) for each in itertools.islice(anew([json.dumps(body).encode()]), 3)]

    assert len({each["id"] for each in again} | {"evt_1"}) == 4
    assert [each | {"id": "evt_1"} for each in again] == [body] * 3


@pytest.mark.parametrize(
    "lost", [{"stored": 99}, {"outcomes": {"waiting": 1}}, {"troubles": {"status 503": 1}}], ids=repr
)
def test_what_is_not_stored_not_handled_or_not_acknowledged_is_lost(lost: dict[str, object]) -> None:
    """
    Then the rate was not sustained either.
    """
    assert STEADY.is_lossless
    assert STEADY.is_sustained

    assert not replace(STEADY, **lost).is_lossless
    assert not replace(STEADY, **lost).is_sustained


@pytest.mark.parametrize("slow", [{"acked_per_second": 9.0}, {"lag": percentiles([0.2, 5.1])}], ids=["late", "slow"])
def test_a_rate_that_is_not_kept_up_with_is_not_sustained(slow: dict[str, object]) -> None:
    """
    Though nothing is lost.
    """
    assert replace(STEADY, **slow).is_lossless
    assert not replace(STEADY, **slow).is_sustained
