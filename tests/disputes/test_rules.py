"""
Which reading is newer, what follows from it, and when to read again; for every input.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charges.stage import NOW
from rsolv.disputes.rules import (
    Dispute,
    Disputed,
    difference,
    freezes,
    is_older,
    is_over,
    move_of,
    next_look,
    pause_before_look,
    reversal_of,
    state_of_paid,
)
from rsolv.reversals import Paid
from rsolv.stripe_gateway import Dispute as TheirDispute
from rsolv.stripe_gateway import DisputeStage

CHARGE = Disputed(customer_id=1, paid=Paid("charge", 2), amount_cents=2_900, currency="usd", livemode=False)
THEIRS = TheirDispute(
    id="du_1",
    stage="open",
    stripe_state="needs_response",
    amount_cents=2_900,
    is_withdrawn=True,
    movements=1,
    currency="usd",
    payment_id="pi_1",
    charge_id="ch_1",
    reason="fraudulent",
    respond_by=None,
    livemode=False,
    created_at=NOW,
    request_id="req_1",
)
KNOWN = Dispute(
    customer_id=1,
    id=3,
    charge_id=2,
    invoice_id=None,
    stripe_dispute_id="du_1",
    stage="inquiry",
    stripe_state="warning_needs_response",
    movements=0,
    is_withdrawn=False,
    money="untouched",
    taken_at_movement=None,
    freezes_charges=False,
    parked_reason=None,
    amount_cents=2_900,
    currency="usd",
    reason="fraudulent",
    respond_by=None,
    wake_at=NOW,
    opened_at=NOW,
    changed_at=NOW,
    closed_at=None,
    released_at=None,
    released_by=None,
    release_reason=None,
)
TAKEN = replace(KNOWN, movements=1, is_withdrawn=True, money="taken", taken_at_movement=1, freezes_charges=True)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({}, None),
        ({"amount_cents": 1}, None),
        ({"amount_cents": 0}, "amount_differs"),
        ({"amount_cents": 2_901}, "amount_differs"),
        ({"currency": "eur"}, "currency_differs"),
        ({"livemode": True}, "livemode_differs"),
        ({"movements": 2}, "movements_differs"),
        ({"movements": 2, "is_withdrawn": False}, None),
        ({"movements": 0, "is_withdrawn": False}, None),
        ({"movements": 1, "is_withdrawn": False}, "movements_differs"),
    ],
    ids=str,
)
def test_what_does_not_agree_with_the_charge_is_named(parts: dict[str, object], what: str | None) -> None:
    """
    A part of it may be disputed, never more, and money moves away and back in turn.
    """
    assert difference(CHARGE, KNOWN, replace(THEIRS, **parts)) == what


def test_an_invoice_does_not_say_in_which_mode_it_was_paid() -> None:
    """
    It is found by the payment's id, which is of one mode; all else is compared.
    """
    invoice = replace(CHARGE, paid=Paid("invoice", 2), livemode=None)

    assert difference(invoice, KNOWN, replace(THEIRS, livemode=True)) is None
    assert difference(invoice, KNOWN, replace(THEIRS, currency="eur")) == "currency_differs"


def test_what_was_taken_stays_as_much() -> None:
    """
    A dispute whose amount changes while its money is away is more than we understand; once it is back, it may.
    """
    less = replace(THEIRS, amount_cents=900)

    assert difference(CHARGE, TAKEN, less) == "amount_differs"
    assert difference(CHARGE, replace(TAKEN, money="restored"), less) is None


@pytest.mark.parametrize(("known", "read", "older"), [(0, 0, False), (0, 1, False), (2, 1, True), (1, 1, False)])
def test_fewer_movements_are_older(known: int, read: int, *, older: bool) -> None:
    """
    They are added at Stripe and never taken away.
    """
    assert is_older(replace(KNOWN, movements=known), replace(THEIRS, movements=read)) is older


@pytest.mark.parametrize(
    ("money", "is_withdrawn", "move"),
    [
        ("untouched", True, "take"),
        ("untouched", False, None),
        ("taken", True, None),
        ("taken", False, "restore"),
        ("restored", True, "take"),
        ("restored", False, None),
    ],
)
def test_books_follow_the_money(money: str, move: str | None, *, is_withdrawn: bool) -> None:
    """
    Whatever the stage is.
    """
    assert move_of(replace(TAKEN, money=money), replace(THEIRS, is_withdrawn=is_withdrawn)) == move


@pytest.mark.parametrize(
    ("known", "movements", "is_withdrawn", "frozen"),
    [
        (KNOWN, 0, False, False),
        (KNOWN, 1, True, True),
        (TAKEN, 1, True, True),
        (TAKEN, 2, False, False),
        (replace(TAKEN, freezes_charges=False), 1, True, False),
        (replace(TAKEN, freezes_charges=False), 3, True, True),
    ],
    ids=["inquiry", "withdrawn", "still", "back", "released", "once-more"],
)
def test_a_withdrawal_freezes_until_the_money_is_back(
    known: Dispute, movements: int, *, is_withdrawn: bool, frozen: bool
) -> None:
    """
    What an operator released stays so until money goes once more.
    """
    assert freezes(known, replace(THEIRS, movements=movements, is_withdrawn=is_withdrawn)) is frozen


@pytest.mark.parametrize(
    ("stage", "state", "is_withdrawn", "over"),
    [
        ("open", "needs_response", True, False),
        ("lost", "lost", True, True),
        ("lost", "lost", False, False),
        ("won", "won", False, True),
        ("won", "won", True, False),
        ("prevented", "prevented", False, True),
        ("inquiry", "warning_under_review", False, False),
        ("inquiry", "warning_closed", False, True),
        ("unknown", "new_word", False, False),
    ],
)
def test_it_is_over_when_the_money_is_where_the_decision_puts_it(
    stage: DisputeStage, state: str, *, is_withdrawn: bool, over: bool
) -> None:
    """
    A win is not yet money.
    """
    assert is_over(replace(THEIRS, stage=stage, stripe_state=state, is_withdrawn=is_withdrawn)) is over


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ([], "none"),
        (["prevented"], "none"),
        (["inquiry", "won"], "inquiry"),
        (["won", "lost"], "lost"),
        (["lost", "open"], "disputed"),
        (["unknown"], "disputed"),
    ],
    ids=str,
)
def test_a_charge_stands_as_its_heaviest_dispute(stages: list[DisputeStage], word: str) -> None:
    """
    However many there are.
    """
    assert state_of_paid([replace(KNOWN, stage=stage) for stage in stages]) == word


@pytest.mark.parametrize(("movement", "reversal"), [(1, "du_1"), (3, "du_1_3")])
def test_each_withdrawal_has_a_reversal_of_its_own(movement: int, reversal: str) -> None:
    """
    The first is the dispute's.
    """
    assert reversal_of("du_1", movement=movement) == reversal


@pytest.mark.parametrize(
    ("age", "is_parked", "pause"),
    [
        (timedelta(0), False, MINUTE),
        (10 * MINUTE, False, 10 * MINUTE),
        (10 * DAY, False, HOUR),
        (10 * DAY, True, DAY),
    ],
)
def test_what_changes_no_more_is_read_less(age: timedelta, pause: timedelta, *, is_parked: bool) -> None:
    """
    From a minute to an hour; what is parked, to a day.
    """
    assert pause_before_look(changed_at=NOW - age, is_parked=is_parked, now=NOW) == pause


@pytest.mark.parametrize(
    ("changed_at", "over", "parked", "is_read"),
    [
        (NOW, True, False, True),
        (NOW - MINUTE, True, False, False),
        (NOW - MINUTE, True, True, True),
        (NOW - MINUTE, False, False, True),
    ],
    ids=["just-ended", "confirmed", "parked", "open"],
)
def test_a_change_is_always_read_once_more(changed_at: datetime, *, over: bool, parked: bool, is_read: bool) -> None:
    """
    Only what is over, agrees with our books and has been confirmed is left alone.
    """
    look = next_look(changed_at=changed_at, is_over=over, is_parked=parked, now=NOW)

    assert (look is not None) is is_read


@given(reads=st.lists(st.integers(min_value=0, max_value=5), min_size=1))
def test_in_any_order_the_money_ends_where_the_newest_reading_has_it(reads: list[int]) -> None:
    """
    Older ones are passed over, repeats move nothing: the books are where the most movements put them.
    """
    known = KNOWN
    for movements in reads:
        theirs = replace(THEIRS, movements=movements, is_withdrawn=movements % 2 == 1)
        move = move_of(known, theirs)
        money = {"take": "taken", "restore": "restored", None: known.money}[move]
        newer = replace(known, money=money, movements=movements, freezes_charges=freezes(known, theirs))
        known = known if is_older(known, theirs) else newer

    is_away = max(reads) % 2 == 1
    assert (known.movements, known.money == "taken", known.freezes_charges) == (max(reads), is_away, is_away)
