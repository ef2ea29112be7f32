"""
The link by which a customer pays one charge, authenticating with their bank.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, dying
from charges.test_declines import notices
from rsolv import charges
from rsolv.audit import SYSTEM
from rsolv.charges import Held, Link
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.payments import finish_authentication

BACK = "https://us.example/back"
ASKS = "pm_card_authenticationRequired"
ASKS_IN_VAIN = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
DAY = timedelta(days=1)
KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])
POINTS_BY_LINK = ["X3", "X8", "X9", "X10", "X11", "X12"]


async def waiting(stage: Stage, card: str = ASKS) -> int:
    """
    Leave a charge whose bank wants the customer.
    """
    await stage.add_card(card, at=NOW + SECOND)
    charge_id = await stage.fix()
    assert (await stage.advance(charge_id)).state == "requires_action"
    return charge_id


async def link_to(stage: Stage, charge_id: int) -> Link:
    """
    Return the link that the customer gets.
    """
    charge = await stage.charge(charge_id)
    return Link(customer_id=stage.customer_id, charge_id=charge_id, token=charge.link_token)


async def click(stage: Stage, charge_id: int, *, at: datetime = NOW, **machine: object) -> str | None:
    """
    Press the button.
    """
    stage.twin.account.advance(int(at.timestamp()))
    link = await link_to(stage, charge_id)
    return await charges.pay_by_link(stage.machine(**machine), link, return_url=BACK, now=at)


async def click_until_sent(stage: Stage, charge_id: int, *, at: datetime = NOW) -> str | None:
    """
    Press the button until there is somewhere to go, or nothing to pay; leases of dead processes end meanwhile.
    """
    for _ in range(20):
        at += timedelta(minutes=2)
        await stage.end_leases()
        await stage.advance(charge_id, at=at)
        url = await click(stage, charge_id, at=at)
        if url is not None or (await stage.charge(charge_id)).state == "succeeded":
            return url
    raise AssertionError(await stage.charge(charge_id))


async def at_bank(stage: Stage, charge_id: int, *, succeeded: bool = True) -> None:
    """
    Answer the bank's question.
    """
    payment_id = str((await stage.charge(charge_id)).stripe_payment_id)
    with stage.twin.store.unit():
        finish_authentication(stage.twin.account, payment_id, succeeded=succeeded)


async def come_back(stage: Stage, charge_id: int, *, at: datetime = NOW) -> charges.Charge:
    """
    Come back from the bank's page.
    """
    await charges.look_by_link(stage.machine(), await link_to(stage, charge_id), now=at)
    return await stage.charge(charge_id)


async def rows(stage: Stage) -> list[asyncpg.Record]:
    """
    Return all that charges have written.
    """
    return [
        *await stage.owner.fetch("SELECT * FROM charge_intents ORDER BY id"),
        *await stage.owner.fetch("SELECT * FROM charge_attempts ORDER BY id"),
    ]


async def test_a_customer_pays_by_their_link(stage: Stage) -> None:
    """
    On to the bank, back, and it is paid: one payment, by an attempt of its own, and nobody is mailed what they see.
    """
    charge_id = await waiting(stage)

    url = await click(stage, charge_id)
    sent = await stage.charge(charge_id)
    await at_bank(stage, charge_id)
    await come_back(stage, charge_id)

    assert str(url).startswith("http")
    assert (sent.state, stage.theirs()[0]["amount_received"]) == ("requires_action", sent.amount_cents)
    confirms = [attempt for attempt in (await stage.explained(charge_id)).attempts if attempt.kind == "confirm"]
    assert [attempt.customer_present for attempt in confirms] == [False, True]
    assert await notices(stage) == ["requires_action", "succeeded"]
    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


async def test_a_customer_who_never_comes_back_has_paid_all_the_same(stage: Stage) -> None:
    """
    The worker looks.
    """
    charge_id = await waiting(stage)
    await click(stage, charge_id)
    await at_bank(stage, charge_id)

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


async def test_a_second_click_leads_to_the_same_page(stage: Stage) -> None:
    """
    The bank is asked already: no further attempt.
    """
    charge_id = await waiting(stage)
    first = await click(stage, charge_id)
    attempts = (await stage.explained(charge_id)).attempts

    second = await click(stage, charge_id, at=NOW + SECOND)

    assert second == first
    assert (await stage.explained(charge_id)).attempts == attempts


async def test_what_is_paid_is_not_paid_again(stage: Stage) -> None:
    """
    Neither by clicking nor by looking.
    """
    charge_id = await waiting(stage)
    await click(stage, charge_id)
    await at_bank(stage, charge_id)
    await come_back(stage, charge_id)
    before = await rows(stage)

    assert await click(stage, charge_id) is None
    await come_back(stage, charge_id)

    assert await rows(stage) == before
    await stage.require_paid_once(charge_id)


async def test_another_token_opens_nothing(stage: Stage) -> None:
    """
    Not an empty one, one of another charge, one that is nearly right or no text of ours; no trace is left.
    """
    charge_id, other_id = await waiting(stage), await stage.fix()
    link = await link_to(stage, charge_id)
    before = await rows(stage)

    for token in ("", (await link_to(stage, other_id)).token, link.token[:-1], f"{link.token}0", "é"):
        await require_unknown(stage, replace(link, token=token))
    await require_unknown(stage, replace(link, customer_id=stage.customer_id + 1))
    await require_unknown(stage, replace(link, charge_id=other_id))

    assert await rows(stage) == before
    await stage.require_nothing_moved()


async def require_unknown(stage: Stage, link: Link) -> None:
    """
    Insist that a link is nobody's, for who looks and for who pays.
    """
    with pytest.raises(charges.UnknownLink):
        await charges.pay_by_link(stage.machine(), link, return_url=BACK, now=NOW)
    with pytest.raises(charges.UnknownLink):
        await charges.look_by_link(stage.machine(), link, now=NOW)


async def test_planted_bug_one_token_for_two_charges_is_noticed(stage: Stage) -> None:
    """
    It is the token that refuses, and the check above sees when it does not.
    """
    charge_id, other_id = await waiting(stage), await stage.fix()
    link = await link_to(stage, charge_id)
    await stage.owner.execute("UPDATE charge_intents SET link_token = $1", link.token)

    with pytest.raises(pytest.fail.Exception):
        await require_unknown(stage, replace(link, charge_id=other_id))


async def test_tokens_are_long_and_their_own(stage: Stage) -> None:
    """
    244 bits each, and none is shown where a charge is written to a log.
    """
    links = [await link_to(stage, await stage.fix()) for _ in range(20)]

    assert len({link.token for link in links}) == 20
    assert {len(link.token) for link in links} == {64}
    assert links[0].token not in repr(await stage.charge(links[0].charge_id))


@KEYS
@pytest.mark.parametrize("point", POINTS_BY_LINK)
async def test_a_process_that_dies_at_any_point_leaves_nothing_stuck(stage: Stage, point: str, keys: str) -> None:
    """
    The worker finds what it left; the customer clicks again, and has paid once.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    charge_id = await waiting(stage)
    with pytest.raises(Died):
        await click_dying(stage, charge_id, point)

    await click_until_sent(stage, charge_id)
    await at_bank(stage, charge_id)
    await stage.finish(charge_id, at=NOW + timedelta(hours=2))

    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


