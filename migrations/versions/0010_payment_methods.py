"""
How customers pay: cards, the consent to charge them, and the pages on which they are entered.
"""

from rsolv.schema import run_step

revision = "0010"
down_revision = "0009"


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
