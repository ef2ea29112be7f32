"""
The server's time: the machine's plus an offset that only grows.
"""

from pathlib import Path

import pytest

from stripe_twin.machine_clock import MachineClock
from stripe_twin.twin import Twin

NOON = 1_800_000_000


class Watch:
    """
    A machine's clock that a test sets.
    """

    def __init__(self, shows: int) -> None:
        self.shows = shows

    def __call__(self) -> int:
        """
        Read it.
        """
        return self.shows


@pytest.fixture
def watch() -> Watch:
    """
    The machine's clock.
    """
    return Watch(NOON)


def test_it_goes_with_the_machine_s(watch: Watch) -> None:
    """
    Second by second.
    """
    twin = Twin(starts_at=NOON)
    clock = MachineClock(twin, watch)
    watch.shows += 5
    clock.catch_up()

    assert twin.account.now == NOON + 5


def test_what_the_control_moved_stays_moved(watch: Watch) -> None:
    """
    Time goes on from there.
    """
    twin = Twin(starts_at=NOON)
    clock = MachineClock(twin, watch)
    twin.account.advance(NOON + 3600)
    clock.catch_up()
    watch.shows += 5
    clock.catch_up()

    assert twin.account.now == NOON + 3605


def test_it_never_goes_back(watch: Watch) -> None:
    """
    Also when the machine's clock does; then it goes on from where it stood.
    """
    twin = Twin(starts_at=NOON)
    clock = MachineClock(twin, watch)
    watch.shows -= 1000
    clock.catch_up()
    standing = twin.account.now
    watch.shows += 5
    clock.catch_up()

    assert (standing, twin.account.now) == (NOON, NOON + 5)


@pytest.mark.parametrize(("away", "expected"), [(0, 3600), (50, 3650)], ids=["at once", "later"])
def test_after_a_restart_it_is_where_it_would_be(tmp_path: Path, watch: Watch, away: int, expected: int) -> None:
    """
    The machine's time plus the kept offset, and never before the kept time.
    """
    file = tmp_path / "stripe.sqlite3"
    twin = Twin(starts_at=NOON, file=file)
    twin.account.advance(NOON + 3600)
    MachineClock(twin, watch).catch_up()
    twin.close()
    watch.shows += away

    again = Twin(starts_at=watch.shows, file=file)
    MachineClock(again, watch).catch_up()

    assert again.account.now == NOON + expected
    again.close()


def test_killed_before_the_offset_was_kept_it_does_not_go_back(tmp_path: Path, watch: Watch) -> None:
    """
    The kept time itself is enough.
    """
    file = tmp_path / "stripe.sqlite3"
    twin = Twin(starts_at=NOON, file=file)
    twin.account.advance(NOON + 3600)
    twin.close()
    watch.shows += 50

    again = Twin(starts_at=watch.shows, file=file)
    MachineClock(again, watch).catch_up()

    assert again.account.now == NOON + 3600
    again.close()


def test_after_a_reset_it_is_the_machine_s_again(watch: Watch) -> None:
    """
    The offset is forgotten with everything else.
    """
    twin = Twin(starts_at=NOON)
    clock = MachineClock(twin, watch)
    twin.account.advance(NOON + 3600)
    clock.catch_up()
    watch.shows += 5
    twin.reset()
    clock.catch_up()

    assert twin.account.now == NOON + 5


def test_a_mistake_stops_the_clock_until_a_reset(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """
    It is noted once, and requests are still answered.
    """
    twin = Twin(starts_at=NOON)
    clock = MachineClock(twin, watch)
    with twin.store.unit():
        twin.account.schedule("nobody knows this", {}, at=NOON + 5)
    watch.shows += 10
    clock.catch_up()
    watch.shows += 10
    clock.catch_up()
    mistakes, stands_at = len(twin.mistakes), twin.account.now
    twin.reset()
    clock.catch_up()

    assert (mistakes, stands_at) == (1, NOON)
    assert "stands still" in caplog.text
    assert twin.account.now == NOON + 20