async def click_dying(stage: Stage, charge_id: int, point: str) -> None:
    """
    Press the button, whose process dies on the way.
    """
    link = await link_to(stage, charge_id)
    await charges.pay_by_link(stage.machine(at=dying(point)), link, return_url=BACK, now=NOW)


@pytest.mark.parametrize("point", POINTS_BY_LINK)
async def test_a_click_that_nobody_follows_up_is_found_by_the_schedule(stage: Stage, point: str) -> None:
    """
    Wherever the process died: the charge has its time, and when that has passed it is promised anew.
    """
    charge_id = await waiting(stage)
    with suppress(Died):
        await click_dying(stage, charge_id, point)
    await stage.end_leases()

    async with stage.database.transaction() as connection:
        assert await charges.wake_overdue(connection, now=NOW + timedelta(minutes=3)) == 1


@KEYS
@pytest.mark.parametrize("call", [0, 1, 2], ids=["looking", "confirming", "coming-back"])
@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_ends_with_one_payment(stage: Stage, kind: FaultKind, call: int, keys: str) -> None:
    """
    The customer clicks again until they are sent on; the worker sees to the rest.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    charge_id = await waiting(stage)
    stage.twin.faults.plan([Fault(kind, skip=call)])
    url = await click(stage, charge_id)
    url = url or await click_until_sent(stage, charge_id)
    assert url is not None
    await at_bank(stage, charge_id)

    await stage.finish(charge_id, at=NOW + timedelta(hours=2))

    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


@KEYS
async def test_many_clicks_and_workers_at_once_make_one_payment(stage: Stage, keys: str) -> None:
    """
    With and without a lease that keeps them apart.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    stage.twin.faults.latency_seconds = 0.005
    charge_id = await waiting(stage)
    wake_at = (await stage.charge(charge_id)).wake_at
    assert wake_at is not None

    for lease in (timedelta(seconds=45), timedelta(0)):
        clicks = (click(stage, charge_id, at=wake_at, lease=lease) for _ in range(5))
        await asyncio.gather(*clicks, *(stage.advance(charge_id, at=wake_at) for _ in range(3)))
    await click_until_sent(stage, charge_id, at=wake_at)
    await at_bank(stage, charge_id)
    visits = (come_back(stage, charge_id) for _ in range(5))
    await asyncio.gather(*visits, stage.advance(charge_id, at=NOW + timedelta(hours=1)))

    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


