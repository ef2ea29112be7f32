"""
Events read back, webhook endpoints, signed deliveries with retries, and what goes wrong with them on purpose.
"""

from stripe_twin.core import Routes, TaskHandlers
from stripe_twin.events import endpoints, reading
from stripe_twin.events.endpoints import roll_secret
from stripe_twin.events.faults import WebhookFault, WebhookFaults
from stripe_twin.events.planning import (
    LIVE_RETRY_SECONDS,
    TEST_RETRY_SECONDS,
    plan_deliveries,
    retry_seconds,
    set_retry_seconds,
)
from stripe_twin.events.posting import is_this_machine, post_on_this_machine, post_with
from stripe_twin.events.sender import NotReached, Post, Sender

ROUTES = Routes()
ROUTES.include(reading.ROUTES)
ROUTES.include(endpoints.ROUTES)
TASKS: TaskHandlers = {}

__all__ = [
    "LIVE_RETRY_SECONDS",
    "ROUTES",
    "TASKS",
    "TEST_RETRY_SECONDS",
    "NotReached",
    "Post",
    "Sender",
    "WebhookFault",
    "WebhookFaults",
    "is_this_machine",
    "plan_deliveries",
    "post_on_this_machine",
    "post_with",
    "retry_seconds",
    "roll_secret",
    "set_retry_seconds",
]
