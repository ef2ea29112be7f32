"""
A row that measured too little, or whose bug was not caught, is not fine, and the file that is kept says so.
"""

from dataclasses import replace

import pytest

from bench.machine import Machine
from crashes.judge import Verdict
from crashes.report import PROMISED, Extent, as_markdown
from crashes.table import HEADS, Row, sums_of

FINE = Row(
    weather="storm",
    what="X9",
    kills=1_000,
    kills_wanted=1_000,
    verdict=Verdict(debts=1_400),
    unclean=(),
    bug="a new key for each try",
    is_bug_caught=True,
    struck=3_000,
)
MACHINE = Machine(
    cpu="cpu",
    cores=2,
    memory_gb=1.0,
    kernel="kernel",
    file_system="fs",
    python="python",
    packages={},
    postgresql={"server_version": "18"},
    fdatasync_per_second=None,
)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (replace(FINE, kills=999), "only 999 of 1000"),
        (replace(FINE, is_bug_caught=False), "the planted bug was not caught"),
        (replace(FINE, unclean=("worker: a deadlock",)), "a deadlock"),
        (replace(FINE, verdict=Verdict(debts=1, lost_charges=("never paid",))), "never paid"),
    ],
)
def test_a_row_that_is_not_fine_says_why(row: Row, sentence: str) -> None:
    """
    On the terminal and in the file.
    """
    written = as_markdown("storm", [FINE, row], extent=PROMISED, minutes=1, machine=MACHINE)

    assert FINE.is_fine
    assert not row.is_fine
    assert sentence in row.complaints()[0]
    assert f"- **{row.complaints()[0]}**" in written


def test_a_run_that_stays_below_what_is_promised_says_so() -> None:
    """
    Of kills at each point, of races and of timeouts.
    """
    extent = Extent(kills=100, races=9_999, timeouts=4_999)
    races, timeouts = (replace(FINE, weather=each, kills=100, kills_wanted=100) for each in ("race", "timeouts"))
    few_kills = as_markdown("storm", [replace(FINE, kills=100)], extent=extent, minutes=1, machine=MACHINE)
    few_races = as_markdown("timeouts and races", [races, timeouts], extent=extent, minutes=1, machine=MACHINE)
    full = as_markdown("storm", [FINE], extent=PROMISED, minutes=1, machine=MACHINE)

    assert [each.count("promised are") for each in (few_kills, few_races, full)] == [1, 2, 0]
    assert "Nothing was wrong" in full


def test_a_run_that_was_broken_off_says_so() -> None:
    """
    What it did until then is kept, and does not pass for the whole.
    """
    written = as_markdown(
        "storm", [FINE], extent=PROMISED, minutes=1, machine=MACHINE, broken_off=["broken off after 1 row"]
    )

    assert "- **broken off after 1 row**" in written
    assert "Nothing was wrong" not in written


def test_the_last_line_sums_the_figures() -> None:
    """
    One cell for each head; one bug that was not caught is enough.
    """
    sums = sums_of([FINE, replace(FINE, is_bug_caught=False)])

    assert len(sums) == len(FINE.cells) == len(HEADS)
    assert sums[2:5] == ("2,800", "2,000", "6,000")
    assert sums[-1] == "NOT ALL"
    assert sums_of([])[2:5] == ("0", "0", "0")
