"""
A stand-in for Stripe: one account, its API, hosted pages, webhooks, control API and faults.
"""

import logging
import re
from collections.abc import Callable
from pathlib import Path

from stripe_twin import billing, checkout, control, events, pages, payments
from stripe_twin.contract import installed_contract
from stripe_twin.core.account import Account
from stripe_twin.core.api import Api
from stripe_twin.core.exchange import Request, Response, json_response
from stripe_twin.core.expand import Includables
from stripe_twin.core.faults import Faults
from stripe_twin.core.log import RequestLog
from stripe_twin.core.routes import Routes
from stripe_twin.core.store import Store
from stripe_twin.core.tasks import TaskHandlers
from stripe_twin.events import Sender

log = logging.getLogger(__name__)

STARTS_AT = 1_767_225_600
"""
2026-01-01T00:00:00Z, where a new twin's clock stands unless told otherwise.
"""


class Twin:
    """
    One twin. Same seed, same calls: same ids, same answers.

    With *file* its state survives a restart; with *log* every call and event is recorded for the contract's judge.
    Webhooks are signed at its own time, or at *signed_at*'s; the log tells when calls came by *logged_at*, if that is
    given; its pages are at *base_url*. Whatever goes wrong in the
    twin itself is in `mistakes`; a test ends by looking there.
    """

    def __init__(
        self,
        *,
        seed: str = "twin",
        starts_at: int = STARTS_AT,
        file: Path | None = None,
        log: Path | None = None,
        signed_at: Callable[[], int] | None = None,
        logged_at: Callable[[], float] | None = None,
        base_url: str = "http://127.0.0.1",
    ) -> None:
        self.log = RequestLog(log, logged_at)
        self._file = file
        self._starts_at = starts_at
        self._signed_at = signed_at
        self._base_url = base_url
        self._begin(seed)

    @property
    def mistakes(self) -> list[Exception]:
        """
        The twin's own mistakes since it began.
        """
        return self.api.mistakes

    async def respond(self, request: Request) -> Response:
        """
        Answer a request for the API, a page or the control.
        """
        if re.match(r"/v[12]/", request.path):
            return await self.api.respond(request)
        try:
            if request.path.startswith("/_twin/"):
                return await control.respond(self, request)
            return await pages.respond(self, request)
        except Exception as mistake:
            self.mistakes.append(mistake)
            log.exception("The twin's own mistake in %s %s", request.method, request.path)
            return json_response(500, {"error": {"type": "api_error", "message": f"twin: {mistake!r}"}})

    def reset(self, seed: str | None = None) -> None:
        """
        Forget everything and begin anew, with another seed if one is given; the log goes on.
        """
        self._end()
        if self._file is not None:
            for name in (self._file.name, f"{self._file.name}-wal", f"{self._file.name}-shm"):
                self._file.with_name(name).unlink(missing_ok=True)
        self._begin(seed or self.seed)

    def close(self) -> None:
        """
        Send nothing more and close the files.
        """
        self._end()
        self.log.close()

    def _begin(self, seed: str) -> None:
        self.seed = seed
        self.store = Store(self._file)
        self.account = Account(
            self.store,
            seed=seed,
            starts_at=self._starts_at,
            contract=installed_contract(),
            task_handlers=_task_handlers(),
            base_url=self._base_url,
        )
        # Deliveries are planned first, so that an event precedes those that follow from it.
        self.account.listeners += [events.plan_deliveries, billing.on_event, checkout.on_event]
        self.faults = Faults(seed)
        self.log.watch(self.store)
        self.sender = Sender(self.account, seed=seed, signed_at=self._signed_at)
        self.api = Api(
            self.account,
            routes=_routes(),
            includables=_includables(),
            faults=self.faults,
            log=self.log,
            boot=f"{seed}:{self.store.count('event')}:{self.account.now}",
        )

    def _end(self) -> None:
        self.sender.stop()
        self.store.close()


def _routes() -> Routes:
    routes = Routes()
    for part in (payments, billing, checkout, events):
        routes.include(part.ROUTES)
    return routes


def _task_handlers() -> TaskHandlers:
    return {**payments.TASKS, **billing.TASKS, **checkout.TASKS, **events.TASKS}


def _includables() -> Includables:
    return {**payments.INCLUDABLES, **billing.INCLUDABLES, **checkout.INCLUDABLES}
