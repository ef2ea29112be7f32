"""
Nobody calls an outside system while a transaction is open.
"""

import asyncio

import pytest

from rsolv.kernel.outside import CalledOutInsideTransaction, require_no_transaction, transaction_open


def test_a_call_outside_a_transaction_is_let_through() -> None:
    """
    Nothing is open, so nothing is held.
    """
    require_no_transaction("stripe.create_customer")


def test_a_call_inside_a_transaction_is_refused_by_name() -> None:
    """
    The error names the call, because it is a mistake of ours to be found.
    """
    with transaction_open(), pytest.raises(CalledOutInsideTransaction, match=r"^stripe\.create_customer$"):
        require_no_transaction("stripe.create_customer")


def test_the_guard_lets_go_when_the_block_ends() -> None:
    """
    After the transaction, also after one that failed, calls are let through again.
    """
    with pytest.raises(ZeroDivisionError), transaction_open():
        _ = 1 / 0

    require_no_transaction("stripe")


def test_an_inner_block_does_not_open_the_outer_one() -> None:
    """
    A block inside another leaves the outer one guarded.
    """
    with transaction_open():
        with transaction_open():
            pass
        with pytest.raises(CalledOutInsideTransaction):
            require_no_transaction("stripe")


async def test_one_task_in_a_transaction_does_not_stop_another() -> None:
    """
    The guard knows whose transaction is open.
    """
    opened, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        with transaction_open():
            opened.set()
            await done.wait()

    holding = asyncio.create_task(hold())
    await opened.wait()
    require_no_transaction("stripe")
    done.set()
    await holding


async def test_a_task_started_inside_a_transaction_is_inside_it_too() -> None:
    """
    Gathering calls in tasks is no way around the guard.
    """

    async def call() -> None:
        require_no_transaction("stripe")

    with transaction_open(), pytest.raises(CalledOutInsideTransaction):
        await asyncio.create_task(call())
