"""
Refunds and disputes of what an invoice took.
"""

from rsolv.schema import run_step

revision = "0020"
down_revision = "0019"


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
