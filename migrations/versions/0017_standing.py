"""
Since when customers owe what they could have paid, and how often they try cards.
"""

from rsolv.schema import run_step

revision = "0017"
down_revision = "0016"


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
