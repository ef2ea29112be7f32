"""
Phase results over the wire, named as the public action names them (docs/reference/phase-results.md).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from rsolv import fixes, spending_caps
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.api.parsing import encoded_again, invalid_fields
from rsolv.api.routes.billing import WaitingShape, waiting_shape

PHASE_OF_WORD = {
    "scan": "scan",
    "validate": "validate",
    "validation": "validate",
    "mitigate": "mitigate",
    "mitigation": "mitigate",
}
_END = r"$(?!\n)"  # in Python, $ alone also stands before a final line break
_Repo = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}" + _END,
        description="owner/name",
        examples=["acme/shop"],
    ),
]
_Commit = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9._/-]{1,100}" + _END,
        description="The commit the phase looked at.",
        examples=["c0ffee"],
    ),
]
_Issue = Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647, description="The issue's number; not for a scan.")]


class StoreRequest(Shape):
    """
    One phase's result. Unknown fields are ignored: actions already in the field may send more than we know.
    """

    phase: Annotated[
        str,
        msgspec.Meta(
            description="scan, validate (validation) or mitigate (mitigation)",
            extra_json_schema={"enum": list(PHASE_OF_WORD)},
        ),
    ]
    repo: _Repo
    data: Annotated[dict[str, Any], msgspec.Meta(description="Whatever the phase found; given back as it was.")]
    commit_sha: _Commit | None = msgspec.field(default=None, name="commitSha")
    issue_number: _Issue | None = msgspec.field(default=None, name="issueNumber")
    commit_sha_in_snake_case: _Commit | None = msgspec.field(default=None, name="commit_sha")
    issue_number_in_snake_case: _Issue | None = msgspec.field(default=None, name="issue_number")


class BillingShape(Shape, omit_defaults=True):
    """
    What storing the result did to the balance. `waiting`: the charges that the spending cap holds back already.
    """

    status: Annotated[str, msgspec.Meta(description="not_billable, consumed, charging, already_billed or blocked")]
    credits_remaining: int
    reason: str | None = None
    charge_id: str | None = None
    waiting: WaitingShape | None = None


class StoreAnswer(Shape):
    """
    Where the result is, and what became of its billing.
    """

    success: bool
    id: str
    message: str
    billing: BillingShape


class RetrieveRequest(Shape, forbid_unknown_fields=True):
    """
    Which results to give back.
    """

    repo: _Repo
    commit: _Commit
    issue: _Issue | None = None


class RetrieveAnswer(Shape, omit_defaults=True):
    """
    What is stored at the commit. Validation and mitigation are maps from `issue-N` to what was stored for that issue.
    """

    scan: dict[str, Any] | None = None
    validation: dict[str, dict[str, Any]] | None = None
    mitigation: dict[str, dict[str, Any]] | None = None


class _RawRetrieveAnswer(Shape, omit_defaults=True):
    """
    The same with the stored texts passed through undecoded.
    """

    scan: msgspec.Raw | None = None
    validation: dict[str, msgspec.Raw] | None = None
    mitigation: dict[str, msgspec.Raw] | None = None


async def store(call: Call) -> Reply:
    """
    Store the result of one phase. A mitigation that fixed the issue consumes a credit, once per issue.

    Safe to repeat: the same repository, commit, phase and issue replace what was stored, and are billed once. Once
    payment is overdue for a week the scan of another commit is refused with 402; all else is stored and billed.
    """
    report = _report(call.body)
    async with call.parts.database.transaction() as connection:
        stored = await fixes.store_phase(
            connection,
            report,
            customer_id=call.customer_id,
            api_key_id=call.key.api_key_id,
            bus=call.parts.bus,
            ownership_required=call.parts.ownership_required,
            now=call.now,
        )
        waiting = None
        if stored.billing.charge_id is not None:
            waiting = await spending_caps.find_waiting(connection, customer_id=call.customer_id)
    billing = stored.billing
    return Reply(
        StoreAnswer(
            success=True,
            id=str(stored.phase_result_id),
            message=f"{report.phase} result stored",
            billing=BillingShape(
                status=billing.status,
                credits_remaining=billing.credits_remaining,
                reason=billing.reason,
                charge_id=str(billing.charge_id) if billing.charge_id is not None else None,
                waiting=waiting_shape(waiting),
            ),
        )
    )


async def retrieve(call: Call) -> Reply:
    """
    Give back what is stored at a commit: the scan, and the other phases of one issue, or of every issue.
    """
    request: RetrieveRequest = call.query
    async with call.parts.database.reading() as connection:
        stored = await fixes.retrieve_phases(
            connection,
            customer_id=call.customer_id,
            repository=_repository(request.repo),
            commit_sha=request.commit,
            issue_number=request.issue,
        )
    return Reply(
        _RawRetrieveAnswer(
            scan=msgspec.Raw(stored.scan) if stored.scan else None,
            validation=_by_issue(stored.validate) or None,
            mitigation=_by_issue(stored.mitigate) or None,
        )
    )


def _report(request: StoreRequest) -> fixes.PhaseReport:
    phase = PHASE_OF_WORD.get(request.phase)
    commit_sha = request.commit_sha or request.commit_sha_in_snake_case
    issue_number = request.issue_number or request.issue_number_in_snake_case
    problems: dict[str, list[str]] = {}
    if phase is None:
        problems["phase"] = [f"must be one of {', '.join(PHASE_OF_WORD)}"]
    if commit_sha is None:
        problems["commitSha"] = ["is required"]
    if issue_number is None and phase != "scan":
        problems["issueNumber"] = ["is required for this phase"]
    if phase is None or commit_sha is None or problems:
        raise invalid_fields(problems)
    issue_number = None if phase == "scan" else issue_number
    data = _unwrapped(request.data, issue_number)
    return fixes.PhaseReport(
        phase=phase,
        repository=_repository(request.repo),
        issue_number=issue_number,
        commit_sha=commit_sha,
        billable=fixes.is_billable(phase, data),
        data_json=encoded_again(data),
    )


def _unwrapped(data: dict[str, Any], issue_number: int | None) -> dict[str, Any]:
    """
    Take the one issue's data out of a map that names only this issue.
    """
    if issue_number is not None and len(data) == 1:
        for name in (f"issue-{issue_number}", f"issue_{issue_number}", str(issue_number)):
            inner = data.get(name)
            if isinstance(inner, dict):
                return inner
    return data


def _repository(repo: str) -> fixes.Repository:
    namespace, _, name = repo.lower().partition("/")
    return fixes.Repository(namespace=namespace, name=name)


def _by_issue(stored: Mapping[int, str]) -> dict[str, msgspec.Raw]:
    return {f"issue-{issue}": msgspec.Raw(data) for issue, data in stored.items()}


STORE = Operation(
    method="POST",
    path="/api/v1/phases/store",
    summary="Store a phase result",
    access=Access.API_KEY,
    handler=store,
    body=StoreRequest,
    answer=StoreAnswer,
    refusals=(400, 401, 402, 403, 413, 415, 422, 503),
    tag="Phases",
)

OPERATIONS = (
    STORE,
    replace(STORE, path="/api/v1/phase-data", alias_of=STORE.path),
    Operation(
        method="GET",
        path="/api/v1/phases/retrieve",
        summary="Retrieve phase results",
        access=Access.API_KEY,
        handler=retrieve,
        query=RetrieveRequest,
        answer=RetrieveAnswer,
        refusals=(400, 401, 404, 422, 503),
        tag="Phases",
    ),
)
