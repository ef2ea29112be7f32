"""
Test clocks (docs.stripe.com/billing/testing/test-clocks).
"""

DAY = 86_400


async def clocked(shop, at):
    """
    Make a clock that stands on 31 March 2030, and a subscription on it.
    """
    clock = await shop.v1.test_helpers.test_clocks.create_async({"frozen_time": at(2030, 3, 31), "name": "Year"})
    customer = await shop.customer(test_clock=clock.id)
    return clock.id, await shop.subscribe(customer)


async def test_a_subscription_lives_on_its_customers_clock(shop, at):
    """
    It begins at the clock's time, and the account's own time does not renew it.
    """
    clock, subscription = await clocked(shop, at)

    shop.pass_time(400 * DAY)

    item = (await shop.subscription(subscription.id))["items"]["data"][0]
    assert subscription.test_clock == clock
    assert (item["current_period_start"], item["current_period_end"]) == (at(2030, 3, 31), at(2030, 4, 30))


async def test_an_advanced_clock_is_ready_when_everything_due_is_done(shop, at):
    """
    The call answers that it advances; then the renewals have happened, at the clock's time.
    """
    clock, subscription = await clocked(shop, at)
    shop.events()

    answer = await shop.v1.test_helpers.test_clocks.advance_async(clock, {"frozen_time": at(2030, 5, 1)})

    ready = await shop.v1.test_helpers.test_clocks.retrieve_async(clock)
    events = shop.events()
    [renewal, _] = await shop.invoices(subscription.id)
    assert (answer.status, answer.status_details.advancing.target_frozen_time) == ("advancing", at(2030, 5, 1))
    assert (ready.status, ready.frozen_time) == ("ready", at(2030, 5, 1))
    assert (renewal["status"], renewal["created"]) == ("paid", at(2030, 4, 30))
    assert [events[0]["type"], events[-1]["type"]] == [
        "test_helpers.test_clock.advancing",
        "test_helpers.test_clock.ready",
    ]
    assert [event["created"] for event in events if event["type"] == "invoice.created"] == [at(2030, 4, 30)]


async def test_a_clock_goes_forward_and_no_further_than_two_periods(shop, at, refusal):
    """
    Back, on the spot, and three months on are refused.
    """
    clock, _ = await clocked(shop, at)

    for time in (at(2030, 3, 30), at(2030, 3, 31), at(2030, 6, 30)):
        advanced = shop.v1.test_helpers.test_clocks.advance_async(clock, {"frozen_time": time})
        assert await refusal(advanced) == (400, None, "frozen_time")


async def test_a_deleted_clock_takes_its_customers_along(shop, at, refusal):
    """
    Customer and subscription are gone with it.
    """
    clock, subscription = await clocked(shop, at)

    deleted = await shop.v1.test_helpers.test_clocks.delete_async(clock)

    assert deleted.deleted
    for missing in (
        shop.v1.test_helpers.test_clocks.retrieve_async(clock),
        shop.v1.subscriptions.retrieve_async(subscription.id),
        shop.v1.customers.retrieve_async(subscription.customer),
    ):
        assert (await refusal(missing))[:2] == (404, "resource_missing")
    assert (await shop.v1.test_helpers.test_clocks.list_async()).data == []
