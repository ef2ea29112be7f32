"""
A database that is a copy of an earlier time: made good from what Stripe knows, and nothing is charged again.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import Died, dying
from factories.cards import do_jobs
from factories.customers import set_balance
from fixes.reports import report
from reconciliation.stage import Office, classes
from refunds.giving import Giving
from rsolv import charges, fixes, reconciliation
from rsolv.audit import Actor
from rsolv.charges import Charge
from rsolv.db import Connection
from rsolv.fixes import StoredPhase
from rsolv.reconciliation.jobs import reconcile_schedules
from rsolv.spending_caps import SafetyCaps
from rsolv.stripe_gateway import GatewayFailure
from rsolv.wiring import charge_holds
from stripe_twin.core import Record
from stripe_twin.core.faults import Fault

ADA = Actor("operator", "ada")
BACKUP = NOW - timedelta(minutes=30)
LATER = NOW + timedelta(minutes=5)


@dataclass(frozen=True)
class Lost:
    """
    A fix that was paid for at Stripe and of which this database knows nothing.
    """

    payment: Record
    repository: str
    issue_number: int
    amount_cents: int


async def lose_charge(office: Office, acme: Stage, *, issue_number: int, commit: str = "1057c0de") -> Lost:
    """
    Have Stripe hold the payment of a fix that was made after the backup.

    It is made from another charge's payment: what stands on it is what we write, with ids that are not here.
    """
    charge = await office.paid(acme)
    paid = office.twin.store.find("payment_intent", str(charge.stripe_payment_id))
    assert paid is not None
    metadata = paid["metadata"] | {
        "rsolv_charge_id": str(charge.id + 1_000),
        "rsolv_fix_id": str(charge.fix_id + 1_000),
        "rsolv_charge_nonce": "0" * 32,
        "rsolv_issue_number": str(issue_number),
        "rsolv_commit": commit,
    }
    made = await office.gateway.create_payment(
        stripe_customer_id=paid["customer"],
        amount_cents=charge.amount_cents,
        currency=charge.currency,
        payment_method_id=None,
        description="lost",
        metadata=metadata,
        key=f"lost {issue_number}",
    )
    (method,) = [each for each in office.twin.store.all("payment_method") if each["customer"] == paid["customer"]]
    await office.gateway.confirm_payment(made.id, payment_method_id=method["id"], key=f"lost {made.id}")
    payment = office.twin.store.find("payment_intent", made.id)
    assert payment is not None
    return Lost(payment, metadata["rsolv_repository"], issue_number, charge.amount_cents)


async def restored(office: Office) -> None:
    """
    Note that this database is restored.
    """
    async with office.database.transaction() as connection:
        await reconciliation.note_restore(connection, backup_made_at=BACKUP, actor=ADA, now=NOW)


async def charge_of(office: Office, acme: Stage, payment_id: str) -> Charge:
    """
    Return the charge that a payment is of.
    """
    async with office.database.reading() as connection:
        owner = await charges.find_owner_of_payment(connection, stripe_payment_id=payment_id)
    assert owner is not None, "nobody's"
    return await acme.charge(owner[1])


async def store(
    connection: Connection, office: Office, acme: Stage, *, issue_number: int, data_json: str = '{"fixed": true}'
) -> StoredPhase:
    """
    Report a fix, or with other data none.
    """
    return await fixes.store_phase(
        connection,
        report(
            issue_number=issue_number,
            commit_sha="1057c0de",
            data_json=data_json,
            billable=data_json == '{"fixed": true}',
        ),
        customer_id=acme.customer_id,
        api_key_id=acme.acme.key.api_key.id,
        bus=office.bus,
        ownership_required=False,
        now=NOW,
    )


async def report_fix(office: Office, acme: Stage, *, issue_number: int) -> int:
    """
    Report a fix anew that is to be charged, and return the charge's id.
    """
    async with office.database.transaction() as connection:
        stored = await store(connection, office, acme, issue_number=issue_number)
    assert stored.billing.charge_id is not None, stored.billing
    return stored.billing.charge_id


async def advance_until(acme: Stage, charge_id: int, point: str) -> None:
    """
    Go on with a charge until a worker dies at a point.
    """
    with suppress(Died):
        await acme.finish(charge_id, machine=acme.machine(at=dying(point)))
    await acme.end_leases()


async def test_a_lost_charge_is_rebuilt_from_its_payment(office: Office) -> None:
    """
    Fix, debt, charge and postings, marked as rebuilt; reported again, the fix is not billed again.
    """
    acme = await office.customer()
    lost = await lose_charge(office, acme, issue_number=900)

    found = await office.reconcile()

    assert (found.kinds["payment"].rebuilt, found.differences) == (1, [])
    charge = await charge_of(office, acme, lost.payment["id"])
    explained = await acme.explained(charge.id)
    assert (charge.state, charge.amount_cents, charge.rebuilt_at) == ("succeeded", lost.amount_cents, NOW)
    assert (explained.repository, explained.issue_number) == (lost.repository, 900)
    assert [posting.leg for posting in explained.postings] == ["money", "credits", "main"]
    async with office.database.transaction() as connection:
        again = await store(connection, office, acme, issue_number=900)
    assert again.billing.status == "already_billed"
    assert (await office.reconcile()).total.rebuilt == 0
    assert await office.breaches() == []


async def test_rebuilding_keeps_what_the_action_reported(office: Office) -> None:
    """
    A result that is known at the commit, of the same issue, stays as it is.
    """
    acme = await office.customer()
    async with office.database.transaction() as connection:
        await store(connection, office, acme, issue_number=901, data_json='{"fixed": false}')
    lost = await lose_charge(office, acme, issue_number=901)

    await office.reconcile()

    explained = await acme.explained((await charge_of(office, acme, lost.payment["id"])).id)
    assert explained.phase_result == '{"fixed": false}'


async def do_charges(office: Office) -> None:
    """
    Do what the worker has to do about charges.
    """
    await do_jobs(office.owner, office.database, office.gateway, office.bus, kind="charge.advance")


async def test_a_fix_reported_again_before_the_comparison_is_paid_by_the_lost_payment(office: Office) -> None:
    """
    Its new charge is left alone meanwhile, then stands for the lost one: the customer has paid once.
    """
    acme = await office.customer()
    lost = await lose_charge(office, acme, issue_number=902)
    await restored(office)
    charge_id = await report_fix(office, acme, issue_number=902)
    await do_charges(office)
    before = len(acme.theirs())

    found = await office.reconcile(since=BACKUP)
    await do_charges(office)

    charge = await acme.charge(charge_id)
    assert (found.kinds["payment"].rebuilt, found.differences) == (1, [])
    assert (charge.state, charge.stripe_payment_id) == ("succeeded", lost.payment["id"])
    assert len(acme.theirs()) == before, "no payment was made for it"
    assert await office.breaches() == []


async def test_a_fix_that_was_paid_otherwise_in_the_meantime_is_told_of(office: Office) -> None:
    """
    By a credit that the copy still had: the money of the lost payment is for somebody to look at.
    """
    acme = await office.customer()
    lost = await lose_charge(office, acme, issue_number=903)
    async with office.database.transaction() as connection:
        await set_balance(connection, customer_id=acme.customer_id, credits=1)
        stored = await store(connection, office, acme, issue_number=903)

    found = await office.reconcile()

    assert stored.billing.status == "consumed"
    assert classes(found.differences) == {("payment", "missing_here", lost.payment["id"])}
    assert await office.breaches() == []


async def test_a_charge_with_a_payment_of_its_own_is_kept_from_charging(office: Office) -> None:
    """
    The comparison was not awaited: what is paid at Stripe is told of, and the fix is not charged a second time.
    """
    acme = await office.customer()
    lost = await lose_charge(office, acme, issue_number=904)
    charge_id = await report_fix(office, acme, issue_number=904)
    await advance_until(acme, charge_id, "X7")

    found = await office.reconcile()
    await acme.finish(charge_id)

    charge = await acme.charge(charge_id)
    assert classes(found.differences) == {("payment", "missing_here", lost.payment["id"])}
    assert (charge.state, charge.parked_reason, charge.wake_at) == ("prepared", "orphan_paid", None)


async def test_the_lost_payment_of_somebody_else_is_never_rebuilt_here(office: Office) -> None:
    """
    Ids are given out again in a copy: whose customer it is says Stripe's customer, not a number.
    """
    acme, other = await office.customer(), await office.customer("other")
    lost = await lose_charge(office, acme, issue_number=905)
    office.edit("payment_intent", lost.payment["id"], metadata__rsolv_customer_id=str(other.customer_id))

    found = await office.reconcile()

    assert classes(found.differences) == {("payment", "missing_here", lost.payment["id"])}
    assert found.total.rebuilt == 0


@pytest.mark.parametrize("missing", ["rsolv_repository", "rsolv_api_key_id"])
async def test_what_says_too_little_is_told_of(office: Office, missing: str) -> None:
    """
    Or names a key that the copy does not have.
    """
    acme = await office.customer()
    lost = await lose_charge(office, acme, issue_number=906)
    metadata = dict(lost.payment["metadata"])
    office.edit("payment_intent", lost.payment["id"], metadata={**metadata, missing: "999" if "key" in missing else ""})

    found = await office.reconcile()

    assert classes(found.differences) == {("payment", "missing_here", lost.payment["id"])}


async def test_nothing_is_charged_or_given_back_before_the_comparison(office: Office) -> None:
    """
    Jobs are left alone, and the last look of a charge holds it; afterwards all goes on.
    """
    acme = await office.customer()
    giving = await Giving.of_a_new_charge(acme)
    await restored(office)
    refund = await giving.ask(100)
    charge_id = await acme.fix()
    await do_jobs(office.owner, office.database, office.gateway, office.bus, kind="refund.advance")
    await do_charges(office)
    asleep = (await acme.charge(charge_id)).state, (await giving.refund(refund.id)).tries
    held = await acme.advance(charge_id, machine=acme.machine(cap=charge_holds(SafetyCaps())))

    await office.reconcile(since=BACKUP)
    await acme.end_leases()
    paid = await acme.finish(charge_id, at=LATER, machine=acme.machine(cap=charge_holds(SafetyCaps())))

    assert asleep == ("created", 0)
    assert (held.state, held.parked_reason) == ("prepared", "restored")
    assert paid.state == "succeeded"
    assert (await giving.advance(refund.id)).state == "succeeded"


async def test_the_customer_is_not_told_that_we_restored_a_backup(office: Office) -> None:
    """
    It is ours to know.
    """
    acme = await office.customer()
    await restored(office)

    await acme.advance(await acme.fix(), machine=acme.machine(cap=charge_holds(SafetyCaps())))

    assert await office.jobs("mail.send_charge_notice") == 0


async def test_a_comparison_since_later_than_the_backup_does_not_make_a_restore_good(office: Office) -> None:
    """
    What happened in between has not been looked at.
    """
    await restored(office)

    await office.reconcile(since=BACKUP + timedelta(seconds=1))

    assert await is_awaited(office)


async def test_a_comparison_that_was_stopped_does_not_make_a_restore_good(office: Office) -> None:
    """
    Stripe went away in the middle: the run says so, and the next one is awaited.
    """
    acme = await office.customer()
    await office.paid(acme)
    await restored(office)
    office.twin.faults.plan([Fault("error_not_stored", method="GET", template="/v1/refunds", times=None)])

    with pytest.raises(GatewayFailure):
        await office.reconcile(since=BACKUP)

    async with office.database.reading() as connection:
        (run,) = await reconciliation.list_runs_for_operator(connection, limit=5)
    assert run.stopped_by is not None
    assert await is_awaited(office)


async def is_awaited(office: Office) -> bool:
    """
    Say whether the database still waits to be compared.
    """
    async with office.database.reading() as connection:
        return await reconciliation.find_awaited_restore(connection) is not None


async def test_the_schedule_makes_a_restore_good_by_itself(office: Office) -> None:
    """
    Within a minute of the worker's start, since an hour before the backup; then it has nothing more to do.
    """
    acme = await office.customer()
    lost = await lose_charge(office, acme, issue_number=907)
    await restored(office)
    schedules = {each.name: each for each in reconcile_schedules(office.database, office.gateway, office.bus)}

    await schedules["reconciliation.restore"].run()
    await schedules["reconciliation.restore"].run()
    await schedules["reconciliation.hour"].run()

    assert (await charge_of(office, acme, lost.payment["id"])).state == "succeeded"
    assert not await is_awaited(office)
    async with office.database.reading() as connection:
        runs = await reconciliation.list_runs_for_operator(connection, limit=5)
    assert [(run.scope, run.rebuilt) for run in runs] == [("hour", 0), ("restore", 1)]


async def test_a_schedule_waits_for_a_stripe_that_is_away(office: Office) -> None:
    """
    The next one comes by itself.
    """
    office.twin.faults.plan([Fault("error_not_stored", method="GET", template="/v1/invoices", times=None)])
    (hour, *_) = reconcile_schedules(office.database, office.gateway, office.bus)

    await hour.run()

    async with office.database.reading() as connection:
        (run,) = await reconciliation.list_runs_for_operator(connection, limit=5)
    assert run.stopped_by is not None
