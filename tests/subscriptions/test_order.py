"""
Truths that come twice, late, or in another order than they were read.
"""

from dataclasses import replace

import pytest

from rsolv import subscriptions
from rsolv.stripe_gateway import Invoice, Subscription
from subscriptions.stage import DAY, HOUR, Stage


async def settled(stage: Stage, theirs: Subscription, *, seen: int | None = None) -> str:
    """
    Bring a subscription as it was read.
    """
    async with stage.database.transaction() as connection:
        done = await subscriptions.settle_subscription(connection, stage.bus, theirs, now=stage.now, seen=seen)
    return done.believed


async def settled_invoice(stage: Stage, theirs: Invoice) -> str:
    """
    Bring an invoice as it was read.
    """
    async with stage.database.transaction() as connection:
        return (await subscriptions.settle_invoice(connection, stage.bus, theirs, now=stage.now)).believed


async def read(stage: Stage) -> tuple[Subscription, int | None]:
    """
    Read the newest subscription as one of two workers does: first our version, then Stripe.
    """
    (*_, theirs) = stage.theirs()
    async with stage.database.reading() as connection:
        seen = await subscriptions.find_version(connection, stripe_subscription_id=theirs["id"])
    return await stage.gateway.read_subscription(theirs["id"]), seen


async def test_of_two_workers_the_one_that_read_before_the_other_settled_comes_too_late(stage: Stage) -> None:
    """
    Its word may be the older one, as it is here; it does not overwrite, and a look is promised.
    """
    await stage.subscribe()
    older, seen_by_slow = await read(stage)
    await stage.gateway.schedule_cancellation(older.id, at_period_end=True, key="elsewhere")
    newer, seen_by_fast = await read(stage)

    answers = [await settled(stage, newer, seen=seen_by_fast), await settled(stage, older, seen=seen_by_slow)]

    assert answers == ["settled", "stale"]
    assert (await stage.newest()).cancel_at_period_end is True
    assert (await stage.newest()).look_at == stage.now
    assert (await stage.look()).cancel_at_period_end is True


async def test_planted_bug_without_the_version_the_older_word_would_win(stage: Stage) -> None:
    """
    The same two reads, the slow one with the version of now: it is believed, and the check above would notice.
    """
    await stage.subscribe()
    older, _ = await read(stage)
    await stage.gateway.schedule_cancellation(older.id, at_period_end=True, key="elsewhere")
    newer, seen = await read(stage)
    await settled(stage, newer, seen=seen)
    _, seen_too_late = await read(stage)

    assert await settled(stage, older, seen=seen_too_late) == "settled"
    assert (await stage.newest()).cancel_at_period_end is False


async def test_the_same_word_again_is_no_news(stage: Stage) -> None:
    """
    Whoever brings it, with a version or without.
    """
    await stage.subscribe()
    same, _ = await read(stage)

    assert await settled(stage, same) == "already"
    await stage.require_one_period()


async def test_another_word_without_a_version_is_looked_at_rather_than_believed(stage: Stage) -> None:
    """
    Nobody can tell whether it is older; the look that is promised does.
    """
    await stage.subscribe()
    before, _ = await read(stage)
    await stage.gateway.schedule_cancellation(before.id, at_period_end=True, key="elsewhere")
    after, _ = await read(stage)

    assert await settled(stage, after) == "stale"
    assert (await stage.newest()).cancel_at_period_end is False
    assert (await stage.look()).cancel_at_period_end is True


async def test_an_end_wins_over_every_late_update(stage: Stage) -> None:
    """
    It is believed without a version, and nothing after it.
    """
    await stage.subscribe()
    alive, seen = await read(stage)
    await stage.gateway.cancel_subscription(alive.id)
    ended, _ = await read(stage)

    assert [await settled(stage, ended), await settled(stage, alive, seen=seen)] == ["settled", "already"]
    assert (await stage.newest()).state == "canceled"
    assert len(stage.churned) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0, 2, 1, 0), (2, 2, 2)], ids=str)
