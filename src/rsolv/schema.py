"""
The database's schema: migrating it up and down, and knowing which version this code needs.

Alembic keeps the order; what a step does is raw SQL in two files beside it (`NNNN_name.up.sql`, `.down.sql`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

CURRENT_VERSION = "SELECT version_num FROM alembic_version"  # lint: allow sql-only-in-queries -- Alembic's own table
"""
The version a database is at; the table is missing until the first step has run.
"""


def needed_version() -> str:
    """
    Return the newest version this code brings, read from the file names so that a web process need not load Alembic.
    """
    return max(path.name.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def upgrade(database_url: str, version: str = "head") -> None:
    """
    Bring the database up to *version*; each step is a transaction of its own, and a repeat does nothing.
    """
    from alembic import command  # noqa: PLC0415 -- 40 MB that only this needs

    command.upgrade(_config(database_url), version)


def downgrade(database_url: str, version: str) -> None:
    """
    Take the database back to *version* ("base": to nothing). Data of the steps undone is lost.
    """
    from alembic import command  # noqa: PLC0415 -- see upgrade

    command.downgrade(_config(database_url), version)


def run_step(step: str, direction: str) -> None:
    """
    Run one step's SQL, *step* being its file (`__file__`) and *direction* up or down. Only Alembic calls this.
    """
    run_sql(Path(step).with_suffix(f".{direction}.sql").read_text(encoding="utf-8"))


def run_sql(sql: str) -> None:
    """
    Run statements, one or several, in the step that Alembic is running.
    """
    from alembic import op  # noqa: PLC0415 -- see upgrade

    # asyncpg runs several statements only without parameters, on its own connection object.
    raw: Any = op.get_bind().connection.dbapi_connection  # SQLAlchemy's wrapper; its type knows no run_async
    raw.run_async(lambda connection: connection.execute(sql))


def _config(database_url: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 -- see upgrade

    config = Config(attributes={"database_url": database_url})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
