"""
Repositories, phase results, and fixes: the work we meter.
"""

from rsolv.schema import run_step

revision = "0006"
down_revision = "0005"


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
