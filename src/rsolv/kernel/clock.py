"""
The one place that reads the wall clock.

Entry points and surfaces ask here once per request or job and hand `now` down, so that a test
can live through two years in a second. Times that nodes must agree on (leases, limits, posting
times) come from the database's clock instead.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """
    Return the present moment, aware, in UTC.
    """
    return datetime.now(UTC)
