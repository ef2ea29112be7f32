"""
${message}
"""

from rsolv.schema import run_step

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


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
