"""
Authenticated keys in memory: few, for a while, and never after something changed.
"""

import pytest

from rsolv.api_keys import AuthenticatedKey
from rsolv.api_keys.service.cache import CacheCounters, KeyCache


class Clock:
    """
    Seconds that pass when told to.
    """

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def key(api_key_id: int, customer_id: int = 1) -> AuthenticatedKey:
    return AuthenticatedKey(customer_id=customer_id, api_key_id=api_key_id, expires_at=None)


def filled(clock: Clock, *keys: AuthenticatedKey, size_max: int = 10) -> KeyCache:
    cache = KeyCache(ttl_seconds=60, size_max=size_max, clock_seconds=clock)
    for one in keys:
        cache.keep(hash_of(one.api_key_id), one, cache.begin_look_up())
    return cache


def hash_of(api_key_id: int) -> bytes:
    return api_key_id.to_bytes(32, "big")


def held(cache: KeyCache, *api_key_ids: int) -> list[int]:
    return [number for number in api_key_ids if cache.find(hash_of(number)) is not None]


def test_a_key_is_believed_until_its_time_is_over() -> None:
    """
    At the end of the TTL it is looked up again.
    """
    clock = Clock()
    cache = filled(clock, key(1))

    clock.seconds += 59.9
    before = cache.find(hash_of(1))
    clock.seconds += 0.1

    assert (before, cache.find(hash_of(1))) == (key(1), None)


def test_the_time_counts_from_the_beginning_of_the_look_up() -> None:
    """
    What a slow look-up found is as old as its question.
    """
    clock = Clock()
    cache = filled(clock)

    look_up = cache.begin_look_up()
    clock.seconds += 59
    cache.keep(hash_of(1), key(1), look_up)
    clock.seconds += 1

    assert held(cache, 1) == []


def test_hits_misses_evictions_and_invalidations_are_counted() -> None:
    """
    Operators see whether the cache is of use and large enough.
    """
    cache = filled(Clock(), key(1), key(2), key(3), size_max=2)

    held(cache, 1, 2, 3, 3)
    cache.forget(api_key_id=3)

    assert cache.counters() == CacheCounters(hits=3, misses=1, evictions=1, invalidations=1, size=1)


def test_when_it_is_full_the_one_unused_for_longest_goes() -> None:
    """
    Being found counts as use, and so does being kept again.
    """
    clock = Clock()
    cache = filled(clock, key(1), key(2), key(3), size_max=3)
    cache.find(hash_of(1))
    cache.keep(hash_of(2), key(2), cache.begin_look_up())

    cache.keep(hash_of(4), key(4), cache.begin_look_up())

    assert held(cache, 1, 2, 3, 4) == [1, 2, 4]


@pytest.mark.parametrize("size_max", [0, 1, 7])
def test_it_is_never_larger_than_it_may_be(size_max: int) -> None:
    """
    However many keys come by.
    """
    cache = filled(Clock(), *[key(number) for number in range(50)], size_max=size_max)

    assert cache.counters().size == size_max


def test_one_key_is_forgotten_alone() -> None:
    """
    Others are still believed.
    """
    cache = filled(Clock(), key(1), key(2))

    cache.forget(api_key_id=1)

    assert held(cache, 1, 2) == [2]


def test_all_keys_of_a_customer_are_forgotten_together() -> None:
    """
    Other customers notice nothing.
    """
    cache = filled(Clock(), key(1, customer_id=7), key(2, customer_id=7), key(3, customer_id=8))

    cache.forget(customer_id=7)

    assert held(cache, 1, 2, 3) == [3]


def test_everything_can_be_forgotten() -> None:
    """
    When nobody can say what changed.
    """
    cache = filled(Clock(), key(1), key(2))

    cache.forget()

    assert held(cache, 1, 2) == []
    assert cache.counters().invalidations == 2


def test_what_was_looked_up_before_something_was_forgotten_is_not_kept() -> None:
    """
    The answer may be from before the change, even if it is about another key.
    """
    cache = filled(Clock())

    look_up = cache.begin_look_up()
    cache.forget(api_key_id=99)
    cache.keep(hash_of(1), key(1), look_up)

    assert held(cache, 1) == []


def test_planted_a_look_up_dated_after_its_answer_is_kept_wrongly() -> None:
    """
    Were the beginning noted only when the answer is there, the stale answer would stay, which the test above sees.
    """
    cache = filled(Clock())

    cache.forget(api_key_id=99)
    cache.keep(hash_of(1), key(1), cache.begin_look_up())

    assert held(cache, 1) == [1]
