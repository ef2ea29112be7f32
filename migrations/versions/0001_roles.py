"""
The role that web and worker act as, and what it may do by default.
"""

from rsolv.schema import run_step

revision = "0001"
down_revision = None


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
