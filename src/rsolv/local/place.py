"""
Lay out the directory of a cluster so that its server user can reach it and nobody else can.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from rsolv.local.errors import ClusterFailed
from rsolv.local.programs import SYSTEM_STORE, make_passable
from rsolv.local.system_user import SystemUser

# 108 bytes with the final NUL on Linux, 104 on macOS and the BSDs.
SOCKET_PATH_BYTES_MAX = 103
PRIVATE = 0o700
SOCKET_NAME = ".s.PGSQL.5432"


def settle(directory: Path, user: SystemUser) -> tuple[Path, bool]:
    """
    Make *directory* a place that *user* can enter, and give its real path and whether it lies elsewhere.

    No permission of a parent is ever changed. When a parent keeps the user out, the place is made
    under the system's own directory and *directory* becomes a link to it.

    Raises:
        ClusterFailed: *directory* holds data already and the user cannot enter it.
    """
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not directory.is_symlink():
        _make(directory, user)
    if user.can_enter(directory.resolve()):
        return directory.resolve(), False
    elsewhere = _elsewhere(directory)
    make_passable(elsewhere.parent)
    _make(elsewhere, user)
    if directory.is_symlink():
        directory.unlink()
    try:
        if directory.exists():
            directory.rmdir()
    except OSError:
        raise ClusterFailed(f"{directory} holds data, but the user {user.name} may not enter it.") from None
    directory.symlink_to(elsewhere, target_is_directory=True)
    return elsewhere, True


def make_ours(directory: Path, user: SystemUser | None) -> None:
    """
    Make an empty directory ours alone (0700), or such that the dedicated *user* may also pass through (0710).

    It stays root's own then, so that the server user can swap nothing in it, nor list it.
    """
    if user is not None and user.dedicated:
        os.chown(directory, 0, user.gid)
        directory.chmod(0o710)
    else:
        directory.chmod(PRIVATE)


def make_owned(directory: Path, user: SystemUser) -> None:
    """
    Make a directory that belongs to *user* alone (0700), if missing.
    """
    if directory.exists():
        return
    directory.mkdir(mode=0o700)
    if user.dedicated:
        os.chown(directory, user.uid, user.gid)


def socket_directory(place: Path, user: SystemUser) -> Path:
    """
    Give the private directory of the unix socket, made if missing.

    It lies inside *place*, unless the path would be longer than the system allows: then it is a
    directory of the temporary ones, remembered in a file of *place*.
    """
    inside = place / "socket"
    if _fits(inside):
        make_owned(inside, user)
        return inside
    remembered = remembered_socket_directory(place)
    if remembered != inside and _is_private(remembered, user):
        return remembered
    made = _temporary(user)
    (place / "socket_directory").write_text(f"{made}\n")
    return made


def remembered_socket_directory(place: Path) -> Path:
    """
    Give the directory that `socket_directory` chose the last time.
    """
    try:
        return Path((place / "socket_directory").read_text().strip())
    except FileNotFoundError:
        return place / "socket"


def _temporary(user: SystemUser) -> Path:
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 -- mkdtemp makes its own
        made = Path(tempfile.mkdtemp(prefix="rsolv-", dir=parent))
        if user.dedicated:
            os.chown(made, user.uid, user.gid)
        if _fits(made) and user.can_enter(made):
            return made
        made.rmdir()
    raise ClusterFailed("No temporary directory is short enough for PostgreSQL's socket; set TMPDIR.")


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX


def _is_private(directory: Path, user: SystemUser) -> bool:
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return status.st_uid == user.uid and stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == PRIVATE


def _make(directory: Path, user: SystemUser) -> None:
    try:
        directory.mkdir(mode=PRIVATE)
    except FileExistsError:
        return
    make_ours(directory, user)


def _elsewhere(directory: Path) -> Path:
    absolute = directory.parent.resolve() / directory.name
    return SYSTEM_STORE / hashlib.sha256(os.fsencode(absolute)).hexdigest()[:16]
