"""
What must be the same in the product, at Stripe and in the model of a life.
"""

from rsolv import billing_events, charges, disputes, fixes, ledger, refunds, reversals, subscriptions
from subscriptions.life import Life

INVARIANTS = (
    *ledger.INVARIANTS,
    *fixes.INVARIANTS,
    *charges.INVARIANTS,
    *reversals.INVARIANTS,
    *refunds.INVARIANTS,
    *disputes.INVARIANTS,
    *billing_events.INVARIANTS,
    *subscriptions.INVARIANTS,
)


async def require_agreement(life: Life) -> None:
    """
    Insist on the same subscriptions, plan, credits, money, fixes, freeze and losses, wherever one looks.
    """
    stage, model = life.stage, life.model
    plan_name, state = await stage.customer()
    rows = await stage.owner.fetch("SELECT * FROM subscriptions WHERE state <> 'refused' ORDER BY id")
    ours = {
        "subscriptions": [(row["state"], row["cancel_at_period_end"]) for row in rows],
        "periods": [row["period_ends_at"] for row in rows],
        "plan": plan_name,
        "state": state,
        "credits": await stage.credits(),
        "money": await _money(life),
        "received": (await _money(life)).get("processor", 0),
        "fixes": await _fixes(life),
        "is frozen": await _is_frozen(life),
        "lost": [event.reason for event in stage.churned],
    }
    plan_names = model.plan_names()
    expected = {
        "subscriptions": [(plan.state, plan.ends_with_period) for plan in model.plans],
        "periods": [plan.period_ends_at for plan in model.plans],
        "plan": plan_name if plan_name in plan_names else str(plan_names),
        "state": model.customer_state(),
        "credits": model.books.credits,
        "money": {kind: cents for kind, cents in model.books.money.items() if cents},
        "received": at_stripe(life),
        "fixes": {state: count for state, count in model.fixes.items() if count},
        "is frozen": model.books.is_frozen,
        "lost": model.lost,
    }
    theirs = [(each["status"], each["cancel_at_period_end"]) for each in stage.theirs()]
    differing = {name: (ours[name], expected[name]) for name in ours if ours[name] != expected[name]}
    assert differing == {}, f"here and in the model: {differing}"
    assert ours["subscriptions"] == theirs, f"here and at Stripe: {ours['subscriptions']}, {theirs}"


async def require_sound_books(life: Life) -> None:
    """
    Insist on every invariant of every room.
    """
    findings = await ledger.verify(life.stage.owner, INVARIANTS)
    assert ledger.breached(findings) == []


def at_stripe(life: Life) -> int:
    """
    Return what Stripe holds of the customer's money: received, less refunds and what banks took back.
    """
    store = life.stage.twin.store
    received = sum(each["amount_received"] for each in store.all("payment_intent"))
    refunded = sum(each["amount"] for each in store.all("refund") if each["status"] == "succeeded")
    moved = [entry["amount"] for each in store.all("dispute") for entry in each["balance_transactions"]]
    return int(received - refunded + sum(moved))


async def _money(life: Life) -> dict[str, int]:
    balances = await ledger.money_balances(life.stage.owner, customer_id=life.stage.customer_id)
    return {kind: cents for kind, cents in balances.get("usd", {}).items() if cents}


async def _fixes(life: Life) -> dict[str, int]:
    rows = await life.stage.owner.fetch("SELECT state, count(*) FROM fixes GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


async def _is_frozen(life: Life) -> bool:
    async with life.stage.database.reading() as connection:
        return await disputes.is_frozen(connection, customer_id=life.stage.customer_id)
