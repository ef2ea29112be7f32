"""
Show charges, and explain them.
"""

from dataclasses import dataclass

import msgspec

from rsolv.charges.errors import UnknownCharge
from rsolv.charges.queries import reads
from rsolv.charges.queries.reads import ChargePosting, ConsentGiven
from rsolv.charges.rules import Attempt, Charge, ChargeState
from rsolv.db import Connection

ATTEMPTS_AT_MOST = 100
POSTINGS_AT_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeExplained:
    """
    All that is known about why a charge happened and what came of it.

    `phase_result` is the exact text that the action reported; `pull_request_url` is in it when the action said so.
    """

    charge: Charge
    repository: str
    issue_number: int
    pull_request_url: str | None
    phase_result_id: int
    commit_sha: str
    phase_result: str
    consent: ConsentGiven | None
    attempts: tuple[Attempt, ...]
    postings: tuple[ChargePosting, ...]


class _Report(msgspec.Struct):
    pr_url: object = msgspec.field(name="prUrl", default=None)
    older_pr_url: object = msgspec.field(name="pr_url", default=None)


async def list_charges(
    connection: Connection,
    *,
    customer_id: int,
    limit: int,
    before_id: int | None = None,
    state: ChargeState | None = None,
) -> list[Charge]:
    """
    Return a customer's charges, newest first, at most *limit*, those before *before_id* and in a *state* if given.
    """
    return await reads.list_charges(connection, customer_id=customer_id, before_id=before_id, state=state, limit=limit)


async def get_charge(connection: Connection, *, customer_id: int, charge_id: int) -> Charge:
    """
    Return a charge.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    charge = await reads.find_charge(connection, customer_id=customer_id, charge_id=charge_id)
    if charge is None:
        raise UnknownCharge(charge_id=charge_id)
    return charge


async def explain_charge(connection: Connection, *, customer_id: int, charge_id: int) -> ChargeExplained:
    """
    Return all that is known of a charge: what was fixed, what was agreed to, what was tried, what was posted.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    charge = await get_charge(connection, customer_id=customer_id, charge_id=charge_id)
    fix = await reads.find_fix(connection, customer_id=customer_id, fix_id=charge.fix_id)
    assert fix is not None, "its debt refers to it"
    return ChargeExplained(
        charge=charge,
        repository=fix["repository"],
        issue_number=fix["issue_number"],
        pull_request_url=_pull_request_in(fix["phase_result"]),
        phase_result_id=fix["phase_result_id"],
        commit_sha=fix["commit_sha"],
        phase_result=fix["phase_result"],
        consent=await reads.find_consent(connection, customer_id=customer_id, charge_id=charge_id),
        attempts=tuple(
            await reads.list_attempts(connection, customer_id=customer_id, charge_id=charge_id, limit=ATTEMPTS_AT_MOST)
        ),
        postings=tuple(
            await reads.list_postings(connection, customer_id=customer_id, charge_id=charge_id, limit=POSTINGS_AT_MOST)
        ),
    )


def _pull_request_in(phase_result: str) -> str | None:
    report = msgspec.json.decode(phase_result, type=_Report)
    found = report.pr_url or report.older_pr_url
    return found if isinstance(found, str) and found.startswith("https://") else None
