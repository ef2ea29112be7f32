"""
What a phase result is, and which of them is a fix to bill.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

FORGE = "github"
SCAN = "scan"
VALIDATE = "validate"
MITIGATE = "mitigate"
PHASES = (SCAN, VALIDATE, MITIGATE)

CONSUMED = "consumed"
CHARGING = "charging"
RECORDED = "recorded"
BLOCKED = "blocked"
ALREADY_BILLED = "already_billed"
NOT_BILLABLE = "not_billable"

NO_BILLING_INFO = "no_billing_info"
CONSENT_NEEDED = "consent_needed"
CREDITS_PER_FIX = 1


@dataclass(frozen=True, slots=True)
class Repository:
    """
    A repository by its owner and name, in lower case: the forge does not tell cases apart.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """
    What the action reports of one phase. A scan is about no issue; *data_json* is the exact object it sent.
    """

    phase: str
    repository: Repository
    issue_number: int | None
    commit_sha: str
    billable: bool
    data_json: str


@dataclass(frozen=True, slots=True)
class PhaseCompleted:
    """
    The event: one phase result was stored, in the transaction that is still open.

    `begins_work`: it is the scan of a commit that was not scanned before. A subscriber may raise to refuse that.
    """

    customer_id: int
    api_key_id: int
    repository_id: int
    repository: Repository
    phase_result_id: int
    phase: str
    issue_number: int | None
    billable: bool
    occurred_at: datetime
    begins_work: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixToBill:
    """
    A recorded fix as billing needs it. *plan* and *catalog_version_id* are those of its time, where billing was off.
    """

    id: int
    customer_id: int
    api_key_id: int
    repository: str
    issue_number: int
    state: str
    plan: str | None
    catalog_version_id: int | None


@dataclass(frozen=True, slots=True)
class FixMetered:
    """
    What became of a billable result, and the credits left.

    consumed; charging, with the charge; blocked, with the reason; recorded, while billing is off; or already_billed.
    """

    status: str
    credits_remaining: int
    reason: str | None = None
    charge_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredPhase:
    """
    The id under which a result is stored, and what became of its billing.
    """

    phase_result_id: int
    billing: FixMetered


@dataclass(frozen=True, slots=True)
class StoredPhases:
    """
    What is stored at one commit: the scan's data, and per issue the data of the other two phases, as JSON texts.
    """

    scan: str | None = None
    validate: Mapping[int, str] = field(default_factory=dict)
    mitigate: Mapping[int, str] = field(default_factory=dict)


def is_billable(phase: str, data: Mapping[str, object]) -> bool:
    """
    Say whether a phase result is a fix to bill: a mitigation that says fixed, or in older words status success.

    The action stores a second mitigation without `fixed`; that one is not (docs/reference/phase-results.md). What says
    that it is not fixed is not, whatever its status.
    """
    fixed = data.get("fixed")
    return phase == MITIGATE and (fixed is True or (fixed is None and data.get("status") == "success"))
