"""
Hold every SQL statement of the local installation.
"""

import asyncpg
import msgspec

from rsolv.db import Connection, Row

RefusedByServer = asyncpg.PostgresError
"""
What the server says no with, for whom to turn into a sentence.
"""

PROVIDE_ROLE_AND_DATABASE = r"""
SELECT 'CREATE ROLE rsolv LOGIN NOSUPERUSER CREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rsolv')
\gexec
SELECT 'CREATE DATABASE rsolv OWNER rsolv'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'rsolv')
\gexec
"""
"""
For psql as superuser: the role is no superuser and owns the database. Repeatable.
"""

_WAIT_FOR_DUMP = """
SELECT set_config('idle_in_transaction_session_timeout', '0', true),
       set_config('statement_timeout', '0', true)
"""
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
 ORDER BY 1
"""
_HAS_LEDGER = "SELECT to_regclass('ledger_accounts') IS NOT NULL AND to_regclass('ledger_entries') IS NOT NULL"
_LEDGER = """
SELECT a.asset, a.kind, count(*) AS accounts, sum(a.balance) AS balance,
       coalesce(sum(e.amount), 0) AS entries
  FROM ledger_accounts a
  LEFT JOIN (SELECT customer_id, account_id, sum(amount) AS amount
               FROM ledger_entries GROUP BY customer_id, account_id) e
    ON e.customer_id = a.customer_id AND e.account_id = a.id
 GROUP BY a.asset, a.kind
 ORDER BY a.asset, a.kind
"""


class LedgerSum(msgspec.Struct, frozen=True):
    """
    All accounts of one asset and kind: how many, the sums of their balances and entries in whole units.
    """

    asset: str
    kind: str
    accounts: int
    balance: int
    entries: int


class Figures(msgspec.Struct, frozen=True):
    """
    What can be counted of a database: the rows of every table, and the ledger's sums.
    """

    tables: dict[str, int]
    ledger: tuple[LedgerSum, ...]


async def figures(connection: Connection) -> Figures:
    """
    Count exactly; the caller's transaction decides of which moment.
    """
    tables = [row["name"] for row in await connection.fetch(_TABLES)]
    # A table's name cannot be a parameter; these come quoted from the catalogue itself.
    counts = {}
    for name in tables:
        counts[name] = await connection.fetchval(  # lint: allow sql-is-literal -- see above
            f"SELECT count(*) FROM {name}"  # lint: allow sql-is-literal -- see above
        )
    rows = await connection.fetch(_LEDGER) if await connection.fetchval(_HAS_LEDGER) else []
    return Figures(tables=counts, ledger=tuple(_ledger_sum(row) for row in rows))


def _ledger_sum(row: Row) -> LedgerSum:
    return LedgerSum(
        asset=row["asset"],
        kind=row["kind"],
        accounts=row["accounts"],
        balance=int(row["balance"]),  # the driver gives a sum of bigints as Decimal
        entries=int(row["entries"]),
    )


async def export_snapshot(connection: Connection) -> str:
    """
    Name this transaction's snapshot for another session, and let the transaction wait as long as that takes.
    """
    await connection.execute(_WAIT_FOR_DUMP)
    return str(await connection.fetchval("SELECT pg_export_snapshot()"))


async def server_major_version(connection: Connection) -> int:
    """
    Give PostgreSQL's major version.
    """
    return int(await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000"))


async def database_exists(connection: Connection, name: str) -> bool:
    """
    Tell whether the server has a database of that name.
    """
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name))


async def notes_restores(connection: Connection) -> bool:
    """
    Tell whether the schema is new enough to remember that it was restored.
    """
    return bool(await connection.fetchval("SELECT to_regclass('restores') IS NOT NULL"))


async def create_database(connection: Connection, name: str) -> None:
    """
    Make an empty database.
    """
    # An empty one, so that nothing a person added to template1 meets the backup's own.
    quoted = await _quoted(connection, name)
    await connection.execute(  # lint: allow sql-is-literal -- a name is no parameter; the server quotes it
        f"CREATE DATABASE {quoted} TEMPLATE template0"
    )


async def drop_database(connection: Connection, name: str) -> None:
    """
    Drop a database and whatever is connected to it.
    """
    quoted = await _quoted(connection, name)
    await connection.execute(  # lint: allow sql-is-literal -- a name is no parameter; the server quotes it
        f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)"
    )


async def _quoted(connection: Connection, name: str) -> str:
    return str(await connection.fetchval("SELECT quote_ident($1)", name))
