"""
Know under which operating system user PostgreSQL runs: never root.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from rsolv.local.errors import ClusterFailed

DEDICATED_NAME = "rsolv-postgres"


class Identity(TypedDict, total=False):
    """
    The arguments of `subprocess` that make a child run as somebody else.
    """

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class SystemUser:
    """
    The user a PostgreSQL of ours runs as; *dedicated* when root dropped to it.
    """

    name: str
    uid: int
    gid: int
    dedicated: bool

    def identity(self) -> Identity:
        """
        Give the arguments for `subprocess`; empty when nothing has to be dropped.
        """
        if not self.dedicated:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, directory: Path) -> bool:
        """
        Tell, by trying, whether this user can traverse every parent down into *directory*.
        """
        if not self.dedicated:
            return os.access(directory, os.X_OK)
        return self._succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)])

    def can_run(self, program: Path) -> bool:
        """
        Tell, by trying, whether this user can execute *program*.
        """
        return self._succeeds([str(program), "--version"])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(command, cwd="/", env={}, capture_output=True, check=False, **self.identity())
        except OSError:
            return False
        return done.returncode == 0


def server_user() -> SystemUser:
    """
    Find the user that PostgreSQL runs as: the caller, or for root a dedicated system user, made when missing.

    Raises:
        ClusterFailed: the caller has no user name, or the dedicated user cannot be made.
    """
    if os.geteuid() != 0:
        return _system_user(_named(os.geteuid()), dedicated=False)
    try:
        return _system_user(pwd.getpwnam(DEDICATED_NAME), dedicated=True)
    except KeyError:
        _create_dedicated_user()
    return _system_user(pwd.getpwnam(DEDICATED_NAME), dedicated=True)


def caller_name() -> str:
    """
    Name the user who runs us.
    """
    return _named(os.geteuid()).pw_name


def _named(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise ClusterFailed(
            f"PostgreSQL needs a user with a name, and user id {uid} has none; run as another user or set DATABASE_URL."
        ) from None


def _system_user(entry: pwd.struct_passwd, *, dedicated: bool) -> SystemUser:
    return SystemUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, dedicated=dedicated)


def _create_dedicated_user() -> None:
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    if useradd := shutil.which("useradd", path=search):
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", DEDICATED_NAME]
    elif adduser := shutil.which("adduser", path=search):  # busybox
        command = [adduser, "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", DEDICATED_NAME]
    else:
        raise ClusterFailed("PostgreSQL refuses to run as root, and neither useradd nor adduser is here.")
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        pwd.getpwnam(DEDICATED_NAME)
    except KeyError:
        raise ClusterFailed(
            f"PostgreSQL refuses to run as root and the user {DEDICATED_NAME} could not be made: {made.stderr.strip()}"
        ) from None
