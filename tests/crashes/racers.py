"""
Who races for a charge: each of the ways in which a debt is paid, hurried or dropped, in one process at once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from crashes.acts import Tools, heard, opened
from crashes.errands import Errand
from rsolv import audit, charges, payment_methods
from rsolv.charges.jobs import advance
from rsolv.kernel import clock

CLEAN, BUSY, RACED = "clean", "busy", "raced"
TWO = 2
_EVENTS = 8
_LATE_MAX = 40
_OPERATOR = audit.Actor("operator", "crash proof")


async def race(errand: Errand) -> list[str]:
    """
    Let all racers go for each charge at once, over connections of their own; return what went wrong with any.

    Says `RACED` for each charge that two or more really raced for: whom the database was too slow for did not.
    """
    chance = random.Random(errand.seed)  # noqa: S311 -- chance that can be repeated
    said: list[str] = []
    async with opened(errand) as tools:
        for charge in errand.charges:
            yields = [chance.randrange(_LATE_MAX) for _ in errand.racers]
            runs = (_run(tools, racer, charge, late) for racer, late in zip(errand.racers, yields, strict=True))
            answers = await asyncio.gather(*runs)
            said += [answer for answer in answers if answer not in (CLEAN, BUSY)]
            said += [RACED] * (len(answers) - answers.count(BUSY) >= TWO)
    return said


async def _run(tools: Tools, racer: str, charge: tuple[int, int], late: int) -> str:
    """
    Race for one charge after letting others go first so many times, and say how it ended.
    """
    for _ in range(late):
        await asyncio.sleep(0)
    try:
        await RACERS[racer](tools, *charge)
    except charges.ChargeCannotEnd:
        return CLEAN  # the answer to who retries or cancels what has been paid
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return BUSY if is_busy(said) else f"{racer}: {said}"
    return CLEAN


def is_busy(said: str) -> bool:
    """
    Tell whether an error says that the database was away or slow, and not that two waited for each other.
    """
    return said.startswith("Unavailable:") and "Deadlock" not in said


async def _race_as_worker(tools: Tools, customer_id: int, charge_id: int) -> None:
    await advance(tools.machine, customer_id=customer_id, charge_id=charge_id, now=tools.now)


async def _race_as_webhook(tools: Tools, customer_id: int, charge_id: int) -> None:
    for _ in range(_EVENTS):
        await heard(tools, customer_id, charge_id)


async def _race_as_operator(tools: Tools, customer_id: int, charge_id: int) -> None:
    async with tools.database.transaction() as connection:
        await charges.retry_charge(
            connection, customer_id=customer_id, charge_id=charge_id, actor=_OPERATOR, now=clock.now()
        )
    await _race_as_worker(tools, customer_id, charge_id)


async def _race_as_cancel(tools: Tools, customer_id: int, charge_id: int) -> None:
    async with tools.database.transaction() as connection:
        await charges.cancel_debt(
            connection,
            customer_id=customer_id,
            charge_id=charge_id,
            actor=_OPERATOR,
            reason="crash proof",
            now=clock.now(),
        )
    await _race_as_worker(tools, customer_id, charge_id)


async def _race_as_new_card(tools: Tools, customer_id: int, charge_id: int) -> None:
    declaration = payment_methods.Declaration(actor=_OPERATOR, ip=None, user_agent=None, at=clock.now())
    await payment_methods.attach(
        tools.database,
        tools.gateway,
        tools.bus,
        declaration,
        customer_id=customer_id,
        stripe_payment_method_id="pm_card_mastercard",
    )
    await _race_as_worker(tools, customer_id, charge_id)


RACERS: Mapping[str, Callable[[Tools, int, int], Awaitable[None]]] = {
    "worker": _race_as_worker,
    "second worker": _race_as_worker,
    "webhook": _race_as_webhook,
    "operator": _race_as_operator,
    "new card": _race_as_new_card,
    "cancel": _race_as_cancel,
}
