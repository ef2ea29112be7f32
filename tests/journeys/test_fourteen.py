"""
The fourteen journeys of the specification, as a customer makes them: through HTTP alone.

Our web and our worker run as processes, Stripe's twin as another that delivers its webhooks over a socket, and only its
clock is moved. The figures are those of the catalogue that is sold. At each end the books are proved.
"""

import asyncio
from collections.abc import Iterator

import asyncpg
import httpx
import pytest

from api.wire import SETUP, SUBSCRIPTION
from cli.clones import cloned
from cli.conftest import Rsolv, commands_on
from factories.customers import make_customer
from journeys.town import ANOTHER_CARD, Town, open_town
from local.waiting import until
from rsolv.db import Database
from rsolv.local.cluster import Cluster


@pytest.fixture(scope="module")
def installation(
    cluster: Cluster, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """
    One installation for all journeys, each by a customer of its own.
    """
    with (
        cloned(cluster, templates["current"]) as database_url,
        open_town(database_url, tmp_path_factory.mktemp("town")) as town,
    ):
        yield town
        assert town.mistakes_of_the_twin() == []


@pytest.fixture
def town(installation: Town) -> Iterator[Town]:
    """
    The installation; whatever was done in it, its books are sound at the end of each journey.
    """
    yield installation
    assert_books_are_sound(commands_on(installation.database_url))


def assert_books_are_sound(rsolv: Rsolv) -> None:
    """
    Run `rsolv ledger verify`.
    """
    verified = rsolv("ledger", "verify")
    assert verified.exit_code == 0, verified.stdout


# --- from trial signup to the first fix: two journeys


def test_a_trial_goes_from_signup_to_the_first_fix(town: Town) -> None:
    """
    Five credits at once; scan and validation cost nothing, the fix one credit, its repeat nothing more.
    """
    ada = town.sign_up("first_fix")
    assert (ada.signed_up["subscription_type"], ada.signed_up["credit_balance"]) == ("trial", 5)

    assert ada.scan()["credits_remaining"] == 5
    assert ada.validate(issue=7)["credits_remaining"] == 5
    assert ada.fix(issue=7) == {"status": "consumed", "credits_remaining": 4}
    assert ada.fix(issue=7)["status"] == "already_billed"

    assert ada.usage()["credit_balance"] == 4
    assert [(each["source"], each["amount"], each["balance_after"]) for each in ada.transactions()] == [
        ("consumed", -1, 4),
        ("trial_signup", 5, 5),
    ]


def test_a_trial_without_credits_and_without_a_card_is_blocked(town: Town) -> None:
    """
    The sixth fix is stored and blocked; nothing moves and nothing is charged.
    """
    ada = town.sign_up("blocked")
    assert ada.spend_credits() == 5

    assert ada.fix() == {"status": "blocked", "credits_remaining": 0, "reason": "no_billing_info"}

    assert (ada.usage()["can_use_service"], ada.charges(), len(ada.transactions())) == (False, [], 6)


# --- from trial to pay as you go: one


def test_a_trial_becomes_pay_as_you_go(town: Town) -> None:
    """
    The card brings five credits more; when all ten are spent, every fix is $29, charged, credited and consumed.
    """
    ada = town.sign_up("payg")
    ada.enter_card()
    assert ada.waits_for(subscription_type="pay_as_you_go")["credit_balance"] == 10
    assert ada.spend_credits() == 10

    assert [ada.pay_for_a_fix() for _ in range(3)] == [2900, 2900, 2900]

    assert sum(charge["amount_cents"] for charge in ada.charges()) == 8700
    assert [each["source"] for each in ada.transactions()[:2]] == ["consumed", "purchased"]
    assert ada.usage()["credit_balance"] == 0


# --- from the marketplace: one


def test_somebody_comes_from_the_marketplace(town: Town) -> None:
    """
    The opening credits say where they came from, the first scan is noted once, and the first fix takes a credit.
    """
    ada = town.sign_up("market", source="gh_marketplace", utm_source="github")
    [opening] = ada.transactions()
    assert (opening["source"], opening["metadata"]["source"]) == ("trial_signup", "gh_marketplace")
    assert ada.usage()["first_scan_at"] is None

    ada.scan()
    scanned_at = ada.usage()["first_scan_at"]
    ada.scan()

    assert scanned_at is not None
    assert ada.usage()["first_scan_at"] == scanned_at
    assert ada.fix() == {"status": "consumed", "credits_remaining": 4}


# --- a payment method: two


def test_a_card_is_added_with_consent(town: Town) -> None:
    """
    The first one brings five credits, a second one none.
    """
    ada = town.sign_up("consenting")

    ada.enter_card()
    ada.waits_for(has_payment_method=True, credit_balance=10)
    ada.enter_card(ANOTHER_CARD)

    by_last_digits = {card["last4"]: card["is_default"] for card in ada.payment_methods()}
    assert sorted(by_last_digits.values()) == [False, True]
    assert by_last_digits[ANOTHER_CARD[-4:]] is True
    assert [each["source"] for each in ada.transactions()] == ["trial_billing_added", "trial_signup"]


def test_a_card_without_consent_is_refused(town: Town) -> None:
    """
    There is no page to enter it on, and nothing has changed.
    """
    ada = town.sign_up("refusing")
    before = ada.usage()

    for body in ({"billing_consent": False}, {}):
        refused = ada.api.post(SETUP, json=body)
        assert (refused.status_code, refused.json()["code"]) == (
            httpx.codes.UNPROCESSABLE_ENTITY,
            "billing_consent_required",
        )

    assert (ada.usage(), ada.payment_methods()) == (before, [])


# --- Pro begins and renews: three


def test_pro_begins_with_sixty_credits(town: Town) -> None:
    """
    Paid at once with $599, credited with the paid invoice, on top of what was there.
    """
    ada = town.sign_up("pro")
    refused = ada.api.post(SUBSCRIPTION, json={"plan": "pro", "billing_consent": True})
    ada.enter_card()

    assert ada.subscribe()["state"] == "active"

    usage = ada.waits_for(credit_balance=70)
    assert refused.json()["code"] in {"no_billing_info", "no_payment_method"}  # as Stripe knows of them, or not yet
    assert (usage["subscription_type"], usage["subscription_state"]) == ("pro", "active")
    assert [(each["state"], each["amount_paid_cents"]) for each in ada.invoices()] == [("paid", 59900)]
    assert (ada.transactions()[0]["source"], ada.transactions()[0]["amount"]) == ("pro_subscription_payment", 60)


def test_a_renewal_brings_another_sixty(town: Town) -> None:
    """
    A month later sixty more are there beside those that were left, and the period has moved.
    """
    ada = town.sign_up("renewing")
    ada.enter_card()
    first = ada.subscribe()
    ada.waits_for(credit_balance=70)
    ada.fix()

    town.live_until(first["period_ends_at"])

    ada.waits_for(credit_balance=129)
    assert [(each["reason"], each["amount_paid_cents"]) for each in ada.invoices()] == [
        ("subscription_cycle", 59900),
        ("subscription_create", 59900),
    ]
    until(lambda: ada.subscription()["period_starts_at"] == first["period_ends_at"], "the period has moved")


def test_on_pro_a_fix_beyond_the_credits_is_fifteen_dollars(town: Town) -> None:
    """
    Sixty-five fixes of the plan's sixty come to $599 and five times $15.
    """
    ada = town.sign_up("beyond")
    ada.enter_card()
    ada.spend_credits()
    ada.subscribe()
    ada.waits_for(credit_balance=60)
    assert ada.spend_credits() == 60

    assert [ada.pay_for_a_fix() for _ in range(5)] == [1500] * 5

    paid = sum(each["amount_paid_cents"] for each in ada.invoices()) + sum(
        each["amount_cents"] for each in ada.charges()
    )
    assert paid == 67400


# --- the cancellation of Pro: two


def test_pro_ends_at_once(town: Town) -> None:
    """
    The credits stay; the next fix without one is $29 instead of $15.
    """
    ada = town.sign_up("leaving")
    ada.enter_card()
    ada.subscribe()
    ada.waits_for(credit_balance=70)
    ada.spend_credits()
    on_pro = ada.pay_for_a_fix()

    ended = ada.cancel(at_period_end=False)

    usage = ada.waits_for(subscription_type="pay_as_you_go")
    assert (ended["state"], usage["subscription_state"]) == ("canceled", "canceled")
    assert (on_pro, ada.pay_for_a_fix()) == (1500, 2900)


def test_pro_ends_with_its_period(town: Town) -> None:
    """
    Until then it stays Pro at $15; afterwards it is pay as you go at $29, no further invoice came, credits stay.
    """
    ada = town.sign_up("expiring")
    ada.enter_card()
    ada.subscribe()
    ada.waits_for(credit_balance=70)
    ada.spend_credits()

    scheduled = ada.cancel(at_period_end=True)
    assert (scheduled["state"], scheduled["cancel_at_period_end"]) == ("active", True)
    assert ada.usage()["subscription_type"] == "pro"
    until_the_end = ada.pay_for_a_fix()
    town.live_until(scheduled["period_ends_at"])

    assert ada.waits_for(subscription_type="pay_as_you_go")["subscription_state"] is None
    assert (until_the_end, ada.pay_for_a_fix()) == (1500, 2900)
    assert [each["reason"] for each in ada.invoices()] == ["subscription_create"]


# --- the usage summary: three


def test_usage_shows_the_customer_at_a_glance(town: Town) -> None:
    """
    Balance, plan, payment method, prices, and the ten newest transactions, the newest first; nothing to warn of.
    """
    ada = town.sign_up("glance")
    ada.enter_card()
    ada.subscribe()
    ada.waits_for(credit_balance=70)
    for _ in range(9):
        ada.fix()

    usage = ada.usage()

    assert (usage["credit_balance"], usage["subscription_type"], usage["subscription_state"]) == (61, "pro", "active")
    assert (usage["has_payment_method"], usage["can_use_service"], usage["warnings"]) == (True, True, [])
    assert usage["pricing"] == {
        "currency": "usd",
        "next_fix_cents": 1500,
        "payg_cents": 2900,
        "pro_cents": 59900,
        "pro_included": 60,
        "pro_extra_cents": 1500,
    }
    assert [each["balance_after"] for each in usage["recent_transactions"]] == list(range(61, 71))
    assert usage["fixes_this_period"] == 9
    older_names = {"subscription_status": "active", "current_usage": 9}
    assert usage["stripe_customer_id"].startswith("cus_")
    assert {name: usage[name] for name in older_names} == older_names


def test_usage_warns_of_few_credits(town: Town) -> None:
    """
    At five and below, and more strongly at the last one.
    """
    ada = town.sign_up("few")

    said = [ada.warnings()]
    for _ in range(4):
        ada.fix()
        said.append(ada.warnings())

    assert said == [[("notice", "low_credits")]] * 4 + [[("warning", "last_credits")]]


def test_usage_says_that_it_is_critical_without_credits_and_card(town: Town) -> None:
    """
    Fixes are blocked until a card is added; once it is, they no longer are.
    """
    ada = town.sign_up("critical")
    ada.spend_credits()

    assert ada.warnings() == [("critical", "no_billing_info")]
    assert ada.usage()["can_use_service"] is False
    ada.enter_card()

    usage = ada.waits_for(can_use_service=True)
    assert [warning["level"] for warning in usage["warnings"]] == ["notice"]


# --- the proof at each end


@pytest.mark.damages_books("to see it found")
async def test_the_proof_at_the_end_fails_when_the_books_do_not_add_up(
    database_url: str, owner: asyncpg.Connection, database: Database
) -> None:
    """
    Planted: a balance that is moved behind the ledger's back.
    """
    async with database.transaction() as connection:
        await make_customer(connection)
    await owner.execute(
        """
        ALTER TABLE ledger_accounts DISABLE TRIGGER ledger_accounts_move_only_by_entries;
        UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'consumed';
        ALTER TABLE ledger_accounts ENABLE TRIGGER ledger_accounts_move_only_by_entries;
        """
    )

    with pytest.raises(AssertionError, match="L-16"):
        await asyncio.to_thread(assert_books_are_sound, commands_on(database_url))
