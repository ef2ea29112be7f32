"""
What the figures were measured on; neither paths nor names of the machine.
"""

import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import asyncpg
import psutil

from rsolv.local.cluster import Cluster

PACKAGES = ("asyncpg", "httptools", "msgspec", "starlette", "structlog", "uvicorn", "uvloop")
SETTINGS = (
    "server_version",
    "autovacuum",
    "checkpoint_timeout",
    "data_checksums",
    "fsync",
    "full_page_writes",
    "jit",
    "max_connections",
    "max_wal_size",
    "shared_buffers",
    "synchronous_commit",
    "wal_level",
    "wal_sync_method",
)
FSYNC_SECONDS_MAX = 15.0
GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Machine:
    """
    Hardware, system and versions.
    """

    cpu: str
    cores: int
    memory_gb: float
    kernel: str
    file_system: str
    python: str
    packages: dict[str, str]
    postgresql: dict[str, str]
    fdatasync_per_second: float | None


async def describe(cluster: Cluster, directory: Path) -> Machine:
    """
    Look at the machine; *directory* is where the cluster's data lies.
    """
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        memory_gb=round(psutil.virtual_memory().total / GIGABYTE, 1),
        kernel=f"{platform.system()} {platform.release()}",
        file_system=_file_system(directory),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: version(name) for name in PACKAGES},
        postgresql=await _postgresql_settings(cluster.url()),
        fdatasync_per_second=_fdatasync_per_second(cluster.bin("pg_test_fsync"), directory),
    )


def busy_seconds() -> float:
    """
    Give the processor time that everything on this machine has used since it started.
    """
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def read_fdatasync(report: str) -> float | None:
    """
    Read from pg_test_fsync's report how many 8 kB writes a second it forced out by fdatasync, one at a time.
    """
    found = re.search(r"^\s+fdatasync\s+([\d.]+) ops/sec", report, re.MULTILINE)
    return float(found.group(1)) if found else None


def _fdatasync_per_second(program: Path, directory: Path) -> float | None:
    """
    Run pg_test_fsync as far as the figure we want; the rest of its tests take another quarter of a minute.
    """
    if not program.exists():
        return None
    file = directory / "fsync-test"
    report = ""
    process = subprocess.Popen(
        [str(program), "--secs-per-test=1", f"--filename={file}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None, "a pipe"
    deadline = time.monotonic() + FSYNC_SECONDS_MAX
    for line in process.stdout:
        report += line
        if read_fdatasync(report) is not None or time.monotonic() > deadline:
            break
    process.terminate()
    process.communicate()
    file.unlink(missing_ok=True)
    return read_fdatasync(report)


async def _postgresql_settings(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1) ORDER BY name",
            list(SETTINGS),
        )
    finally:
        await connection.close()
    return {row["name"]: row["value"] for row in rows}


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    text = information.read_text(encoding="utf-8") if information.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _file_system(directory: Path) -> str:
    """
    Name the type of the file system; on one in memory, forcing a commit out costs nothing.
    """
    partitions = [
        partition
        for partition in psutil.disk_partitions(all=True)
        if directory.resolve().is_relative_to(partition.mountpoint)
    ]
    nearest = max(partitions, key=lambda partition: len(partition.mountpoint), default=None)
    return nearest.fstype if nearest else "unknown"
