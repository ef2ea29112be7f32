"""
Asking Stripe for a subscription: what stops it before, what it comes to when Stripe refuses or forgets.
"""

from datetime import timedelta

import pytest

from factories.customers import make_customer
from rsolv import subscriptions
from rsolv.stripe_gateway import OutcomeUnknown
from rsolv.subscriptions import NoBillingInfo, NoPaymentMethod, PlanNotSold, SubscriptionInProgress, SubscriptionRefused
from rsolv.subscriptions.errors import PriceDiffers
from rsolv.subscriptions.service.price import ensure_price
from stripe_twin.core.faults import Fault
from stripe_twin.embedded import sdk_client
from subscriptions.stage import HOUR, Stage


async def attempts(stage: Stage) -> list[tuple[int, int, str]]:
    """
    Return number, tries and outcome of every attempt.
    """
    rows = await stage.owner.fetch("SELECT number, tries, outcome FROM subscription_attempts ORDER BY id")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("plan", ["trial", "pay_as_you_go", "nothing"])
async def test_only_a_plan_with_a_monthly_price_is_sold(stage: Stage, plan: str) -> None:
    """
    Nothing is written, and Stripe is not asked.
    """
    stage.plan = plan

    with pytest.raises(PlanNotSold):
        await stage.subscribe()

    assert stage.twin.store.count("price") == 0


async def test_who_was_never_known_at_stripe_has_no_billing_info(stage: Stage) -> None:
    """
    No payment method was ever added.
    """
    async with stage.database.transaction() as connection:
        stage.acme = await make_customer(connection)

    with pytest.raises(NoBillingInfo):
        await stage.subscribe()


async def test_who_has_removed_every_card_has_no_payment_method(stage: Stage) -> None:
    """
    They are known at Stripe; nothing is written.
    """
    await stage.owner.execute("UPDATE payment_methods SET is_default = false, removed_at = now()")

    with pytest.raises(NoPaymentMethod):
        await stage.subscribe()

    assert await stage.owner.fetchval("SELECT count(*) FROM subscriptions") == 0
    assert stage.theirs() == []


async def test_what_stripe_refuses_is_over_and_can_be_asked_again(stage: Stage) -> None:
    """
    The card is gone at Stripe: nothing was made, which its list shows; with another card it works.
    """
    await sdk_client(stage.twin).v1.payment_methods.detach_async(await stage.newest_card())

    with pytest.raises(SubscriptionRefused):
        await stage.subscribe()
    await stage.add_card("pm_card_mastercard")
    opened = await stage.subscribe()

    assert opened.state == "active"
    assert await attempts(stage) == [(1, 1, "refused"), (1, 1, "made")]
    assert stage.churned == []
    await stage.require_one_period()


async def test_a_lost_answer_is_found_by_list_when_asked_again(stage: Stage) -> None:
    """
    One attempt, and one subscription.
    """
    await stage.ask_in_vain()

    found = await stage.subscribe()

    assert found.state == "active"
    assert await attempts(stage) == [(1, 1, "unknown")]
    await stage.require_one_period()


async def test_while_a_call_may_be_on_its_way_nobody_calls_again(stage: Stage) -> None:
    """
    After a timeout the hold stays.
    """
    stage.twin.faults.plan([Fault("timeout_before", method="POST", template="/v1/subscriptions")])
    with pytest.raises(OutcomeUnknown):
        await stage.subscribe()

    with pytest.raises(SubscriptionInProgress):
        await stage.subscribe()
    with pytest.raises(SubscriptionInProgress):
        await stage.cancel(at_period_end=True)

    assert stage.theirs() == []


async def test_after_an_error_that_stripe_keeps_another_key_is_used(stage: Stage) -> None:
    """
    The list has shown that the first attempt made nothing, and its key would only repeat the error.
    """
    stage.twin.faults.plan([Fault("error_stored", method="POST", template="/v1/subscriptions")])

    await stage.until_it_works(stage.subscribe)

    assert (await attempts(stage))[0] == (1, 1, "server_error")
    await stage.require_one_period()


