"""
Who a customer is at Stripe.
"""

from rsolv.schema import run_step

revision = "0009"
down_revision = "0008"


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
