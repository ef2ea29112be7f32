"""
Judge what an earlier PostgreSQL left in a data directory.
"""

import sys
from pathlib import Path

from rsolv.local.place import SOCKET_NAME

PID_FILE = "postmaster.pid"
SOCKET_LOCK_FILE = f"{SOCKET_NAME}.lock"


def recorded_pid(data: Path) -> int | None:
    """
    Read the process id that the last postmaster of *data* wrote down, if the file is still there.
    """
    return _first_number(data / PID_FILE)


def may_live(data: Path) -> bool:
    """
    Tell whether a postmaster of *data* may be alive.
    """
    pid = recorded_pid(data)
    return pid is not None and not is_dead(pid, data)


def is_dead(pid: int, data: Path) -> bool:
    """
    Tell whether *pid* is certainly not a postmaster of *data* any more.

    PostgreSQL itself takes a zombie, or a stranger who got the same number, for the old
    postmaster. Where the system cannot tell us more (no /proc), the answer is False.
    """
    if not sys.platform.startswith("linux"):
        return False
    process = Path("/proc") / str(pid)
    try:
        name_end = (process / "stat").read_text().rpartition(")")
        state = name_end[2].split()[0]
        if state in "ZX":
            return True
        return (process / "cwd").resolve(strict=True) != data.resolve()
    except (FileNotFoundError, ProcessLookupError):
        return True
    except PermissionError:
        return False


def forget_if_dead(data: Path, sockets: Path) -> None:
    """
    Remove the lock files of a postmaster that is certainly dead: of its data directory and of its socket.

    Its backends may still be exiting; PostgreSQL checks that by itself, by the shared memory
    it finds from the data directory's inode.
    """
    for file in (data / PID_FILE, sockets / SOCKET_LOCK_FILE):
        pid = _first_number(file)
        if pid is not None and is_dead(pid, data):
            file.unlink(missing_ok=True)


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
