"""
Usage: what a customer has, what it costs, and what to be warned of; the same words for API, portal and mails.
"""

from rsolv.kernel.money import money
from rsolv.usage.rules import Pricing, UsageSummary, UsageWarning
from rsolv.usage.service import count_fixes_last_month, summarise

__all__ = ["Pricing", "UsageSummary", "UsageWarning", "count_fixes_last_month", "money", "summarise"]
