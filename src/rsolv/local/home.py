"""
Keep what an installation remembers between starts, and tell others where it runs.
"""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rsolv.local import place
from rsolv.local.errors import LocalFailure
from rsolv.local.private_files import Lock, write_private
from rsolv.local.system_user import SystemUser

SECRET_KEY_BASE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DemoCustomer:
    """
    The customer a local installation brings along, and the key to try things with.
    """

    email: str
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class Run:
    """
    Where a running installation is reached; *pids* of postgres (None when external), stripe, web, worker, supervisor.

    *stripe_url* is that of the twin, None when Stripe itself is used.
    """

    base_url: str
    stripe_url: str | None
    pids: dict[str, int | None]
    demo: DemoCustomer | None
    database_url: str = field(repr=False)

    def as_json(self) -> str:
        """
        Write it down as `run.json` has it.
        """
        return json.dumps(asdict(self), indent=2) + "\n"


class Home:
    """
    The directory of one installation (RSOLV_HOME): private to its user, run by one process at a time.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._lock: Lock | None = None

    @property
    def cluster(self) -> Path:
        """
        The directory of the embedded PostgreSQL.
        """
        return self.directory / "postgres"

    @property
    def stripe_twin(self) -> Path:
        """
        The directory of the stand-in for Stripe.
        """
        return self.directory / "stripe"

    @property
    def webhook_endpoint(self) -> Path:
        """
        The file that remembers where the stand-in for Stripe delivers, and its secret.
        """
        return self.directory / "webhook_endpoint.json"

    @property
    def logs(self) -> Path:
        """
        The directory of the processes' logs.
        """
        return self.directory / "log"

    def claim(self, server_user: SystemUser | None = None) -> None:
        """
        Make the directory if missing and hold it until `release` or our death. Forgets a run that was killed.

        A dedicated *server_user* may pass through a directory that we make, so that its data can lie in it.

        Raises:
            AlreadyRunning: another living process holds it.
            LocalFailure: the directory exists, is not empty and others may enter it.
        """
        self._make_directory(server_user)
        lock = Lock(self.directory / "lock")
        lock.acquire()
        self._lock = lock
        self.withdraw()
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def release(self) -> None:
        """
        Let another process have the directory. Idempotent.
        """
        if self._lock is not None:
            self.withdraw()
            self._lock.release()
            self._lock = None

    def secret_key_base(self) -> str:
        """
        Give this installation's secret (64 hexadecimal characters), made once.

        Raises:
            LocalFailure: the file holds something else; it is left as it is, since sessions depend on it.
        """
        file = self.directory / "secret_key_base"
        if not file.exists():
            write_private(file, secrets.token_hex(32) + "\n")
        secret = file.read_text().strip()
        if not SECRET_KEY_BASE.fullmatch(secret):
            raise LocalFailure(f"{file} does not hold 64 hexadecimal characters; restore it from a backup.")
        return secret

    def remembered_demo(self) -> DemoCustomer | None:
        """
        Give the demo customer of an earlier start, if one is remembered.
        """
        try:
            kept = json.loads((self.directory / "demo.json").read_text())
            return DemoCustomer(email=str(kept["email"]), api_key=str(kept["api_key"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def remember_demo(self, demo: DemoCustomer) -> None:
        """
        Keep the demo customer for the next start.
        """
        write_private(self.directory / "demo.json", json.dumps(asdict(demo)) + "\n")

    def remembered_stripe_port(self) -> int:
        """
        Give the port that the stand-in for Stripe had at an earlier start; 0, any free one, when there was none.
        """
        try:
            return int((self.directory / "stripe_port").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def remember_stripe_port(self, port: int) -> None:
        """
        Keep the port of the stand-in for Stripe for the next start.
        """
        write_private(self.directory / "stripe_port", f"{port}\n")

    def publish(self, run: Run) -> None:
        """
        Tell others, atomically, that everything is ready and where.
        """
        write_private(self.directory / "run.json", run.as_json())

    def withdraw(self) -> None:
        """
        Take back what `publish` told. Idempotent.
        """
        (self.directory / "run.json").unlink(missing_ok=True)

    def database_url(self) -> str | None:
        """
        Give the database of the installation that runs here now, or None.
        """
        return self._published("database_url")

    def base_url(self) -> str | None:
        """
        Give the address of the installation that runs here now, or None.
        """
        return self._published("base_url")

    def stripe_url(self) -> str | None:
        """
        Give the address of the twin of Stripe that runs here now, or None.
        """
        return self._published("stripe_url")

    def _published(self, name: str) -> str | None:
        try:
            found = json.loads((self.directory / "run.json").read_text())[name]
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return None if found is None else str(found)

    def _make_directory(self, server_user: SystemUser | None) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(self.directory.iterdir()):
            place.make_ours(self.directory, server_user)
        elif self.directory.stat().st_mode & 0o067:
            raise LocalFailure(
                f"Others may enter {self.directory}, which will hold secrets: run `chmod 700` on it "
                "or set RSOLV_HOME to a directory that does not exist yet."
            )
