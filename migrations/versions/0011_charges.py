"""
Charges: debts, the payments that collect them, and every attempt written down before it is made.
"""

from rsolv.schema import run_step

revision = "0011"
down_revision = "0010"


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