async def test_a_key_that_stripe_may_have_forgotten_is_not_used_again(stage: Stage) -> None:
    """
    A look has not given the ask up yet, since nobody looked; a day later another attempt is written down.
    """
    stage.twin.faults.plan([Fault("timeout_before", method="POST", template="/v1/subscriptions")])
    with pytest.raises(OutcomeUnknown):
        await stage.subscribe()
    await stage.end_leases()
    stage.pass_time(timedelta(days=1))

    await stage.subscribe()

    assert await attempts(stage) == [(1, 1, "unknown"), (2, 1, "made")]
    await stage.require_one_period()


async def test_what_was_given_up_and_turns_out_to_be_there_is_taken_in(stage: Stage) -> None:
    """
    Should Stripe have done after all what its list did not show.
    """
    await stage.ask_in_vain()
    theirs = await stage.gateway.read_subscription(stage.theirs()[0]["id"])
    await stage.owner.execute(
        "UPDATE subscriptions SET state = 'refused', refused_code = 'not_made', ended_at = now(), look_at = NULL"
    )

    async with stage.database.transaction() as connection:
        done = await subscriptions.settle_subscription(connection, stage.bus, theirs, now=stage.now)
    await stage.live(HOUR)

    assert done.believed == "settled"
    await stage.look()
    await stage.require_one_period()


async def test_beside_another_it_is_not_believed_but_told(stage: Stage) -> None:
    """
    A customer has one; an operator looks.
    """
    await stage.ask_in_vain()
    theirs = await stage.gateway.read_subscription(stage.theirs()[0]["id"])
    await stage.owner.execute(
        "UPDATE subscriptions SET state = 'refused', refused_code = 'not_made', ended_at = now(), look_at = NULL"
    )
    opened = await stage.subscribe()

    async with stage.database.transaction() as connection:
        done = await subscriptions.settle_subscription(connection, stage.bus, theirs, now=stage.now)

    assert (done.believed, (await stage.newest()).id) == ("mixed_up", opened.id)


async def test_a_price_at_stripe_that_costs_something_else_is_not_sold(stage: Stage) -> None:
    """
    Somebody gave it our lookup key.
    """
    ask = {"plan": "pro", "label": "Pro", "price_cents": 100, "currency": "usd"}
    made = await ensure_price(stage.gateway, **ask)
    with stage.twin.store.unit():
        stage.twin.account.edit("price", made)["unit_amount"] = 101

    with pytest.raises(PriceDiffers):
        await ensure_price(stage.gateway, **ask)


@pytest.mark.parametrize("point", ["consents", "subscription_attempts", "audit_entries"])
async def test_dying_while_it_is_written_down_leaves_nothing(stage: Stage, point: str) -> None:
    """
    The ask is whole or not there, and Stripe has heard nothing.
    """
    before = await stage.owner.fetchval("SELECT count(*) FROM consents")
    await stage.break_at(point)

    with pytest.raises(Exception, match="planted"):
        await stage.subscribe()

    assert await stage.owner.fetchval("SELECT count(*) FROM subscriptions") == 0
    assert await stage.owner.fetchval("SELECT count(*) FROM consents") == before
    assert stage.theirs() == []


@pytest.mark.parametrize("point", ["ledger_postings", "subscription_invoice_lines", "stripe_subscriptions"])
async def test_dying_while_it_is_settled_leaves_nothing_and_is_made_up_for(stage: Stage, point: str) -> None:
    """
    Money, credits, plan and state are there together, once a look comes.
    """
    await stage.break_at(point)
    with pytest.raises(Exception, match="planted"):
        await stage.subscribe()
    half_way = (await stage.credits(), await stage.received_cents(), await stage.customer())
    await stage.mend(point)
    await stage.end_leases()

    await stage.live(HOUR)

    assert half_way == (0, 0, ("pay_as_you_go", None))
    await stage.require_one_period()