async def test_the_words_about_an_invoice_may_come_in_any_order(stage: Stage, order: tuple[int, ...]) -> None:
    """
    Draft, then open, then paid: the credits and the money are there once it is paid, once.
    """
    opened = await stage.subscribe()
    await stage.add_card("pm_card_chargeCustomerFail")
    await stage.do_card_jobs()
    stage.pass_time(30 * DAY + HOUR / 2)
    words = [await newest_invoice(stage)]
    stage.pass_time(HOUR)
    words.append(await newest_invoice(stage))
    await stage.pay_open_invoice("pm_card_visa")
    words.append(await newest_invoice(stage))

    for number in order:
        await settled_invoice(stage, words[number])

    assert [word.state for word in words] == ["draft", "open", "paid"]
    assert await stage.credits() == 2 * opened.period_credits
    await stage.require_sound_books()


async def newest_invoice(stage: Stage) -> Invoice:
    """
    Read the invoice that was made last.
    """
    theirs = stage.theirs()[0]
    return await stage.gateway.read_invoice(theirs["latest_invoice"])


async def test_an_invoice_that_comes_before_its_subscription_is_known_is_taken_in(stage: Stage) -> None:
    """
    Its marks say whose it is; the subscription itself is found by a look, and nothing is credited twice.
    """
    await stage.ask_in_vain()
    first = await newest_invoice(stage)

    assert await settled_invoice(stage, first) == "settled"
    credits_before = await stage.credits()
    await stage.look()

    assert credits_before == (await stage.newest()).period_credits
    await stage.require_one_period()


async def test_what_is_not_ours_is_left_alone(stage: Stage) -> None:
    """
    Another's subscription on the same account, with no marks or with forged ones.
    """
    opened = await stage.subscribe()
    theirs, _ = await read(stage)
    forged = {"rsolv_customer_id": str(stage.customer_id), "rsolv_subscription_id": str(opened.id)}

    answers = [
        await settled(stage, replace(theirs, id="sub_of_others", metadata=metadata))
        for metadata in ({}, forged, {**forged, "rsolv_customer_id": "9" * 30})
    ]

    assert answers == ["foreign"] * 3
    await stage.require_one_period()


async def test_what_contradicts_the_ask_is_not_believed(stage: Stage) -> None:
    """
    The marks are ours and the customer at Stripe is another: an operator looks.
    """
    await stage.subscribe()
    theirs, seen = await read(stage)
    invoice = await newest_invoice(stage)

    assert await settled(stage, replace(theirs, stripe_customer_id="cus_other"), seen=seen) == "mixed_up"
    assert await settled_invoice(stage, replace(invoice, stripe_customer_id="cus_other")) == "mixed_up"
    await stage.require_one_period()


async def forget_that_it_was_paid(stage: Stage) -> None:
    """
    Turn our rows of the invoice back, as a restored table would have them, with the guards out of the way.
    """
    for table in ("subscription_invoices", "subscription_invoice_lines"):
        await stage.owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await stage.owner.execute(
        "UPDATE subscription_invoices SET state = 'open', paid_at = NULL, money_posting_id = NULL"
    )
    await stage.owner.execute("UPDATE subscription_invoice_lines SET credits = 0, credits_posting_id = NULL")


async def test_the_ledger_credits_a_line_once_also_where_we_forgot_that_it_was_paid(stage: Stage) -> None:
    """
    Its cause has posted; the rows are made whole again from what it posted.
    """
    await stage.subscribe()
    await forget_that_it_was_paid(stage)

    assert await settled_invoice(stage, await newest_invoice(stage)) == "settled"
    await stage.require_one_period()


@pytest.mark.damages_books("credited twice")
async def test_planted_bug_a_cause_that_is_not_the_line_would_credit_twice(stage: Stage) -> None:
    """
    The same line under another id, as if credits were counted by event: the check above would notice.
    """
    await stage.subscribe()
    await forget_that_it_was_paid(stage)
    invoice = await newest_invoice(stage)
    (line,) = invoice.lines

    await settled_invoice(stage, replace(invoice, lines=(replace(line, id="evt_again"),)))

    with pytest.raises(AssertionError):
        await stage.require_one_period()
