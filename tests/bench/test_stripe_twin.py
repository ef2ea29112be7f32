"""
The measurement of Stripe's twin: it measures what it says.
"""

from bench.stripe_twin import as_markdown, payments_per_second, year_of_renewals


async def test_every_payment_that_is_measured_is_made() -> None:
    """
    The three ways to pay and the limit beside them have a rate.
    """
    rates = await payments_per_second(3)

    assert len(rates) == 4
    assert min(rates.values()) > 0


async def test_a_year_has_twelve_renewals_and_all_are_paid() -> None:
    """
    Of each subscription.
    """
    year = await year_of_renewals(2)

    assert year["renewals paid"] == 24
    assert "| renewals paid | 24.0 |" in as_markdown({}, year)
