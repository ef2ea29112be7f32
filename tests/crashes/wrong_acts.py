"""
What a process does that is deliberately wrong: each act leaves one safeguard out, for the judge to notice.
"""

import asyncio
import signal
from collections.abc import Callable
from uuid import uuid4

import httpx

from crashes.acts import KEY, Act, Tools, opened
from crashes.errands import Errand
from rsolv import charges, ledger
from rsolv.stripe_gateway import API_VERSION, Payment


async def pay_in_one_step(errand: Errand) -> list[str]:
    """
    Create and confirm in one call, under one key for the debt: where keys are forgotten, a repeat pays again.
    """
    return await _pay(errand, lambda charge_id: f"charge {charge_id}")


async def pay_with_new_key(errand: Errand) -> list[str]:
    """
    Take a new key for each try, also after one whose outcome is not known.
    """
    return await _pay(errand, lambda charge_id: f"charge {charge_id} {uuid4()}")


async def race_without_lease(errand: Errand) -> list[str]:
    """
    Have two workers charge at once, neither knowing of the other.
    """
    await asyncio.gather(pay_with_new_key(errand), pay_with_new_key(errand))
    return []


async def settle_blindly(errand: Errand) -> list[str]:
    """
    Post a payment without asking whether the charge has moved on, under a cause of this process's own.
    """
    async with opened(errand) as tools:
        for charge in errand.charges:
            payment = await tools.gateway.read_payment(await _payment_of(tools, *charge))
            tools.at("X10")
            await _post(tools, charge, payment, leg=f"{charge[1]}-{uuid4()}")
            tools.at("X12")
    return []


async def settle_early(errand: Errand) -> list[str]:
    """
    Post the money before it is asked for, and die before asking.
    """
    async with opened(errand) as tools:
        for charge in errand.charges:
            payment = await tools.gateway.read_payment(await _payment_of(tools, *charge))
            await _post(tools, charge, payment, leg=str(charge[1]))
            tools.at("X9")
            await tools.gateway.confirm_payment(payment.id, payment_method_id=await _card(tools, charge[0]), key="late")
    return []


def _http(errand: Errand) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=errand.stripe_url, trust_env=False, timeout=errand.patience_seconds)


async def _pay(errand: Errand, key_of: Callable[[int], str]) -> list[str]:
    async with opened(errand) as tools, _http(errand) as http:
        for customer_id, charge_id in errand.charges:
            async with tools.database.reading() as connection:
                charge = await charges.get_charge(connection, customer_id=customer_id, charge_id=charge_id)
            asked = {
                "amount": charge.amount_cents,
                "currency": charge.currency,
                "customer": await _stripe_customer(tools, customer_id),
                "payment_method": await _card(tools, customer_id),
                "confirm": "true",
                "off_session": "true",
                "automatic_payment_methods[enabled]": "true",
                "automatic_payment_methods[allow_redirects]": "never",
                "metadata[rsolv_charge_id]": str(charge_id),
            }
            answer = await http.post(
                "/v1/payment_intents",
                data=asked,
                headers={
                    "authorization": f"Bearer {KEY.reveal()}",
                    "stripe-version": API_VERSION,
                    "idempotency-key": key_of(charge_id),
                },
            )
            assert answer.status_code == httpx.codes.OK, answer.text
            tools.at("X10")
    return []


async def _post(tools: Tools, charge: tuple[int, int], payment: Payment, *, leg: str) -> None:
    async with tools.database.transaction() as connection:
        await ledger.post_money(
            connection,
            customer_id=charge[0],
            currency=payment.currency,
            amounts_cents={"processor": payment.amount_cents, "revenue": -payment.amount_cents},
            source="purchased",
            cause=ledger.Cause("charge", leg, "money"),
            metadata={"stripe_payment_id": payment.id},
        )


async def _payment_of(tools: Tools, customer_id: int, charge_id: int) -> str:
    async with tools.database.reading() as connection:
        charge = await charges.get_charge(connection, customer_id=customer_id, charge_id=charge_id)
    assert charge.stripe_payment_id is not None, "made before"
    return charge.stripe_payment_id


async def _stripe_customer(tools: Tools, customer_id: int) -> str:
    async with tools.database.reading() as connection:
        found = await connection.fetchval(
            "SELECT stripe_customer_id FROM stripe_customers WHERE customer_id = $1", customer_id
        )
    return str(found)


async def _card(tools: Tools, customer_id: int) -> str:
    async with tools.database.reading() as connection:
        found = await connection.fetchval(
            "SELECT stripe_payment_method_id FROM payment_methods WHERE customer_id = $1 AND is_default", customer_id
        )
    return str(found)


async def wait_for_ever(_errand: Errand) -> list[str]:
    """
    Wait for what nobody does.
    """
    await asyncio.Event().wait()
    return []


async def stand_still(_errand: Errand) -> list[str]:
    """
    Keep the loop from everything, its own deadline too.
    """
    signal.pause()
    return []


WRONG_ACTS: dict[str, Act] = {
    "pay in one step": pay_in_one_step,
    "pay with a new key": pay_with_new_key,
    "race without lease": race_without_lease,
    "settle blindly": settle_blindly,
    "settle early": settle_early,
    "stand still": stand_still,
    "wait for ever": wait_for_ever,
}
