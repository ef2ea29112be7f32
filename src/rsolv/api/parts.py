"""
What the routes are built from, put together by `web.py`.
"""

from dataclasses import dataclass

from rsolv import charges
from rsolv.api_keys import Authenticator, LastUsed
from rsolv.customers import EmailPolicy
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.kernel.secret import Secret
from rsolv.payment_methods import USUAL_LIMITS, CardLimits
from rsolv.stripe_gateway import StripeGateway


@dataclass(frozen=True, slots=True)
class Parts:
    """
    The parts and values that requests are answered with. Without a gateway nobody can pay; the rest works.
    """

    database: Database
    authenticator: Authenticator
    last_used: LastUsed
    bus: EventBus
    gateway: StripeGateway | None
    master_key: Secret
    email_policy: EmailPolicy
    ownership_required: bool
    max_body_bytes: int
    public_url: str
    schema_version: str
    billing_enabled: bool = True
    charge_cap: charges.Cap = charges.no_cap
    card_limits: CardLimits = USUAL_LIMITS
