"""
Logs: one JSON object a line for machines, coloured lines for a terminal. Ids and figures, never people or secrets.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog


def set_up_logging(*, level: str, as_json: bool) -> None:
    """
    Configure structlog for this process; libraries' own loggers speak from WARNING up.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_as_json) if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


@contextmanager
def quiet_logs() -> Iterator[None]:
    """
    Let nothing be logged until the block ends: for commands, which say themselves what there is to say.
    """
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _as_json(event: Any, **_: Any) -> str:  # noqa: ANN401 -- structlog's serializer contract
    return msgspec.json.encode(event, enc_hook=str).decode()
