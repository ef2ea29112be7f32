"""
What provisioning yields and promises.
"""

from dataclasses import dataclass
from datetime import timedelta

from rsolv.api_keys import IssuedKey
from rsolv.customers import Customer
from rsolv.jobs import Job

MAIL_SEQUENCE: dict[str, int] = {
    "welcome": 0,
    "getting_started": 1,
    "setup_verification": 2,
    "first_issue": 3,
    "feature_deep_dive": 5,
    "feedback_request": 7,
    "success_checkin": 14,
}
"""
The mails that welcome a customer, and after how many days each is due.
"""

FIRST_KEY_NAME = "First key"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """
    A customer who can start: with the first key, shown this once, and the opening balance in credits.
    """

    customer: Customer
    key: IssuedKey
    credit_balance: int


def promised_jobs(customer_id: int) -> list[Job]:
    """
    List what is promised to a new customer: to be known at Stripe, and to be welcomed.
    """
    mails = [
        Job(
            kind="mail.send_onboarding",
            ids={"customer_id": customer_id, "template": template},
            run_after=timedelta(days=days),
            dedupe_key=f"mail.send_onboarding:{customer_id}:{template}",
        )
        for template, days in MAIL_SEQUENCE.items()
    ]
    create_stripe_customer = Job(
        kind="stripe.create_customer",
        ids={"customer_id": customer_id},
        dedupe_key=f"stripe.create_customer:{customer_id}",
    )
    return [create_stripe_customer, *mails]
