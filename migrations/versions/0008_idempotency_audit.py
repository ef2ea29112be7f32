"""
Answers kept for repeats, and the record of who did what.
"""

from rsolv.schema import run_step

revision = "0008"
down_revision = "0007"


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
