"""
The job queue's tables.

This step alone is not SQL in a file beside it: the tables belong to pgqueuer, whose locked version writes them.
"""

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

from rsolv.schema import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """
    Install the queue.
    """
    run_sql(QueryBuilderEnvironment().build_install_query())


def downgrade() -> None:
    """
    Remove the queue and every job in it.
    """
    run_sql(QueryBuilderEnvironment().build_uninstall_query())
