"""
Turns to call Stripe: spread evenly, first come first served, and never more of them than the limits allow.
"""

import itertools
import math
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsolv.stripe_gateway.turns import CATCHING_UP_SECONDS, Limits, Place, Turns

CREATE, CONFIRM, READ = "POST /v1/payment_intents", "POST /v1/payment_intents/{id}/confirm", "GET /v1/customers/{id}"
ROUNDING_SECONDS = 1e-6
ENDPOINTS = (CREATE, CONFIRM, READ)
STRIPES_LIMIT = 25
LIMITS = Limits(per_second=40, per_second_per_endpoint=22, at_once=16)
Coming = list[tuple[float, str]]
Gone = list[tuple[float, Place]]

# Who comes after which pause, and for what; how late the timer is each time.
arrivals = st.lists(
    st.tuples(st.floats(0, 0.2), st.sampled_from([CREATE, CREATE, CONFIRM, READ])), min_size=1, max_size=120
)
lateness = st.lists(st.floats(0, 0.3), min_size=1, max_size=20)


class Forgetful(Turns):
    """
    The planted bug: everything is free again as soon as a turn was given.
    """

    def begin(self, place: Place, now: float) -> None:
        """
        Give the turn and forget when.
        """
        super().begin(place, now)
        self._free_at.clear()
        self._all_free_at = -math.inf


class Unfair(Turns):
    """
    The planted bug: who comes last is first.
    """

    def join(self, endpoint: str) -> Place:
        """
        Push in at the front.
        """
        place = super().join(endpoint)
        self._waiting[endpoint].rotate(1)
        return place


def played(turns: Turns, coming: Coming, late: Sequence[float]) -> Gone:
    """
    Let callers come, look whose turn it is when somebody comes and, late, when it is time; tell who went when.
    """
    moments = itertools.accumulate((pause for pause, _ in coming), initial=0.0)
    due = deque(zip(itertools.islice(moments, 1, None), (endpoint for _, endpoint in coming), strict=True))
    delays, gone, now = itertools.cycle(late), [], 0.0
    while due or turns.next_at() is not None:
        times = [moment for moment, _ in itertools.islice(due, 1)] + [at for at in [turns.next_at()] if at is not None]
        now = max(now, min(times)) + next(delays)
        while due and due[0][0] <= now:
            turns.join(due.popleft()[1])
        while (place := turns.first(now)) is not None:
            turns.begin(place, now)
            turns.end()
            gone.append((now, place))
    return gone


def most_in_a_second(gone: Gone, *endpoints: str) -> int:
    """
    Count the turns of the fullest second, wherever it begins.
    """
    times = [moment for moment, place in gone if place.endpoint in endpoints]
    return max((sum(since <= moment < since + 1 - ROUNDING_SECONDS for moment in times) for since in times), default=0)


def numbers_of(gone: Gone, endpoint: str) -> list[int]:
    """
    Return the places of an endpoint in the order in which their turns came.
    """
    return [place.number for _, place in gone if place.endpoint == endpoint]


def allowed(per_second: float) -> int:
    """
    Return how many turns a second may have: its limit, what is caught up, and one at its very beginning.
    """
    return math.floor(per_second * (1 + CATCHING_UP_SECONDS)) + 1


@given(arrivals, lateness)
def test_no_second_has_more_turns_than_its_limit(coming: Coming, late: list[float]) -> None:
    """
    For each endpoint and for all together, whoever comes when, however late the timers are; and everybody gets one.
    """
    gone = played(Turns(LIMITS), coming, late)

    assert len(gone) == len(coming)
    assert max(most_in_a_second(gone, endpoint) for endpoint in ENDPOINTS) <= allowed(22) < STRIPES_LIMIT
    assert most_in_a_second(gone, *ENDPOINTS) <= allowed(40)


def test_the_planted_bug_of_forgetting_is_seen() -> None:
    """
    A queue that does not remember its last turn lets a burst through, and the count shows it.
    """
    gone = played(Forgetful(LIMITS), [(0.0, CREATE)] * 60, [0.0])

    assert most_in_a_second(gone, CREATE) > STRIPES_LIMIT


