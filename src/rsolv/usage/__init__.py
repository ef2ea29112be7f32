"""
Usage: what a customer has, what it costs, and what to be warned of; the same words for API, portal and mails.
"""

from rsolv.kernel.money import money
from rsolv.usage.rules import Pricing, UsageSummary, UsageWarning
from rsolv.usage.service import summarise

__all__ = ["Pricing", "UsageSummary", "UsageWarning", "money", "summarise"]
