"""
`rsolv refunds`: what is asked for, by whom, and what is refused.
"""

import asyncio
import getpass
import json

import asyncpg
import pytest

from cli.conftest import Rsolv
from cli.paid import Paid, pay_for_a_fix, staged
from refunds.giving import Giving
from reversals.billed import Billed
from rsolv.cli.refunds import _cents
from subscriptions.stage import Stage as PlanStage


@pytest.fixture(scope="module")
def paid(shared_url: str) -> Paid:
    """
    A charge that was paid.
    """
    return asyncio.run(pay_for_a_fix(shared_url))


def test_a_refund_is_asked_for_once_per_act(rsolv: Rsolv, paid: Paid) -> None:
    """
    The repeat shows the same refund; who asked is whoever is signed in.
    """
    words = (
        f"refunds create {paid.charge_id} --customer {paid.customer_id} --amount 14.50 --reason typo --act t1 --json"
    )

    first, second = (json.loads(rsolv(*words.split(" ")).stdout) for _ in range(2))

    assert first == second
    assert (first["state"], first["amount_cents"], first["reason"]) == ("asked", 1_450, "typo")
    assert first["asked_by"] == f"operator:{getpass.getuser()}"


def test_a_refund_is_listed_and_shown(rsolv: Rsolv, paid: Paid) -> None:
    """
    In words and as a document.
    """
    made = rsolv(*f"refunds create {paid.charge_id} --customer {paid.customer_id} --amount 1 --reason test".split(" "))
    listed = json.loads(rsolv("refunds", "list", str(paid.customer_id), "--json").stdout)
    shown = rsolv("refunds", "show", str(listed[0]["id"]), "--customer", str(paid.customer_id))

    expected = f"Refund {listed[0]['id']} of $1.00 of charge {paid.charge_id}: asked.\n"
    assert made.stdout == shown.stdout == expected
    assert "$1.00" in rsolv("refunds", "list", str(paid.customer_id)).stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("create {charge} --customer {customer} --amount 29.01 --reason test", "refund_exceeds_charge"),
        ("create 404 --customer {customer} --reason test", "unknown_charge"),
        ("create --invoice 404 --customer {customer} --reason test", "unknown_invoice"),
        ("show 404 --customer {customer}", "unknown_refund"),
        ("list 404", "unknown_customer"),
    ],
)
def test_what_cannot_be_is_refused(rsolv: Rsolv, paid: Paid, words: str, code: str) -> None:
    """
    With a code for scripts.
    """
    filled = words.format(charge=paid.charge_id, customer=paid.customer_id)

    refused = rsolv("refunds", *filled.split(" "), "--json")

    assert refused.exit_code in {3, 5}
    assert json.loads(refused.stderr)["code"] == code


@pytest.mark.parametrize("amount", ["0", "-1", "1.005", "much", "NaN", "Infinity", "0x10"])
def test_an_amount_that_is_none_is_a_mistake_in_the_command(rsolv: Rsolv, paid: Paid, amount: str) -> None:
    """
    Nothing is asked for.
    """
    words = f"refunds create {paid.charge_id} --customer {paid.customer_id} --reason test --amount={amount}"

    assert rsolv(*words.split(" ")).exit_code == 2


@pytest.mark.parametrize("what", ["", "{charge} --invoice 1"])
def test_a_refund_is_of_a_charge_or_of_an_invoice(rsolv: Rsolv, paid: Paid, what: str) -> None:
    """
    Of neither or of both it is a mistake in the command.
    """
    words = f"refunds create {what} --customer {paid.customer_id} --reason test".format(charge=paid.charge_id)

    assert rsolv(*words.split()).exit_code == 2


def test_a_refund_of_an_invoice_is_asked_for_and_shown(rsolv: Rsolv, shared_url: str, paid: Paid) -> None:
    """
    As one of a charge is.
    """
    assert paid is not None
    customer_id, invoice_id = asyncio.run(bill_another(shared_url))

    made = rsolv(*f"refunds create --invoice {invoice_id} --customer {customer_id} --amount 1 --reason test".split())

    assert made.stdout.endswith(f"of $1.00 of invoice {invoice_id}: asked.\n"), made.stderr
    assert f"invoice {invoice_id}" in rsolv("refunds", "list", str(customer_id)).stdout


async def bill_another(url: str) -> tuple[int, int]:
    """
    Have another customer subscribe to Pro: their id, and their invoice's.
    """
    async with staged(url, email="pro@example.com") as stage:
        plans = PlanStage(stage.database, stage.owner, stage.gateway, stage.twin, stage.acme)
        billed = await Billed.at_first(plans)
        return billed.customer_id, billed.invoice_id


@pytest.mark.parametrize(("amount", "cents"), [("14.50", 1_450), ("29", 2_900), ("0.01", 1), ("whole", None)])
def test_an_amount_is_read_to_the_cent(amount: str, cents: int | None) -> None:
    """
    Without floating point.
    """
    assert _cents(amount) == cents


def test_undoing_the_fix_after_its_refund_settles_what_is_owed(rsolv: Rsolv, shared_url: str, paid: Paid) -> None:
    """
    `rsolv ledger reverse` takes the credit that flows back, and the books say so.
    """
    assert paid is not None
    customer_id, owed_before, posting_id = asyncio.run(refund_another(shared_url))

    refused = rsolv("ledger", "reverse", str(customer_id), str(posting_id + 1), "--reason", "typo", "--json")
    done = rsolv("ledger", "reverse", str(customer_id), str(posting_id), "--reason", "never merged")

    assert json.loads(refused.stderr)["code"] == "posted_by_reversal"  # the refund's money came next
    assert done.exit_code == 0, done.stderr
    assert (owed_before, asyncio.run(owed(shared_url, customer_id))) == (2_900, 0)
    assert rsolv("ledger", "verify").exit_code == 0


async def refund_another(url: str) -> tuple[int, int, int]:
    """
    Charge and refund another customer's fix; return the customer, what is owed, and the posting of the consumption.
    """
    async with staged(url, email="globex@example.com") as stage:
        giving = await Giving.of_a_new_charge(stage)
        await giving.finish((await giving.ask()).id)
        posting_id = await stage.owner.fetchval(
            "SELECT consumed_posting_id FROM charge_intents WHERE customer_id = $1", stage.customer_id
        )
        return stage.customer_id, await owed(url, stage.customer_id), posting_id


async def owed(url: str, customer_id: int) -> int:
    """
    Return what a customer owes.
    """
    connection = await asyncpg.connect(url)
    balance = await connection.fetchval(
        "SELECT balance FROM ledger_accounts WHERE customer_id = $1 AND kind = 'receivable'", customer_id
    )
    await connection.close()
    return int(balance)
