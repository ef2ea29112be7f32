"""
Turn the signals that ask us to stop into one orderly stop.
"""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """
    Somebody asked us to stop while we were starting; no `Exception`, so that nothing swallows it.
    """


class StopSignals:
    """
    Catch SIGINT, SIGTERM and SIGHUP within the block.

    The first one raises `StopRequested` wherever the start is, until `no_longer_raise`; from then on
    it only sets *requested*. Any further one is ignored, so that stopping is never cut short.
    """

    def __init__(self) -> None:
        self.requested = False
        self._raises = True
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is signal.SIG_IGN and number == signal.SIGHUP:
                continue  # nohup
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def no_longer_raise(self) -> None:
        """
        Only note requests from now on.
        """
        self._raises = False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        is_first = not self.requested
        self.requested = True
        if is_first and self._raises:
            raise StopRequested
