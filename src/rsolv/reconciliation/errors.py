"""
The facts that can go wrong with discrepancies.
"""

from rsolv.kernel.errors import Conflict, NotFound


class UnknownDiscrepancy(NotFound):
    """
    There is none of this id.
    """

    code = "unknown_discrepancy"
    sentence = "Discrepancy {discrepancy_id} is not known."


class DiscrepancyClosed(Conflict):
    """
    It was closed before, by somebody or because both sides came to agree.
    """

    code = "discrepancy_closed"
    sentence = "Discrepancy {discrepancy_id} is closed already."
