"""
Run pgbench beside the product, on the same cluster, and read what it says.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg

from rsolv.db import APPLICATION_ROLE, IDLE_IN_TRANSACTION_TIMEOUT, LOCK_TIMEOUT, STATEMENT_TIMEOUT
from rsolv.local.cluster import Cluster

HERE = Path(__file__).parent
LEAST_DATABASE = "least"
LEAST_DEBIT = HERE / "least_debit.sql"
THREADS = 2
BALANCE = 1_000_000_000


class PgbenchFailed(Exception):
    """
    pgbench ended with an error, or with transactions that failed.
    """


@dataclass(frozen=True)
class PgbenchResult:
    """
    What one run came to.
    """

    transactions: int
    per_second: float
    latency_ms: float


@dataclass(frozen=True)
class Pgbench:
    """
    pgbench against one database, with as many connections as the product is loaded with.
    """

    cluster: Cluster
    database: str
    connections: int

    def run(
        self, script: Path, *, seconds: float, variables: dict[str, str], as_product: bool = False
    ) -> PgbenchResult:
        """
        Run a script for whole *seconds*; *as_product* with the role and the time limits of the product's connections.

        Raises:
            PgbenchFailed: a transaction failed, or pgbench did.
        """
        command = [str(self.cluster.bin("pgbench")), "--no-vacuum", "--protocol=prepared"]
        command += [
            f"--client={self.connections}",
            f"--jobs={min(THREADS, self.connections)}",
            f"--time={max(round(seconds), 1)}",
        ]
        command += [f"--file={script}"]
        command += [f"--define={name}={value}" for name, value in variables.items()]
        command.append(self.cluster.url(self.database))
        environment = dict(os.environ) | ({"PGOPTIONS": product_options()} if as_product else {})
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        result = read_result(done.stdout)
        if done.returncode != 0 or result is None:
            raise PgbenchFailed(done.stderr.strip() or done.stdout.strip())
        return result


def read_result(output: str) -> PgbenchResult | None:
    """
    Read pgbench's report; None when it is no report of a run without failures.
    """
    done = re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", output, re.MULTILINE)
    latency = re.search(r"^latency average = ([\d.]+) ms", output, re.MULTILINE)
    if not (done and rate and latency) or (failed and int(failed.group(1))):
        return None
    return PgbenchResult(int(done.group(1)), float(rate.group(1)), float(latency.group(1)))


def product_options() -> str:
    """
    Write what the product sets on its connections as options of libpq.
    """
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
    }
    settings = [f"-c {name}={limit // timedelta(milliseconds=1)}" for name, limit in limits.items()]
    return " ".join([f"-c role={APPLICATION_ROLE}", *settings])


async def make_least_tables(cluster: Cluster, *, customers: int) -> None:
    """
    Make the tables of the least debit in a database of their own on the same cluster.
    """
    owner = await asyncpg.connect(cluster.url())
    try:
        await owner.execute(f"CREATE DATABASE {LEAST_DATABASE}")
    finally:
        await owner.close()
    owner = await asyncpg.connect(cluster.url(LEAST_DATABASE))
    try:
        await owner.execute((HERE / "least_tables.sql").read_text(encoding="utf-8"))
        await owner.execute(
            "INSERT INTO least_accounts SELECT id, $2 FROM generate_series(1, $1::bigint) AS id", customers, BALANCE
        )
        await owner.execute("ANALYZE")
    finally:
        await owner.close()
