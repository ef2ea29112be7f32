"""
Write files that one user alone may read, whole or not at all.
"""

import fcntl
import os
import tempfile
import time
from pathlib import Path

from rsolv.local.errors import AlreadyRunning
from rsolv.local.system_user import SystemUser

LOG_BYTES_MAX = 16 * 1024 * 1024
HOLDER_SECONDS_MAX = 1.0
HOLDER_POLL_SECONDS = 0.01


def write_private(path: Path, text: str, *, owner: SystemUser | None = None) -> None:
    """
    Replace a file that its owner alone may read (0600), atomically and durably.

    A new file is made beside it and never an existing one opened, so that a link planted in a
    directory of *owner* is not followed with our rights.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            if owner is not None and owner.dedicated:
                os.fchown(file.fileno(), owner.uid, owner.gid)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def open_log(path: Path) -> int:
    """
    Open a log (0600) for appending and give its descriptor; a big one is set aside as `.1` first.
    """
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def log_end(path: Path) -> str:
    """
    Give the last lines of a log, for the person who has to know why something did not start.
    """
    return "\n".join(path.read_text(errors="replace").splitlines()[-4:])


class Lock:
    """
    An exclusive lock on a file that names its holder; the kernel drops it when the holder dies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """
        Take the lock or say at once who has it. Idempotent.

        Raises:
            AlreadyRunning: another living process holds it.
        """
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise AlreadyRunning(directory=self._path.parent, pid=holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """
        Give the lock back. Idempotent.
        """
        if self._descriptor is None:
            return
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None


def _holder(descriptor: int) -> int | None:
    """
    Read the holder's process id; a holder who just came may not have written it yet.
    """
    deadline = time.monotonic() + HOLDER_SECONDS_MAX
    while time.monotonic() < deadline:
        written = os.pread(descriptor, 32, 0).decode().strip()
        if written.isdigit() and _is_alive(int(written)):
            return int(written)
        time.sleep(HOLDER_POLL_SECONDS)
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
