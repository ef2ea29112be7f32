"""
What events are handled with, and what handling one comes to.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from rsolv.billing_events.rules import BillingEvent, Verdict
from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway

Settle = Callable[[Connection], Awaitable[Verdict]]
"""
Believes what was read, in the transaction that also marks the event.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """
    What events are handled with.
    """

    database: Database
    gateway: StripeGateway
    bus: EventBus
    now: datetime


Look = Callable[[Means, BillingEvent], Awaitable[Settle | Verdict]]
"""
Finds out what is true, calling Stripe; answers at once where nothing is to be believed.
"""
