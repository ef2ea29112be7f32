"""
The server's time: the machine's clock plus an offset, which grows when the control moves the twin's clock.
"""

import logging
import time
from collections.abc import Callable

from stripe_twin.core.tasks import MAIN_CLOCK
from stripe_twin.twin import Twin

log = logging.getLogger(__name__)
_OFFSET = ("_server", "offset")


def machine_seconds() -> int:
    """
    Return what the machine's clock shows.
    """
    return int(time.time())


class MachineClock:
    """
    Moves a twin's clock along with the machine's.

    The offset is kept with the state, so that time goes on after a restart from where it would stand, never back.
    """

    def __init__(self, twin: Twin, read: Callable[[], int] = machine_seconds) -> None:
        self._twin = twin
        self._read = read
        self._stuck: object = None

    def catch_up(self) -> None:
        """
        Bring the twin's clock to the machine's time plus the offset; where it is ahead already, enlarge the offset.

        A mistake of the twin on the way stops its clock until it is reset, and is in its `mistakes`.
        """
        account = self._twin.account
        if self._stuck is account:
            return
        machine, now = self._read(), account.now_on(MAIN_CLOCK)
        kept = account.store.find(*_OFFSET)
        offset = kept["seconds"] if kept else 0
        if now > machine + offset:
            self._keep(now - machine)
        elif now < machine + offset:
            try:
                account.advance(machine + offset)
            except Exception as mistake:
                self._stuck = account
                self._twin.mistakes.append(mistake)
                log.exception("The twin's clock stands still")

    def _keep(self, offset: int) -> None:
        store = self._twin.store
        with store.unit():
            if store.find(*_OFFSET) is None:
                store.add(_OFFSET[0], {"id": _OFFSET[1], "seconds": offset})
            else:
                store.edit(*_OFFSET)["seconds"] = offset
