"""
Customers, the look-up of their addresses, and the events of their onboarding.
"""

from rsolv.schema import run_step

revision = "0002"
down_revision = "0001"


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
