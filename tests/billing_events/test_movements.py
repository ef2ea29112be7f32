"""
Money that moved at Stripe and the postings that say so name each other, one to one.
"""

import pytest

from billing_events.postroom import Postroom
from billing_events.subscribed import PlanPostroom

BEHIND_THE_GUARD = """
    ALTER TABLE ledger_postings DISABLE TRIGGER ledger_postings_only_grow;
    {damage};
    ALTER TABLE ledger_postings ENABLE TRIGGER ledger_postings_only_grow
"""
NAMELESS = "UPDATE ledger_postings SET metadata = '{}' WHERE cause_kind = 'charge' AND leg = 'money'"
THE_SAME_TWICE = """
    UPDATE ledger_postings SET metadata = (
        SELECT metadata FROM ledger_postings WHERE cause_kind = 'charge' AND leg = 'money' ORDER BY id LIMIT 1)
    WHERE cause_kind = 'charge' AND leg = 'money'
"""
A_PAYMENT_TWICE = """
    UPDATE ledger_postings
    SET metadata = jsonb_set(metadata, '{payments}', (metadata -> 'payments') || (metadata -> 'payments'))
    WHERE cause_kind = 'invoice'
"""

DAMAGE = {
    "a guard that is switched off": ("C-1", "ALTER TABLE charge_intents DISABLE TRIGGER charge_intents_obey"),
    "a guard that is gone": ("C-1", "DROP TRIGGER charge_attempts_obey ON charge_attempts"),
    "a second live charge that nothing refuses": ("C-1", "DROP INDEX charge_intents_one_live_per_debt"),
    "a way back from the end": ("C-1", "INSERT INTO charge_moves VALUES ('succeeded', 'canceled')"),
    "a right to change the rules": ("C-1", "GRANT INSERT ON charge_moves TO rsolv_app"),
    "a consent to less than was charged": (
        "C-4",
        """
        ALTER TABLE consents DISABLE TRIGGER USER;
        UPDATE consents SET fix_price_cents = 1;
        ALTER TABLE consents ENABLE TRIGGER USER
        """,
    ),
    "an attempt that was never written down": (
        "C-5",
        """
        ALTER TABLE charge_attempts DISABLE TRIGGER USER;
        DELETE FROM charge_attempts WHERE kind = 'confirm';
        ALTER TABLE charge_attempts ENABLE TRIGGER USER
        """,
    ),
    "an attempt after one that succeeded": (
        "C-5",
        """
        INSERT INTO charge_attempts (customer_id, intent_id, kind, number, key, parameter_hash, consent_id,
                                     payment_method_id, sent_at)
        SELECT customer_id, intent_id, kind, number + 1, key || '-2', parameter_hash, consent_id, payment_method_id,
               sent_at
        FROM charge_attempts WHERE kind = 'confirm';
        UPDATE charge_intents SET attempts = attempts + 1
        """,
    ),
    "a payment of another customer of Stripe's": (
        "C-3",
        """
        ALTER TABLE stripe_customers DISABLE TRIGGER USER;
        UPDATE stripe_customers SET stripe_customer_id = 'cus_other';
        ALTER TABLE stripe_customers ENABLE TRIGGER USER
        """,
    ),
}


@pytest.mark.damages_books("a movement loses its name, or has that of another")
@pytest.mark.parametrize("damage", [NAMELESS, THE_SAME_TWICE], ids=["nameless", "the-same-twice"])
async def test_planted_damage_to_the_names_of_payments_is_noticed(postroom: Postroom, damage: str) -> None:
    """
    Two charges are paid; a posting that names no payment is a breach, and so are two that name the same one.
    """
    for _ in range(2):
        await postroom.stage.advance(await postroom.stage.fix())
    assert await postroom.breaches() == []

    await postroom.stage.owner.execute(BEHIND_THE_GUARD.format(damage=damage))

    assert [finding.id for finding in await postroom.breaches()] == ["L-11"]


@pytest.mark.damages_books("a payment stands for a charge and for an invoice")
async def test_planted_damage_a_payment_of_two_invoices_is_noticed(plans: PlanPostroom) -> None:
    """
    What pays an invoice pays nothing else.
    """
    await plans.stage.subscribe()
    [payments] = [
        row["payments"]
        for row in await plans.stage.owner.fetch(
            "SELECT metadata ->> 'payments' AS payments FROM ledger_postings WHERE cause_kind = 'invoice'"
        )
    ]
    assert payments.startswith('["pi_')
    assert await plans.breaches() == []

    await plans.stage.owner.execute(BEHIND_THE_GUARD.format(damage=A_PAYMENT_TWICE))

    assert [finding.id for finding in await plans.breaches()] == ["L-11"]


@pytest.mark.damages_books("each case breaks one promise")
@pytest.mark.parametrize(("promise", "damage"), DAMAGE.values(), ids=[name.replace(" ", "-") for name in DAMAGE])
async def test_planted_damage_to_what_guards_a_charge_is_named(postroom: Postroom, promise: str, damage: str) -> None:
    """
    By the promise that it breaks, and by no other; before it, all of them hold.
    """
    await postroom.stage.advance(await postroom.stage.fix())
    assert await postroom.breaches() == []

    await postroom.stage.owner.execute(damage)

    assert [finding.id for finding in await postroom.breaches()] == [promise]
