"""
What the routes are built from, put together by `web.py`.
"""

from dataclasses import dataclass

from rsolv.api_keys import Authenticator, LastUsed
from rsolv.customers import EmailPolicy
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class Parts:
    """
    The parts and values that requests are answered with.
    """

    database: Database
    authenticator: Authenticator
    last_used: LastUsed
    bus: EventBus
    master_key: Secret
    email_policy: EmailPolicy
    ownership_required: bool
    max_body_bytes: int
    schema_version: str
