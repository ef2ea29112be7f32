"""
Percentiles and medians.
"""

import pytest

from bench.latencies import percentile, percentiles, spread


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [(100, 50, 50), (100, 95, 95), (100, 99, 99), (20, 95, 19), (19, 95, 19), (3, 50, 2), (1, 99, 1), (1, 1, 1)],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(count, percent, expected):
    """
    Of the numbers from 1 on it is the rank itself, rounded up; nothing is interpolated.
    """
    assert percentile(range(1, count + 1), percent) == expected


def test_one_slow_answer_in_fifty_shows_in_the_99th_percentile_only():
    """
    Two of a hundred are the 99th percentile and the maximum, and leave the 95th alone.
    """
    found = percentiles([0.001] * 98 + [0.5] * 2)

    assert (found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms) == (1.0, 1.0, 500.0, 500.0)


def test_the_order_of_latencies_does_not_matter():
    """
    They come as the answers came and are put in order first.
    """
    assert percentiles([0.003, 0.001, 0.002]) == percentiles([0.001, 0.002, 0.003])


def test_no_latencies_come_to_zero():
    """
    A load that had no answer still has a row in the report; what failed stands beside it.
    """
    assert percentiles([]).max_ms == 0


def test_repetitions_come_to_their_median_and_range():
    """
    One disturbed round moves the range and not the median.
    """
    found = spread([100.0, 900.0, 110.0])

    assert (found.median, found.low, found.high) == (110.0, 100.0, 900.0)
