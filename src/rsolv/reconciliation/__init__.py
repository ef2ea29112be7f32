"""
Reconciliation: everything at Stripe against everything here, in both directions, so that nothing depends on being told.

What Stripe has and we have not heard of is settled by the same verbs as for events and workers; what our database has
lost, being a copy of an earlier time, is rebuilt from what stands on the payments; all else is a discrepancy that
somebody looks at. Nothing else is ever repaired (docs/decisions/0017-reconciliation.md).
"""

from rsolv.reconciliation.errors import DiscrepancyClosed, UnknownDiscrepancy
from rsolv.reconciliation.rules import (
    KINDS,
    REASON_LENGTH_MAX,
    Counts,
    Difference,
    Discrepancy,
    Kind,
    Report,
    Restore,
    Run,
)
from rsolv.reconciliation.service.look_into import (
    close_discrepancy,
    get_discrepancy_for_operator,
    list_discrepancies_for_operator,
    list_runs_for_operator,
)
from rsolv.reconciliation.service.reconcile import SIDES, reconcile
from rsolv.reconciliation.service.restores import find_awaited_restore, hold_restored, note_restore

__all__ = [
    "KINDS",
    "REASON_LENGTH_MAX",
    "SIDES",
    "Counts",
    "Difference",
    "Discrepancy",
    "DiscrepancyClosed",
    "Kind",
    "Report",
    "Restore",
    "Run",
    "UnknownDiscrepancy",
    "close_discrepancy",
    "find_awaited_restore",
    "get_discrepancy_for_operator",
    "hold_restored",
    "list_discrepancies_for_operator",
    "list_runs_for_operator",
    "note_restore",
    "reconcile",
]
