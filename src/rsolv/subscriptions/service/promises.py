"""
The jobs that the room promises.
"""

import hashlib

from rsolv.jobs import Job
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.rules import Subscription


def look_job(customer_id: int, subscription_id: int, *, why: str = "") -> Job:
    """
    Promise to look at a subscription now. *why* sets it apart from one that is running and still holds its key.
    """
    return Job(
        kind="subscription.look",
        ids={"customer_id": customer_id, "subscription_id": subscription_id},
        dedupe_key=f"subscription.look:{customer_id}:{subscription_id}:{why}",
    )


def card_job(customer_id: int) -> Job:
    """
    Promise to have a subscription paid by the customer's default card.

    Without a dedupe key: one that waits may be read before the change that this one is for is committed.
    """
    return Job(kind="subscription.set_card", ids={"customer_id": customer_id})


def pay_job(customer_id: int) -> Job:
    """
    Promise to have what is past due tried with the customer's default card. Without a dedupe key, as `card_job`.
    """
    return Job(kind="subscription.pay_invoice", ids={"customer_id": customer_id})


def notice_job(subscription: Subscription, notice: str, *, about: str) -> Job:
    """
    Promise to tell the customer of something about their subscription, once for what it is about.
    """
    ids: dict[str, int | str] = {
        "customer_id": subscription.customer_id,
        "subscription_id": subscription.id,
        "notice": notice,
    }
    key = f"mail.send_subscription_notice:{subscription.customer_id}:{subscription.id}:{notice}:{about}"
    return Job(kind="mail.send_subscription_notice", ids=ids, dedupe_key=key)


def card_key(theirs: StripeSubscription, stripe_payment_method_id: str, *, job_id: int, tries: int) -> str:
    """
    Return the key for telling Stripe of another card: another one at each try, made only after a look.
    """
    exact = "\n".join([theirs.id, stripe_payment_method_id, str(job_id), str(tries)])
    return f"rsolv-subscription-card-{hashlib.sha256(exact.encode()).hexdigest()[:32]}"


def pay_key(theirs: StripeInvoice, stripe_payment_method_id: str, *, job_id: int, tries: int) -> str:
    """
    Return the key for having an invoice paid: another one at each try, made only after a read has shown it open.

    An error that Stripe keeps under a key would else be all that is heard for a day. It is the invoice that is paid
    once, not the key.
    """
    exact = "\n".join([theirs.id, stripe_payment_method_id, str(theirs.attempt_count), str(job_id), str(tries)])
    return f"rsolv-invoice-pay-{hashlib.sha256(exact.encode()).hexdigest()[:32]}"
