"""
What a customer is, and which details of a new one are acceptable.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import disposable_email_domains
from email_validator import EmailNotValidError, validate_email

from rsolv.customers.errors import CustomerInvalid
from rsolv.stripe_gateway import CUSTOMER_KEY

SOURCES = ("direct", "gh_marketplace", "early_access")
_SOURCE_ALIASES = {"marketplace": "gh_marketplace"}
NAME_LENGTH_MAX = 200
UTM_LENGTH_MAX = 200
_RESERVED_DOMAINS = (
    *("example.com", "example.org", "example.net", "example.edu"),
    *("test", "example", "invalid", "localhost"),
)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """
    How a customer found us: the source, and the campaign parameters of the link they followed.
    """

    source: str = "direct"
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """
    A customer about to be created, details checked.
    """

    email: str
    email_folded: str
    name: str
    acquisition: Acquisition


@dataclass(frozen=True, slots=True)
class EmailPolicy:
    """
    Which addresses we take.

    Example domains serve tests and demonstrations, and are refused in production. Throw-away domains are refused by a
    bundled list of some thousands, with our own additions and exceptions: a false alarm turns a customer away.
    """

    example_domains_allowed: bool
    domains_allowed: frozenset[str] = frozenset()
    domains_blocked: frozenset[str] = frozenset()

    def refusal(self, domain: str) -> str | None:
        """
        Return why an address at this domain (ASCII, lower case) is not taken, or None.
        """
        if any(f".{domain}".endswith(f".{reserved}") for reserved in _RESERVED_DOMAINS):
            return None if self.example_domains_allowed else "This domain is reserved for examples."
        labels = domain.split(".")
        for parent in (".".join(labels[start:]) for start in range(len(labels) - 1)):
            if parent in self.domains_allowed:
                return None
            if parent in self.domains_blocked or parent in disposable_email_domains.blocklist:
                return "Addresses of throw-away mail services are not taken."
        return None


@dataclass(frozen=True, slots=True)
class Customer:
    """
    A customer as stored.
    """

    id: int
    name: str
    email: str
    subscription_type: str
    subscription_state: str | None
    source: str
    auto_provisioned: bool
    created_at: datetime
    first_scan_at: datetime | None
    deactivated_at: datetime | None


def checked_new_customer(*, email: str, name: str | None, acquisition: Acquisition, policy: EmailPolicy) -> NewCustomer:
    """
    Check and normalise what somebody says of themselves. A missing name becomes the address's local part.

    Raises:
        CustomerInvalid: with every field that is wrong.
    """
    problems: dict[str, list[str]] = {}
    normal_email = _checked_email(email, policy, problems)
    source = _SOURCE_ALIASES.get(acquisition.source, acquisition.source)
    if source not in SOURCES:
        problems["source"] = [f"must be one of {', '.join(SOURCES)}"]
    clean_name = (name or "").strip() or normal_email.split("@")[0]
    if len(clean_name) > NAME_LENGTH_MAX or _has_control_characters(clean_name):
        problems["name"] = [f"must be at most {NAME_LENGTH_MAX} characters without control characters"]
    campaign = {
        field: getattr(acquisition, field) for field in ("utm_source", "utm_medium", "utm_campaign", "utm_content")
    }
    for field, value in campaign.items():
        if value is not None and (len(value) > UTM_LENGTH_MAX or _has_control_characters(value)):
            problems[field] = [f"must be at most {UTM_LENGTH_MAX} characters without control characters"]
    if problems:
        raise CustomerInvalid(fields=problems)
    return NewCustomer(
        email=normal_email,
        email_folded=fold_email(normal_email),
        name=clean_name,
        acquisition=Acquisition(source=source, **campaign),
    )


@dataclass(frozen=True, slots=True)
class StripeCustomerRequest:
    """
    How a customer is made at Stripe: always the same way for the same customer, so that a repeat is one.
    """

    email: str
    name: str
    metadata: Mapping[str, str]
    key: str


def stripe_customer_request(customer: Customer) -> StripeCustomerRequest:
    """
    Return what makes a customer known at Stripe.

    `rsolv_customer_since` tells our customer 7 from the 7 of another installation that shares the Stripe account: from
    a developer's database that was made anew, say. The key names the exact request, since Stripe refuses a key that
    comes again with other parameters.
    """
    metadata = {
        CUSTOMER_KEY: str(customer.id),
        "rsolv_customer_since": customer.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    exact = "\n".join([customer.email, customer.name, *metadata.values()])
    digest = hashlib.sha256(exact.encode()).hexdigest()[:32]
    return StripeCustomerRequest(
        email=customer.email,
        name=customer.name,
        metadata=metadata,
        key=f"rsolv-customer-{customer.id}-{digest}",
    )


def fold_email(email: str) -> str:
    """
    Return the form under which two spellings of one address are the same.
    """
    return unicodedata.normalize("NFC", email).casefold()


def _checked_email(email: str, policy: EmailPolicy, problems: dict[str, list[str]]) -> str:
    try:
        # test_environment: reserved names such as .test are judged by our own policy below.
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        problems["email"] = [str(error)]
        return ""
    refusal = policy.refusal((checked.ascii_domain or checked.domain).lower())
    if refusal is not None:
        problems["email"] = [refusal]
    return checked.normalized


def _has_control_characters(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
