"""
Reconciliation: runs, discrepancies, and restored databases.
"""

from rsolv.schema import run_step

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """
    See the .up.sql beside this file.
    """
    run_step(__file__, "up")


def downgrade() -> None:
    """
    See the .down.sql beside this file.
    """
    run_step(__file__, "down")
