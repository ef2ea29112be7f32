"""
Run an embedded PostgreSQL under our own supervision.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from rsolv.local import data_directory, place, predecessor, programs, queries
from rsolv.local.children import bare_environment, dies_with_parent
from rsolv.local.data_directory import ROLE, SUPERUSER
from rsolv.local.errors import ClusterFailed
from rsolv.local.private_files import Lock, log_end, open_log
from rsolv.local.programs import Programs, programs_for
from rsolv.local.system_user import SystemUser, server_user

DATABASE = "rsolv"
LAUNCH_SECONDS_MAX = 10.0
RECOVERY_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.02
RETRY_SECONDS = 0.2

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    # Logs hold no personal data: no statements, no parameters, no DETAIL with the values of a row.
    "log_timezone": "UTC",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
# What a cluster for tests goes without. Autovacuum too: it runs as the superuser, so while it looks at a database our
# role may not drop that one by force.
DISPENSABLE = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")

Announce = Callable[[str], None]


class Cluster:
    """
    One PostgreSQL of ours: a data directory, a server on a private unix socket, the database `rsolv`.

    Nobody gets in without proof: over the socket the operating system names the caller (peer), and
    only the user who runs us and the server's own user are let in as the role `rsolv`, which is no
    superuser. There is no TCP. As root, the server runs as a system user of its own.

    With *durable* an acknowledged commit survives a crash of the machine; without it (tests) only
    a crash of the processes. What a person should know goes to *announce*, a line at a time.

    Start it from the main thread: on Linux the kernel stops the server when the thread that
    started it ends, however it ends.
    """

    def __init__(self, directory: Path, *, durable: bool = True, announce: Announce = lambda _line: None) -> None:
        self._directory = directory.absolute()
        self._durable = durable
        self._announce = announce
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: Lock | None = None

    def start(self) -> None:
        """
        Start the server, making the cluster first if there is none, and return when it serves.

        Idempotent. A server that an earlier run left alive (its supervisor was killed) is stopped
        and started anew, so that it is our child again; nothing it acknowledged is lost. While
        remains of a killed server are still in the way, starting is tried again for up to 10 s.

        Raises:
            AlreadyRunning: a living process runs this cluster.
            ClusterFailed: the server does not start; the sentence names its log.
        """
        if self._process is not None and self._process.poll() is None:
            return
        user = server_user()
        tools = programs_for(user)
        self._settle(user)
        self._claim()
        try:
            self._prepare(tools)
            self._launch(tools)
            self._provide_database(tools)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """
        Stop the server in order (fast: open transactions are rolled back), or else at once. Idempotent.
        """
        if self._process is not None:
            for farewell in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if self._process.poll() is None:
                    self._process.send_signal(farewell)
                try:
                    self._process.wait(STOP_SECONDS_MAX)
                    break
                except subprocess.TimeoutExpired:
                    self._announce(f"PostgreSQL did not stop within {STOP_SECONDS_MAX:.0f} s")
            self._process = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def remove(self) -> None:
        """
        Stop the server and delete the cluster with all its data, also what lies outside the directory.

        Raises:
            AlreadyRunning: another living process runs this cluster; nothing is deleted.
        """
        self.stop()
        real, sockets = self._place, self._socket_directory
        if real.exists():
            self._claim()
            self._await_end_of_predecessor()
            if sockets.parent != real:
                shutil.rmtree(sockets, ignore_errors=True)
            shutil.rmtree(real)
            self.stop()
        if self._directory.is_symlink():
            self._directory.unlink()

    def url(self, database: str = DATABASE) -> str:
        """
        Give the DSN of *database* for the role `rsolv`: asyncpg, psycopg, libpq and SQLAlchemy take it.

        It holds no secret: who may connect is decided by the operating system's user.
        """
        sockets = quote(str(self._socket_directory), safe="/")
        return f"postgresql://{ROLE}@/{quote(database, safe='')}?host={sockets}&port={SETTINGS['port']}"

    def bin(self, name: str) -> Path:
        """
        Give the path of one of PostgreSQL's programs, such as `psql`, `pg_dump` or `pgbench`.
        """
        return programs.installed() / name

    @property
    def pid(self) -> int | None:
        """
        The process id of the server we started, or None.
        """
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        """
        Whether the server we started is still there.
        """
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """
        The file the server logs to.
        """
        return self._place / "postgres.log"

    @property
    def _place(self) -> Path:
        return self._directory.resolve()

    @property
    def _data(self) -> Path:
        return self._place / "data"

    @property
    def _socket_directory(self) -> Path:
        return place.remembered_socket_directory(self._place)

    def _settle(self, user: SystemUser) -> None:
        real, is_elsewhere = place.settle(self._directory, user)
        if is_elsewhere:
            self._announce(f"The user {user.name} may not enter {self._directory}: the data is kept in {real}")

    def _claim(self) -> None:
        lock = self._lock or Lock(self._place / "lock")
        lock.acquire()
        self._lock = lock

    def _prepare(self, tools: Programs) -> None:
        if not (self._data / "PG_VERSION").exists():
            data_directory.initialise(self._data, tools, durable=self._durable)
        data_directory.check_version(self._data, tools)
        data_directory.write_access_rules(self._data, tools.user)
        place.socket_directory(self._place, tools.user)

    def _stop_predecessor(self, tools: Programs) -> None:
        if not predecessor.may_live(self._data) or not self._serves(tools):
            return
        self._announce("Stopping the PostgreSQL that an earlier run left behind")
        stop = ["stop", f"--pgdata={self._data}", "--wait", f"--timeout={STOP_SECONDS_MAX:.0f}"]
        if not tools.succeeds("pg_ctl", *stop, "--mode=fast"):
            tools.run("pg_ctl", *stop, "--mode=immediate")

    def _await_end_of_predecessor(self) -> None:
        tools = programs_for(server_user())
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while predecessor.may_live(self._data):
            self._stop_predecessor(tools)
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)

    def _launch(self, tools: Programs) -> None:
        deadline = time.monotonic() + LAUNCH_SECONDS_MAX
        while True:
            self._stop_predecessor(tools)
            self._process = self._spawn(tools)
            if self._wait_until_serving(tools):
                return
            if time.monotonic() > deadline:
                raise ClusterFailed(f"PostgreSQL does not start. The end of {self.log}:\n{log_end(self.log)}")
            # A killed server may not be reaped yet, or its backends are still exiting.
            predecessor.forget_if_dead(self._data, self._socket_directory)
            time.sleep(RETRY_SECONDS)

    def _spawn(self, tools: Programs) -> subprocess.Popen[bytes]:
        command = [tools.path("postgres"), "-D", str(self._data)]
        for name, value in self._settings().items():
            command += ["-c", f"{name}={value}"]
        log = open_log(self.log)
        try:
            return subprocess.Popen(
                command,
                cwd="/",
                env=bare_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, who stops us in order
                preexec_fn=dies_with_parent(signal.SIGINT),  # noqa: PLW1509 -- one prctl call, looked up before
                **tools.user.identity(),
            )
        finally:
            os.close(log)

    def _settings(self) -> dict[str, str]:
        dispensable = dict.fromkeys(DISPENSABLE, "on" if self._durable else "off")
        return SETTINGS | dispensable | {"unix_socket_directories": str(self._socket_directory)}

    def _wait_until_serving(self, tools: Programs) -> bool:
        """
        Wait until a connection works; False when the server ended instead.
        """
        deadline = time.monotonic() + RECOVERY_SECONDS_MAX
        while self.is_running:
            if self._serves(tools) and predecessor.recorded_pid(self._data) == self.pid:
                return True
            if time.monotonic() > deadline:
                raise ClusterFailed(f"PostgreSQL is not ready after {RECOVERY_SECONDS_MAX:.0f} s; see {self.log}.")
            time.sleep(POLL_SECONDS)
        return False

    def _serves(self, tools: Programs) -> bool:
        """
        Tell by a connection, never by a process id, whether a server of this cluster is alive.
        """
        sockets = self._socket_directory
        if not (sockets / place.SOCKET_NAME).exists():
            return False
        return tools.succeeds("pg_isready", "--quiet", f"--host={sockets}", f"--port={SETTINGS['port']}")

    def _provide_database(self, tools: Programs) -> None:
        login = [f"--host={self._socket_directory}", f"--port={SETTINGS['port']}", f"--username={SUPERUSER}"]
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=postgres"]
        tools.run("psql", *options, *login, stdin=queries.PROVIDE_ROLE_AND_DATABASE)
