"""
The ledger: accounts, postings, entries, grants, and the view customers see.
"""

from rsolv.schema import run_step

revision = "0007"
down_revision = "0006"


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
