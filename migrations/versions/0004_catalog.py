"""
Catalogue versions with their plans, and which version a customer agreed to.
"""

from rsolv.schema import run_step

revision = "0004"
down_revision = "0003"


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
