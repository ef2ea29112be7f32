"""
The catalogues that tests run with: the one that is sold, and an older draft with other figures and another plan.
"""

from datetime import UTC, datetime
from pathlib import Path

from rsolv.catalog import Catalog, parse_catalog

REPOSITORY = Path(__file__).resolve().parents[2]

DRAFT_TEXT = """
effective_at = 2025-01-01T00:00:00Z
currency = "usd"

[warnings]
low_credits = 3
last_credits = 2

[plans.trial]
kind = "trial"
label = "Trial"
signup_credits = 7
payment_method_credits = 4

[plans.pay_as_you_go]
kind = "pay_as_you_go"
label = "Pay as you go"
fix_price_cents = 1500

[plans.teams]
kind = "subscription"
label = "Teams"
monthly_price_cents = 49900
period_credits = 60
fix_price_cents = 800
"""

CATALOGS: dict[str, Catalog] = {
    "current": parse_catalog((REPOSITORY / "catalog.toml").read_text(encoding="utf-8")),
    "draft": parse_catalog(DRAFT_TEXT),
}

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
