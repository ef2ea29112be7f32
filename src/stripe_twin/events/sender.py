"""
Sends what is due: signs each try afresh, tries again with back-off, gives up (docs.stripe.com/webhooks).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from stripe_twin.core import Account, Record
from stripe_twin.core.tasks import MAIN_CLOCK
from stripe_twin.events import endpoints, planning
from stripe_twin.events.faults import WebhookFault, WebhookFaults
from stripe_twin.events.signatures import signature_header

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""
Posts a body to a URL with these headers and returns the status of the answer.
"""

BEHIND_SECONDS = 60
DISABLED_AFTER_SECONDS = 3 * 24 * 3600
DISABLED_AFTER_TRIES = 20
_HEALTH = "_endpoint_health"


class NotReached(Exception):
    """
    A post that brought no answer; the message says why.
    """


class Sender:
    """
    Sends the deliveries of one account, whenever it is told to.

    *signed_at* is the time that signatures carry: the receiver compares it with its own clock. Without it, the twin's.
    """

    def __init__(self, account: Account, *, seed: str, signed_at: Callable[[], int] | None = None) -> None:
        self._account = account
        self._signed_at = signed_at or (lambda: account.now_on(MAIN_CLOCK))
        self._one_round = asyncio.Lock()
        self._is_stopped = False
        self.faults = WebhookFaults(seed)

    async def deliver_due(self, post: Post, *, at_once: int = 1) -> int:
        """
        Send all that is due, and what becomes due by that, *at_once* at a time; return how many tries were made.

        At most one caller sends at a time, so no delivery is sent twice without a fault.
        """
        tries = 0
        async with self._one_round:
            while not self._is_stopped and (due := planning.due(self._account)):
                to_send = self._let_through(due)
                for first in range(0, len(to_send), at_once):
                    sent = await asyncio.gather(*(self._try(one, post) for one in to_send[first : first + at_once]))
                    tries += sum(sent)
        return tries

    def release(self) -> int:
        """
        Let go all at once what a burst holds; return how many.
        """
        held = [one for one in reversed(self._account.store.all(planning.KIND)) if one["state"] == "held"]
        with self._account.store.unit():
            for one in held:
                self._wait(one["id"])
        return len(held)

    def redeliver(self, delivery_id: str) -> Record:
        """
        Have a delivery sent once more, whatever became of it.

        Raises:
            StripeError: there is no such delivery.
        """
        self._account.get(planning.KIND, delivery_id, what="delivery")
        with self._account.store.unit():
            return self._wait(delivery_id)

    def stop(self) -> None:
        """
        Send and note nothing more.
        """
        self._is_stopped = True

    def _wait(self, delivery_id: str) -> Record:
        delivery = self._account.store.edit(planning.KIND, delivery_id)
        delivery["state"] = "waiting"
        planning.put_off(self._account, delivery, until=self._account.now_on(MAIN_CLOCK))
        return delivery

    # --- faults

    def _let_through(self, due: list[Record]) -> list[str]:
        """
        Let deliveries that have not met a fault yet meet one; return the ids of those to send now.
        """
        with self._account.store.unit():
            return [one["id"] for one in due if one["has_met_faults"] or self._survives(one["id"])]

    def _survives(self, delivery_id: str) -> bool:
        delivery = self._account.store.edit(planning.KIND, delivery_id)
        delivery["has_met_faults"] = True
        fault = self.faults.strike(delivery["type"])
        if fault is None:
            return True
        delivery["fault"] = fault.kind
        return self._struck(delivery, fault)

    def _struck(self, delivery: Record, fault: WebhookFault) -> bool:
        account, now = self._account, self._account.now_on(MAIN_CLOCK)
        match fault.kind:
            case "duplicated":
                event = account.get("event", delivery["event"])
                planning.add(account, event, delivery["endpoint"], copy_of=delivery)
            case "reordered":
                planning.put_off(account, delivery, until=now + BEHIND_SECONDS, behind=True)
                return False
            case "delayed":
                planning.put_off(account, delivery, until=now + max(fault.seconds, 1))
                return False
            case "dropped" | "burst":
                planning.call_off(account, delivery)
                delivery["state"] = "dropped" if fault.kind == "dropped" else "held"
                return False
            case "stale":
                delivery["signed_ago_seconds"] = fault.seconds
            case "badly_signed" | "old_version" | "unknown_type":
                pass  # what is sent will show it
        return True

    # --- one try

    async def _try(self, delivery_id: str, post: Post) -> bool:
        account = self._account
        delivery = account.get(planning.KIND, delivery_id)
        endpoint = account.store.find(endpoints.KIND, delivery["endpoint"])
        if endpoint is None or endpoint["status"] == "disabled":
            self._give_up(delivery_id)
            return False
        content = planning.body(account, delivery)
        signed_at, signature = self._signature(delivery, content)
        attempt: Record = {"url": endpoint["url"], "signed_at": signed_at, "status": None, "error": None}
        try:
            attempt["status"] = await post(endpoint["url"], _headers(signature), content)
        except NotReached as error:
            attempt["error"] = str(error)
        if not self._is_stopped:
            self._note(delivery_id, attempt)
        return True

    def _signature(self, delivery: Record, content: bytes) -> tuple[int, str]:
        secrets = endpoints.valid_secrets(self._account, delivery["endpoint"])
        signed_at = self._signed_at()
        if not delivery["tries"] and delivery["fault"] == "badly_signed":
            secrets = [f"not {secret}" for secret in secrets]
        if not delivery["tries"] and delivery["fault"] == "stale":
            signed_at -= delivery["signed_ago_seconds"]
        return signed_at, signature_header(content, secrets, signed_at=signed_at)

    def _give_up(self, delivery_id: str) -> None:
        """
        Send nothing to an endpoint that was deleted or disabled meanwhile (docs.stripe.com/webhooks, "Retry behavior").
        """
        with self._account.store.unit():
            delivery = self._account.store.edit(planning.KIND, delivery_id)
            planning.call_off(self._account, delivery)
            delivery["state"] = "failed"

    def _note(self, delivery_id: str, attempt: Record) -> None:
        account, now = self._account, self._account.now_on(MAIN_CLOCK)
        with account.store.unit():
            delivery = account.store.edit(planning.KIND, delivery_id)
            delivery["tries"].append({"at": now, **attempt})
            planning.call_off(account, delivery)
            is_delivered = 200 <= (attempt["status"] or 0) < 300  # noqa: PLR2004 -- any 2xx acknowledges
            if is_delivered:
                self._note_success(delivery)
            else:
                pauses = planning.retry_seconds(account)[len(delivery["tries"]) - 1 :]
                delivery["state"] = "waiting" if pauses else "failed"
                if pauses:
                    planning.put_off(account, delivery, until=now + pauses[0])
            self._note_health(delivery["endpoint"], is_delivered=is_delivered)
            planning.release_those_behind(account)

    def _note_success(self, delivery: Record) -> None:
        delivery["state"] = "delivered"
        if delivery["delivered_at"] is None and delivery["copy_of"] is None:
            self._account.store.edit("event", delivery["event"])["pending_webhooks"] -= 1
        delivery["delivered_at"] = self._account.now_on(MAIN_CLOCK)

    def _note_health(self, endpoint_id: str, *, is_delivered: bool) -> None:
        """
        Disable an endpoint that has failed for days without a break (docs.stripe.com/webhooks, "Disable behavior").
        """
        store, now = self._account.store, self._account.now_on(MAIN_CLOCK)
        if store.find(endpoints.KIND, endpoint_id) is None:
            return
        if store.find(_HEALTH, endpoint_id) is None:
            if is_delivered:
                return
            store.add(_HEALTH, {"id": endpoint_id, "failures": 0, "failing_since": now})
        health = store.edit(_HEALTH, endpoint_id)
        if is_delivered:
            health["failures"], health["failing_since"] = 0, None
            return
        health["failures"] += 1
        health["failing_since"] = health["failing_since"] or now
        has_failed_long = now - health["failing_since"] >= DISABLED_AFTER_SECONDS
        if has_failed_long and health["failures"] >= DISABLED_AFTER_TRIES:
            store.edit(endpoints.KIND, endpoint_id)["status"] = "disabled"


def _headers(signature: str) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "accept": "*/*; q=0.5, application/xml",
        "cache-control": "no-cache",
        "stripe-signature": signature,
    }
