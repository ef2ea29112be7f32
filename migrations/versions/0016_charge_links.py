"""
Links by which a customer pays one charge, authenticating with their bank.
"""

from rsolv.schema import run_step

revision = "0016"
down_revision = "0015"


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
