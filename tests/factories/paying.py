"""
What can be seen of how customers pay: here, and at Stripe.
"""

from dataclasses import dataclass, field
from typing import Any

import asyncpg

from rsolv.kernel.events import EventBus
from rsolv.payment_methods import ConsentGiven, ConsentWithdrawn, PaymentMethodAdded, PaymentMethodRemoving
from stripe_twin.twin import Twin


@dataclass
class Heard:
    """
    A bus, and the events about payment methods that were published on it.
    """

    bus: EventBus = field(default_factory=EventBus)
    events: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """
        Listen to all of them.
        """
        for event_type in (PaymentMethodAdded, PaymentMethodRemoving, ConsentGiven, ConsentWithdrawn):
            self.bus.subscribe(event_type, self._note)

    async def _note(self, _connection: object, event: object) -> None:
        self.events.append(event)


async def bonuses(owner: asyncpg.Connection) -> list[tuple[int, int]]:
    """
    Return the credits granted for adding a card: customer and figure.
    """
    rows = await owner.fetch(
        "SELECT customer_id, amount FROM credit_transactions WHERE source = 'trial_billing_added' ORDER BY id"
    )
    return [(row["customer_id"], row["amount"]) for row in rows]


async def cards_of(owner: asyncpg.Connection, customer_id: int) -> list[asyncpg.Record]:
    """
    Return a customer's payment methods, removed ones too, the oldest first.
    """
    return list(await owner.fetch("SELECT * FROM payment_methods WHERE customer_id = $1 ORDER BY id", customer_id))


async def count(owner: asyncpg.Connection, table: str) -> int:
    """
    Count the rows of a table.
    """
    return int(await owner.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 -- a name of ours


def attached(twin: Twin) -> set[tuple[str, str]]:
    """
    Return what is attached at Stripe: customer and payment method.
    """
    return {(each["customer"], each["id"]) for each in twin.store.all("payment_method") if each["customer"]}


def default_at_stripe(twin: Twin) -> list[str | None]:
    """
    Return which payment method is the default of each customer at Stripe.
    """
    return [each["invoice_settings"]["default_payment_method"] for each in twin.store.all("customer")]