@given(arrivals, lateness)
def test_nobody_is_overtaken_by_who_came_later_for_the_same_endpoint(coming: Coming, late: list[float]) -> None:
    """
    First come, first served.
    """
    gone = played(Turns(LIMITS), coming, late)

    assert [numbers_of(gone, endpoint) for endpoint in ENDPOINTS] == [
        sorted(numbers_of(gone, endpoint)) for endpoint in ENDPOINTS
    ]


def test_the_planted_bug_of_pushing_in_is_seen() -> None:
    """
    Where the last one is served first the order shows it.
    """
    gone = played(Unfair(LIMITS), [(0.0, CREATE)] * 3, [0.0])

    assert numbers_of(gone, CREATE) != sorted(numbers_of(gone, CREATE))


def test_a_busy_endpoint_is_in_nobodys_way() -> None:
    """
    Who waits for another one, and came later, goes first.
    """
    gone = played(Turns(LIMITS), [(0.0, CREATE), (0.0, CREATE), (0.0, CREATE), (0.0, READ)], [0.0])

    assert [place.endpoint for _, place in gone] == [CREATE, READ, CREATE, CREATE]


def test_of_those_that_are_free_the_one_who_came_first_is_next() -> None:
    """
    Where the account's limit makes all of them wait, endpoints take turns by who has waited longest.
    """
    turns = Turns(Limits(per_second=1))
    for endpoint in (READ, CONFIRM, CREATE):
        turns.join(endpoint)

    assert [place.endpoint for _, place in played(turns, [(0.0, READ)], [0.0])] == [READ, CONFIRM, CREATE, READ]


def test_a_late_timer_is_caught_up_with_but_not_far() -> None:
    """
    What was 10 ms late is not later for the next one; of a whole second the most is lost.
    """
    turns = Turns(Limits(per_second_per_endpoint=10))
    places = [turns.join(CREATE) for _ in range(4)]

    turns.begin(places[0], CATCHING_UP_SECONDS)
    turns.begin(places[1], 0.11)
    assert turns.next_at() == pytest.approx(0.2)
    turns.begin(places[2], 1.2)
    assert turns.next_at() == pytest.approx(1.2 - CATCHING_UP_SECONDS + 0.1)


def test_so_many_are_under_way_at_once_and_no_more() -> None:
    """
    The next turn comes when a call is over, not when the time comes.
    """
    turns = Turns(Limits(at_once=1))
    first, second = turns.join(CREATE), turns.join(READ)
    turns.begin(first, 0.0)

    assert (turns.first(100.0), turns.next_at()) == (None, None)
    turns.end()
    assert turns.first(100.0) == second


def test_who_leaves_makes_room_for_those_behind() -> None:
    """
    The next one takes the very turn.
    """
    turns = Turns(LIMITS)
    first, second = turns.join(CREATE), turns.join(CREATE)
    turns.leave(first)

    assert turns.first(0.0) == second


def test_an_endpoint_that_rests_gives_no_turn_and_others_do() -> None:
    """
    Until the time that Stripe named.
    """
    turns = Turns(LIMITS)
    created, read = turns.join(CREATE), turns.join(READ)
    turns.rest(CREATE, 5.0)

    assert turns.first(4.9) == read
    turns.leave(read)
    assert (turns.first(4.9), turns.next_at(), turns.first(5.0)) == (None, 5.0, created)


def test_an_account_that_rests_gives_none_at_all() -> None:
    """
    And a shorter rest does not end a longer one.
    """
    turns = Turns(LIMITS)
    read = turns.join(READ)
    turns.rest(None, 5.0)
    turns.rest(None, 3.0)

    assert (turns.first(4.9), turns.next_at(), turns.first(5.0)) == (None, 5.0, read)


def test_how_long_who_joins_will_wait_is_foretold() -> None:
    """
    By the longer of both queues, and by the endpoint's rest.
    """
    turns = Turns(Limits(per_second=4, per_second_per_endpoint=2))
    assert turns.wait_seconds(CREATE, 0.0) == 0
    for endpoint in (CREATE, CREATE, CREATE, READ):
        turns.join(endpoint)

    assert (turns.wait_seconds(CREATE, 0.0), turns.wait_seconds(CONFIRM, 0.0)) == (1.5, 1.0)
    turns.rest(CREATE, 10.0)
    assert turns.wait_seconds(CREATE, 0.0) == 11.5
