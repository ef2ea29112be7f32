"""
The runtime guard of house rule 6: no call to an outside system inside a transaction.

`db.py` marks the running task while a transaction is open; every gateway asks `require_no_transaction`
before it calls out. No setting and no switch of Python's turns it off. The static twin of this guard is a rule in
tools/lint.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_transaction_is_open: ContextVar[bool] = ContextVar("transaction_is_open", default=False)


class CalledOutInsideTransaction(AssertionError):
    """
    Our own mistake: a lock would have been held while waiting for somebody else's system.
    """


@contextmanager
def transaction_open() -> Iterator[None]:
    """
    Mark the running task as inside a transaction until the block ends.
    """
    token = _transaction_is_open.set(True)
    try:
        yield
    finally:
        _transaction_is_open.reset(token)


def require_no_transaction(call: str) -> None:
    """
    Refuse to call out while a transaction is open.

    Raises:
        CalledOutInsideTransaction: the running task has an open transaction.
    """
    if _transaction_is_open.get():
        raise CalledOutInsideTransaction(call)
