"""
Counting, and what the reference says of it.
"""

import re
from pathlib import Path

import pytest

from rsolv import telemetry, web
from rsolv.webhooks import stripe_deliveries

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_the_reference_lists_every_counter_with_its_values() -> None:
    """
    What is added, renamed or removed changes docs/reference/metrics.md in the same commit.
    """
    assert web.METRICS_PATH in REFERENCE.read_text(encoding="utf-8")
    listed = [
        (name, label, tuple(re.findall(r"`(\w+)`", values)), meaning)
        for name, label, values, meaning in ROW.findall(REFERENCE.read_text(encoding="utf-8"))
    ]

    assert listed == [(each.name, each.label, each.values, each.meaning) for each in telemetry.list_counters()]


async def test_a_value_that_never_occurred_is_shown_as_zero() -> None:
    """
    So that an alert has something to look at before the first time.
    """
    shown = (await telemetry.scrape()).decode()

    for value in stripe_deliveries.DELIVERIES.values:
        assert re.search(rf'^rsolv_webhook_deliveries_total{{outcome="{value}"}} [0-9.e+]+$', shown, re.MULTILINE)
    assert "_created" not in shown


async def test_a_value_that_was_not_named_cannot_be_counted() -> None:
    """
    Or callers could make as many series as they like.
    """
    before = await telemetry.scrape()

    with pytest.raises(KeyError):
        stripe_deliveries.DELIVERIES.count("something a caller sent")

    assert await telemetry.scrape() == before