async def no_room(_connection: object, _intent: object, _now: object) -> Held:
    """
    Stand in for a cap that is reached.
    """
    return Held("no_room")


@pytest.mark.parametrize(
    ("machine", "reason"), [({"billing_enabled": False}, "billing_off"), ({"cap": no_room}, "no_room")]
)
async def test_the_last_look_is_taken_when_the_customer_is_there_too(
    stage: Stage, machine: dict[str, object], reason: str
) -> None:
    """
    Billing off, or a cap reached: no attempt is made, and the charge waits for that.
    """
    charge_id = await waiting(stage)
    attempts = (await stage.explained(charge_id)).attempts

    assert await click(stage, charge_id, **machine) is None

    assert (await stage.charge(charge_id)).parked_reason == reason
    assert (await stage.explained(charge_id)).attempts == attempts
    await stage.require_nothing_moved()


async def test_without_consent_a_link_pays_nothing(stage: Stage) -> None:
    """
    A click is no consent to be charged for fixes; with one given anew, it pays.
    """
    charge_id = await waiting(stage)
    await stage.withdraw_consent(at=NOW + 2 * SECOND)

    held = await click(stage, charge_id, at=NOW + 3 * SECOND)
    parked = await stage.charge(charge_id)
    await stage.add_card(ASKS, at=NOW + 4 * SECOND)
    sent = await click(stage, charge_id, at=NOW + 5 * SECOND)

    assert (held, parked.parked_reason) == (None, "no_consent")
    assert sent is not None


async def test_a_customer_tries_ten_times_a_day(stage: Stage) -> None:
    """
    The eleventh is told when to come again, and changes nothing; a day after the first there is room again.
    """
    charge_id = await waiting(stage)
    for number in range(10):
        assert await click(stage, charge_id, at=NOW + number * SECOND) is not None
        await at_bank(stage, charge_id, succeeded=False)
        await come_back(stage, charge_id, at=NOW + number * SECOND)
    before = await rows(stage)

    with pytest.raises(charges.TooManyTries) as refused:
        await click(stage, charge_id, at=NOW + timedelta(hours=23))

    assert refused.value.again_at == NOW + DAY
    charge = await stage.charge(charge_id)
    assert (charge.declines, charge.wake_at) == (1, NOW + DAY), "the dunning schedule is the worker's"
    assert await notices(stage) == ["requires_action", "declined"]
    assert await rows(stage) == before
    assert await click(stage, charge_id, at=NOW + DAY) is not None


@pytest.mark.damages_books("attempts are changed afterwards")
async def test_planted_bug_tries_that_are_not_written_down_are_not_counted(stage: Stage) -> None:
    """
    It is the rows written before each call that the limit counts, and the check above sees when they are not there.
    """
    charge_id = await waiting(stage)
    for number in range(10):
        await click(stage, charge_id, at=NOW + number * SECOND)
        await at_bank(stage, charge_id, succeeded=False)
        await come_back(stage, charge_id, at=NOW + number * SECOND)
    await forget_who_was_there(stage)

    assert await click(stage, charge_id, at=NOW + timedelta(hours=23)) is not None


async def forget_who_was_there(stage: Stage) -> None:
    """
    Plant attempts of the customer's that look like the worker's.
    """
    await stage.owner.execute("ALTER TABLE charge_attempts DISABLE TRIGGER USER")
    await stage.owner.execute("UPDATE charge_attempts SET customer_present = false")


@pytest.mark.parametrize(
    "is_planted", [False, pytest.param(True, marks=pytest.mark.damages_books("attempts are changed afterwards"))]
)
async def test_the_worker_does_not_repeat_what_the_customer_tried(stage: Stage, *, is_planted: bool) -> None:
    """
    Their key stands for other parameters. Planted: where it is taken for the worker's own, the charge is stuck.
    """
    charge_id = await waiting(stage)
    stage.twin.faults.plan([Fault("error_stored", skip=1)])
    await click(stage, charge_id)
    for _ in range(is_planted):
        await forget_who_was_there(stage)

    charge = await stage.advance(charge_id, at=NOW + timedelta(minutes=1))

    assert charge.parked_reason == ("parameters_changed" if is_planted else None)
    assert (charge.state == "requires_action") is not is_planted


