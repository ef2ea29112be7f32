"""
What a new customer is promised.
"""

from datetime import timedelta

from rsolv.provisioning import MAIL_SEQUENCE
from rsolv.provisioning.rules import promised_jobs


def test_a_customer_is_promised_a_place_at_stripe_and_seven_mails() -> None:
    """
    Eight jobs: one at once for Stripe, and a mail for each template.
    """
    jobs = promised_jobs(7)

    assert [job.kind for job in jobs] == ["stripe.create_customer", *["mail.send_onboarding"] * 7]
    assert jobs[0].run_after == timedelta(0)


def test_each_mail_is_due_on_its_day() -> None:
    """
    The days count from the sign-up.
    """
    due = {job.ids["template"]: job.run_after.days for job in promised_jobs(7)[1:]}

    assert due == {
        "welcome": 0,
        "getting_started": 1,
        "setup_verification": 2,
        "first_issue": 3,
        "feature_deep_dive": 5,
        "feedback_request": 7,
        "success_checkin": 14,
    }
    assert due == MAIL_SEQUENCE


def test_a_promise_carries_ids_and_nothing_of_a_person() -> None:
    """
    Jobs are read by more people and systems than customers are.
    """
    assert {frozenset(job.ids) for job in promised_jobs(7)} == {
        frozenset({"customer_id"}),
        frozenset({"customer_id", "template"}),
    }
    assert {job.ids["customer_id"] for job in promised_jobs(7)} == {7}


def test_no_promise_can_be_made_twice() -> None:
    """
    Each has a key of its own by which a repeat is recognised, different for every customer.
    """
    keys = [job.dedupe_key for customer_id in (7, 8) for job in promised_jobs(customer_id)]

    assert len(set(keys)) == 16
    assert None not in keys
