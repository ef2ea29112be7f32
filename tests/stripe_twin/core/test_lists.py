"""
Lists: newest first, by cursor, whole and without repeats.
"""

import pytest
import stripe

from stripe_twin.twin import Twin


async def make(sdk: stripe.StripeClient, twin: Twin, count: int) -> list[str]:
    """
    Make customers a second apart and return their ids, newest first.
    """
    made = []
    for _ in range(count):
        made.append((await sdk.v1.customers.create_async({})).id)
        twin.account.advance(twin.account.now + 1)
    return made[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_forward_make_the_whole(sdk: stripe.StripeClient, twin: Twin, limit: int) -> None:
    """
    Whatever the size of a page.
    """
    made = await make(sdk, twin, 7)

    listed = await sdk.v1.customers.list_async({"limit": limit})

    assert [customer.id async for customer in listed.auto_paging_iter()] == made


async def test_pages_backward_make_the_whole(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    The page before a cursor is the one next to it, still newest first.
    """
    made = await make(sdk, twin, 7)

    page = await sdk.v1.customers.list_async({"limit": 2, "ending_before": made[5]})

    assert ([customer.id for customer in page.data], page.has_more) == (made[3:5], True)


async def test_ten_are_shown_unless_asked(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    Stripe's default.
    """
    await make(sdk, twin, 11)

    page = await sdk.v1.customers.list_async()

    assert (len(page.data), page.has_more) == (10, True)


async def test_a_list_is_filtered_by_time(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    Both ends as asked.
    """
    made = await make(sdk, twin, 5)
    second = (await sdk.v1.customers.retrieve_async(made[3])).created

    page = await sdk.v1.customers.list_async({"created": {"gt": second, "lte": second + 2}})

    assert [customer.id for customer in page.data] == made[1:3]


async def test_a_cursor_need_not_pass_the_filter(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    It says from where, the filter what.
    """
    made = await make(sdk, twin, 5)
    oldest_three = (await sdk.v1.customers.retrieve_async(made[2])).created

    page = await sdk.v1.customers.list_async({"starting_after": made[0], "created": {"lte": oldest_three}})

    assert [customer.id for customer in page.data] == made[2:]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "cus_nobody"}, "starting_after"),
        ({"ending_before": "cus_nobody"}, "ending_before"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    sdk: stripe.StripeClient, params: stripe.params.CustomerListParams, param: str
) -> None:
    """
    The parameter is named.
    """
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.customers.list_async(params)

    assert caught.value.param == param