async def test_who_is_not_recognised_can_try_again(stage: Stage) -> None:
    """
    The bank said no this time; the next time it says yes.
    """
    charge_id = await waiting(stage)
    await click(stage, charge_id)
    await at_bank(stage, charge_id, succeeded=False)
    declined = await come_back(stage, charge_id)

    await click(stage, charge_id, at=NOW + SECOND)
    await at_bank(stage, charge_id)
    await come_back(stage, charge_id, at=NOW + 2 * SECOND)

    assert (declined.state, declined.failure_code) == ("declined", "payment_intent_authentication_failure")
    await stage.require_paid_once(charge_id)


async def test_a_bank_that_knows_them_and_still_says_no_has_declined(stage: Stage) -> None:
    """
    The dunning schedule begins, and the customer is told.
    """
    charge_id = await waiting(stage, ASKS_IN_VAIN)
    await click(stage, charge_id)
    await at_bank(stage, charge_id)

    charge = await come_back(stage, charge_id)

    assert (charge.state, charge.decline_code, charge.declines) == ("declined", "insufficient_funds", 1)
    assert charge.wake_at == NOW + DAY
    assert await notices(stage) == ["requires_action", "declined"]


async def test_a_card_that_may_not_be_tried_again_is_not(stage: Stage) -> None:
    """
    Neither by the worker nor by its owner.
    """
    charge_id = await waiting(stage)
    await stage.owner.execute("UPDATE charge_intents SET parked_reason = 'card_refused', wake_at = NULL")
    await stage.owner.execute("UPDATE charge_intents SET state = 'declined'")
    before = await rows(stage)

    assert await click(stage, charge_id) is None
    assert await rows(stage) == before


@pytest.mark.parametrize("is_at_bank", [True, False])
async def test_a_new_card_takes_the_place_of_one_whose_bank_waits(stage: Stage, *, is_at_bank: bool) -> None:
    """
    It is charged at once, also when the customer has the bank's page open, which then changes nothing.
    """
    charge_id = await waiting(stage)
    for _ in range(is_at_bank):
        await click(stage, charge_id)
    await stage.add_card("pm_card_visa", at=NOW + 2 * SECOND)

    await stage.finish(charge_id, at=NOW + 2 * SECOND)
    before = await rows(stage)
    await come_back(stage, charge_id, at=NOW + 3 * SECOND)

    assert await rows(stage) == before
    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


async def test_who_leaves_the_banks_page_is_waited_for_a_week(stage: Stage) -> None:
    """
    Then the charge rests; its link still works.
    """
    charge_id = await waiting(stage)
    url = await click(stage, charge_id)

    charge = await stage.finish(charge_id)
    later = NOW + 9 * DAY
    again = await click(stage, charge_id, at=later)
    await at_bank(stage, charge_id)
    await come_back(stage, charge_id, at=later)

    assert (charge.state, charge.parked_reason) == ("requires_action", "action_expired")
    assert again == url
    await stage.require_paid_once(charge_id)


async def test_a_charge_that_somebody_ends_is_not_paid_by_its_link(stage: Stage) -> None:
    """
    Not from when it was asked for, nor afterwards.
    """
    charge_id = await waiting(stage)
    async with stage.database.transaction() as connection:
        await charges.cancel_debt(
            connection, customer_id=stage.customer_id, charge_id=charge_id, actor=SYSTEM, reason="a mistake", now=NOW
        )

    assert await click(stage, charge_id) is None
    assert (await stage.finish(charge_id)).state == "canceled"
    assert await click(stage, charge_id) is None
    await come_back(stage, charge_id)
    await stage.require_nothing_moved()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE charge_attempts SET customer_present = true WHERE kind = 'create'",
        "UPDATE charge_attempts SET customer_present = true WHERE kind = 'confirm'",
        "UPDATE charge_intents SET link_token = ''",
        "UPDATE charge_intents SET link_token = NULL",
    ],
)
async def test_the_database_keeps_what_a_link_stands_on(stage: Stage, statement: str) -> None:
    """
    Who was there when an attempt was sent never changes, and a token is never empty.
    """
    await waiting(stage)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await stage.owner.execute(statement)
