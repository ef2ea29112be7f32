"""
What a home promises: private, one secret for ever, and no surprise about a directory that is not ours.
"""

import os
from pathlib import Path

import pytest

from rsolv.local import AlreadyRunning, LocalFailure
from rsolv.local.home import Home


def test_a_directory_that_others_may_enter_is_refused_when_it_holds_something(tmp_path: Path) -> None:
    """
    We neither put secrets into it nor change the rights of what is not ours.
    """
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "somebodys").touch()

    with pytest.raises(LocalFailure, match="Others may enter"):
        Home(shared).claim()

    assert shared.stat().st_mode & 0o777 == 0o755


def test_an_empty_directory_becomes_a_private_home(tmp_path: Path) -> None:
    """
    A freshly mounted volume is as good as none.
    """
    volume = tmp_path / "volume"
    volume.mkdir()
    volume.chmod(0o755)

    Home(volume).claim()

    assert volume.stat().st_mode & 0o777 == 0o700


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    """
    Every start of one home has the same 64 hexadecimal characters, every home its own.
    """
    secrets = [Home(_made(tmp_path / name)).secret_key_base() for name in ("one", "one", "two")]

    assert secrets[0] == secrets[1] != secrets[2]


def test_a_damaged_secret_is_not_replaced(tmp_path: Path) -> None:
    """
    A new one would silently end every session; a person decides.
    """
    file = tmp_path / "secret_key_base"
    file.write_text("short\n")

    with pytest.raises(LocalFailure, match="64 hexadecimal"):
        Home(tmp_path).secret_key_base()

    assert file.read_text() == "short\n"


def test_a_run_that_was_killed_is_forgotten_by_the_next_claim(tmp_path: Path) -> None:
    """
    Nobody is sent to processes that are no more.
    """
    home = Home(tmp_path / "home")
    home.claim()
    home.release()
    (home.directory / "run.json").write_text('{"database_url": "postgresql://stale"}')

    home.claim()

    assert home.database_url() is None


def test_a_home_that_is_held_names_its_holder(tmp_path: Path) -> None:
    """
    Two cannot run in one home.
    """
    holder = Home(tmp_path / "home")
    holder.claim()

    with pytest.raises(AlreadyRunning) as refusal:
        Home(tmp_path / "home").claim()

    holder.release()
    assert refusal.value.pid == os.getpid()


def test_planted_bug_another_lock_file_would_let_two_in(tmp_path: Path) -> None:
    """
    It is the lock on that one file that keeps the second out.
    """
    holder, second = Home(tmp_path / "home"), Home(tmp_path / "home")
    holder.claim()
    (tmp_path / "home" / "lock").rename(tmp_path / "home" / "lock.other")

    second.claim()

    second.release()
    holder.release()


def _made(directory: Path) -> Path:
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory
