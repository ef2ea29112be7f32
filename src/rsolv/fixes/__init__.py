"""
Fixes: phase results as the action reports them, and the fixes among them, which are the work we meter.

Storing a result publishes `PhaseCompleted`; who meters and who notes the first scan is wired in the entry points.
"""

from rsolv.fixes.errors import CustomerUnverified, NothingStored
from rsolv.fixes.queries.invariants import INVARIANTS
from rsolv.fixes.rules import (
    FixMetered,
    PhaseCompleted,
    PhaseReport,
    Repository,
    StoredPhase,
    StoredPhases,
    is_billable,
)
from rsolv.fixes.service.bill_recorded import bill_next_recorded
from rsolv.fixes.service.free_reversed_fix import free_reversed_fix
from rsolv.fixes.service.meter_fix import meter_fix, record_unbilled_fix
from rsolv.fixes.service.note_first_scan import note_first_scan
from rsolv.fixes.service.recover_fix import LostFix, recover_fix
from rsolv.fixes.service.retrieve_phases import retrieve_phases
from rsolv.fixes.service.settle_charged_fix import settle_charged_fix
from rsolv.fixes.service.store_phase import store_phase
from rsolv.fixes.service.usage import count_settled_since

__all__ = [
    "INVARIANTS",
    "CustomerUnverified",
    "FixMetered",
    "LostFix",
    "NothingStored",
    "PhaseCompleted",
    "PhaseReport",
    "Repository",
    "StoredPhase",
    "StoredPhases",
    "bill_next_recorded",
    "count_settled_since",
    "free_reversed_fix",
    "is_billable",
    "meter_fix",
    "note_first_scan",
    "record_unbilled_fix",
    "recover_fix",
    "retrieve_phases",
    "settle_charged_fix",
    "store_phase",
]
