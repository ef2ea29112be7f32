"""
Telemetry: what this installation counts of itself, for Prometheus. Knows no domain: rooms declare what they count.

All web processes of a machine count into one private directory, and whichever is asked adds them up. That directory is
named by the environment before this room is imported (`rsolv web` sees to it); without it a process counts for itself.
"""

from rsolv.telemetry.rules import may_read
from rsolv.telemetry.service.count import Counter, list_counters
from rsolv.telemetry.service.scrape import CONTENT_TYPE, scrape

__all__ = ["CONTENT_TYPE", "Counter", "list_counters", "may_read", "scrape"]
