"""
State what can go wrong with a local installation, each as one sentence for the person at the terminal.
"""

from pathlib import Path


class LocalFailure(Exception):
    """
    Expected trouble of a local installation: printed as a sentence, never as a stack trace.
    """

    exit_code = 1


class ClusterFailed(LocalFailure):
    """
    The embedded PostgreSQL cannot be started or used.
    """


class AlreadyRunning(LocalFailure):
    """
    A living process holds the installation.
    """

    exit_code = 5

    def __init__(self, *, directory: Path, pid: int | None) -> None:
        self.directory = directory
        self.pid = pid
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{directory} is in use by {holder}; stop it first.")


class PortTaken(LocalFailure):
    """
    Another program listens where we want to listen.
    """

    exit_code = 5

    def __init__(self, *, host: str, port: int) -> None:
        self.port = port
        super().__init__(f"Port {port} on {host} is taken; stop what listens there or set PORT to another one.")


class DatabaseUnusable(LocalFailure):
    """
    The database cannot be reached, or it refuses us.
    """

    exit_code = 7

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The database cannot be used: {reason}")


class StripeUnusable(LocalFailure):
    """
    There is no Stripe to ask, nor a twin of it.
    """

    exit_code = 7

    def __init__(self, *, home: Path) -> None:
        super().__init__(f"STRIPE_API_KEY is not set, and no twin of Stripe runs in {home}; start one with `make run`.")


class DatabaseExists(LocalFailure):
    """
    A database of that name is there already; none is ever overwritten.
    """

    exit_code = 5

    def __init__(self, *, name: str) -> None:
        super().__init__(f"There is a database {name} already; choose another name.")


class FileExists(LocalFailure):
    """
    A file of that name is there already; no backup is ever overwritten.
    """

    exit_code = 5

    def __init__(self, *, path: Path) -> None:
        super().__init__(f"{path} exists already; choose another name.")


class FileMissing(LocalFailure):
    """
    A file that belongs to a backup is not there.
    """

    exit_code = 3

    def __init__(self, *, path: Path) -> None:
        super().__init__(f"There is no file {path}.")


class BackupUnusable(LocalFailure):
    """
    A backup cannot be trusted.
    """

    def __init__(self, *, file: Path, reason: str) -> None:
        super().__init__(f"{file} is refused: {reason}.")
