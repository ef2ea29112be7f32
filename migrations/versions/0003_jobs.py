"""
The job queue's tables.

This step alone is not SQL in a file beside it: the tables belong to pgqueuer, whose locked version writes them.
"""

from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """
    Install the queue.
    """
    run(QueryBuilderEnvironment().build_install_query())


def downgrade() -> None:
    """
    Remove the queue and every job in it.
    """
    run(QueryBuilderEnvironment().build_uninstall_query())


def run(sql: str) -> None:
    """
    Run several statements on asyncpg's own connection object.
    """
    raw = op.get_bind().connection.dbapi_connection
    raw.run_async(lambda connection: connection.execute(sql))
