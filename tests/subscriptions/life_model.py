"""
What a customer's life with the plan comes to, in plain Python: written from the specification, not from the code.

It knows Stripe's calendar of an account (periods, an hour of draft, retries), what a fix costs, what a payment brings
and what a refund or a dispute takes. It reads nothing of ours and nothing of Stripe's.
"""

from calendar import monthrange
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from subscriptions.money_model import Books

Card = Literal["good", "failing", "asking"]
PERIOD_CREDITS, PERIOD_CENTS, PRO_CENTS, USUAL_CENTS = 60, 59_900, 1_500, 2_900
FIRST_CREDITS, CARD_CREDITS = 5, 5
HOUR, DAY, GRACE = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
RETRY_DAYS = (1, 2, 3, 5, 7, 9, 11, 14)
PAYABLE_FOR = timedelta(hours=23)
ENDED = {"canceled", "incomplete_expired"}


class Refused(Exception):
    """
    The customer is told no, and nothing changes.
    """


@dataclass
class Bill:
    """
    An invoice for one period.
    """

    state: Literal["draft", "open", "paid", "void"]
    due: list[datetime] = field(default_factory=list)


@dataclass
class Plan:
    """
    A subscription: its state, its period, its bills, and the card that pays it.
    """

    began_at: datetime
    card: Card
    state: str = "incomplete"
    periods: int = 1
    ends_with_period: bool = False
    has_run_out: bool = False
    has_begun: bool = False
    failed_at: datetime | None = None
    noticed_by: datetime | None = None
    bills: list[Bill] = field(default_factory=list)
    churned: str | None = None

    @property
    def has_ended(self) -> bool:
        """
        Say whether nothing can come of it any more.
        """
        return self.state in ENDED

    @property
    def period_ends_at(self) -> datetime:
        """
        Return the end of the current period: so many months after the beginning, at the latest on a month's last day.
        """
        years, month = divmod(self.began_at.month - 1 + self.periods, 12)
        year = self.began_at.year + years
        day = min(self.began_at.day, monthrange(year, month + 1)[1])
        return self.began_at.replace(year=year, month=month + 1, day=day)


