"""
What many measured values come to.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Percentiles:
    """
    Latencies in milliseconds: half, 95 and 99 of 100 answers took at most this long.
    """

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Spread:
    """
    The median of repeated measurements with the lowest and the highest of them.
    """

    median: float
    low: float
    high: float


def percentile(ordered: Sequence[float], percent: int) -> float:
    """
    Give the smallest of the ascending values that *percent* of 100 do not exceed (nearest rank, nothing interpolated).
    """
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def percentiles(latencies_seconds: Sequence[float]) -> Percentiles:
    """
    Sum latencies up; all zero when there are none.
    """
    ordered = sorted(latencies_seconds) or [0.0]
    return Percentiles(
        p50_ms=percentile(ordered, 50) * 1_000,
        p95_ms=percentile(ordered, 95) * 1_000,
        p99_ms=percentile(ordered, 99) * 1_000,
        max_ms=ordered[-1] * 1_000,
    )


def spread(values: Sequence[float]) -> Spread:
    """
    Give the median and the range of repeated measurements.
    """
    return Spread(median=median(values), low=min(values), high=max(values))