@dataclass
class LifeModel:
    """
    One customer. `after_last_retry` is what the account at Stripe is set to.
    """

    now: datetime
    after_last_retry: Literal["cancel", "unpaid"] = "cancel"
    books: Books = field(default_factory=Books)
    card: Card | None = None
    had_card: bool = False
    plans: list[Plan] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    fixes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """
        Begin on trial.
        """
        self.books.grant(FIRST_CREDITS)

    # --- what can be seen

    @property
    def plan(self) -> Plan | None:
        """
        Return the plan that has not ended.
        """
        return next((each for each in self.plans if not each.has_ended), None)

    def plan_names(self) -> set[str]:
        """
        Return what the customer may be on.

        One name, or two while grace may or may not have ended, since it is counted from when we heard of the failure.
        """
        usual = "pay_as_you_go" if self.had_card else "trial"
        plan = self.plan
        if plan is None or plan.state not in {"active", "past_due"}:
            return {usual}
        if plan.state == "active":
            return {"pro"}
        assert plan.failed_at is not None, "past due since then"
        if self.now < plan.failed_at + GRACE:
            return {"pro"}
        heard_at = plan.noticed_by or self.now
        return {usual} if self.now >= heard_at + GRACE else {"pro", usual}

    def customer_state(self) -> str | None:
        """
        Return what stands beside the plan's name: Stripe's word while it lives; that it was ended at once, or unpaid.
        """
        if not self.plans:
            return None
        last = self.plan or self.plans[-1]
        if last.state == "incomplete_expired" or last.has_run_out:
            return None
        return last.state

    def notice(self) -> None:
        """
        Hear of everything that has happened.
        """
        for plan in self.plans:
            if plan.failed_at is not None and plan.noticed_by is None:
                plan.noticed_by = self.now

    # --- what the customer does

    def subscribe(self) -> None:
        """
        Buy the plan, with the card that is there.
        """
        if self.card is None or self.plan is not None:
            raise Refused
        plan = Plan(began_at=self.now, card=self.card, bills=[Bill("open")])
        self.plans.append(plan)
        if plan.card == "good":
            self._paid(plan, plan.bills[0])

    def cancel(self, *, at_period_end: bool) -> None:
        """
        End the plan, now or with its period.
        """
        plan = self._live()
        if not at_period_end:
            self._end(plan, "canceled")
        elif plan.state not in {"active", "past_due"} and not plan.ends_with_period:
            raise Refused
        else:
            plan.ends_with_period = True

    def resume(self) -> None:
        """
        Take the scheduled end back.
        """
        self._live().ends_with_period = False

    def change_card(self, card: Card) -> None:
        """
        Have another card: what is owed is tried with it at once, the plan at its next time.
        """
        if not self.had_card:
            self.books.grant(CARD_CREDITS)
        self.card, self.had_card = card, True
        if self.plan is not None:
            self.plan.card = card
        self.collect()

    def payable(self) -> list[tuple[Plan, Bill]]:
        """
        Return what can be paid by hand, the oldest first.
        """
        return [(plan, bill) for plan in self.plans for bill in plan.bills if bill.state == "open"]

    def pay_by_hand(self, which: int) -> None:
        """
        Pay a bill on Stripe's page, with a good card.
        """
        self._paid(*self.payable()[which])

    def fix(self, plan_name: str) -> str:
        """
        Have a fix: by a credit, by a charge at the price of the plan, or not at all. Return which.
        """
        if self.books.credits:
            self.books.consume()
            outcome = "consumed"
        elif self.card is None:
            outcome = "blocked"
        else:
            self.books.owe(PRO_CENTS if plan_name == "pro" else USUAL_CENTS)
            outcome = "charging"
        self.fixes[outcome] += 1
        self.collect()
        return outcome

    def collect(self) -> None:
        """
        Have what is owed paid, if the card and the disputes allow it.
        """
        if self.card == "good":
            paid = self.books.collect()
            self.fixes["charging"] -= paid
            self.fixes["consumed"] += paid

    def _live(self) -> Plan:
        if self.plan is None:
            raise Refused
        return self.plan

    # --- what time does

    def pass_time(self, until: datetime) -> None:
        """
        Let Stripe's calendar do what is due until then, in order.
        """
        while (due := self._next_due()) is not None and due[0] <= until:
            self.now, act = due[0], due[1]
            act()
        self.now = until

    def _next_due(self):
        return min((each for plan in self.plans for each in self._dues(plan)), key=lambda due: due[0], default=None)

    def _dues(self, plan: Plan):
        if plan.state == "incomplete":
            yield plan.began_at + PAYABLE_FOR, lambda: self._expire(plan)
        if plan.state in {"active", "past_due", "unpaid"}:
            yield plan.period_ends_at, lambda: self._roll(plan)
        for bill in plan.bills:
            if bill.due and bill.state in {"draft", "open"}:
                yield bill.due[0], lambda bill=bill: self._try(plan, bill)

    def _expire(self, plan: Plan) -> None:
        plan.state = "incomplete_expired"
        plan.bills[0].state = "void"

    def _roll(self, plan: Plan) -> None:
        if plan.ends_with_period:
            plan.has_run_out = True
            self._end(plan, "ended_with_period")
            return
        is_tried = plan.state != "unpaid"
        plan.bills.append(Bill("draft", [plan.period_ends_at + HOUR] if is_tried else []))
        plan.periods += 1

    def _try(self, plan: Plan, bill: Bill) -> None:
        bill.due.pop(0)
        if bill.state == "draft":
            bill.state = "open"
            bill.due = [self.now + days * DAY for days in RETRY_DAYS]
        if plan.card == "good":
            self._paid(plan, bill)
            return
        if plan.state == "active":
            plan.state, plan.failed_at = "past_due", self.now
        if not bill.due:
            self._give_up(plan)

    def _paid(self, plan: Plan, bill: Bill) -> None:
        bill.state, bill.due = "paid", []
        self.books.receive(PERIOD_CENTS)
        self.books.grant(PERIOD_CREDITS)
        if plan.state == "incomplete" or (plan.state in {"past_due", "unpaid"} and bill is plan.bills[-1]):
            plan.state, plan.failed_at, plan.noticed_by = "active", None, None
            plan.has_begun, plan.churned = True, None

    def _give_up(self, plan: Plan) -> None:
        if self.after_last_retry == "cancel":
            self._end(plan, "payment_failed")
        else:
            plan.state = "unpaid"
            self._stop_collecting(plan)
            self._lose(plan, "payment_failed")

    def _end(self, plan: Plan, reason: str) -> None:
        if plan.state == "incomplete":
            plan.state = "incomplete_expired"
            plan.bills[0].state = "void"
            return
        if plan.state in {"past_due", "unpaid"}:
            reason = "payment_failed"
        plan.state = "canceled"
        self._stop_collecting(plan)
        self._lose(plan, reason)

    def _lose(self, plan: Plan, reason: str) -> None:
        if plan.has_begun and plan.churned is None:
            self.lost.append(reason)
            plan.churned = reason

    @staticmethod
    def _stop_collecting(plan: Plan) -> None:
        for bill in plan.bills:
            bill.due = []
