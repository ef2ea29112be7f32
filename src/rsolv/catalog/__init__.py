"""
The catalogue: plans and prices as data, in versions that never change.

A version takes effect at a time; new customers are pinned to the latest one in effect and keep it until they
agree to another. No price, credit count or plan limit stands anywhere else.
"""

from rsolv.catalog.errors import CatalogInvalid, NoCatalogInEffect
from rsolv.catalog.rules import Catalog, Change, Plan, Version, changes, parse_catalog
from rsolv.catalog.service import apply_catalog, find_newest, get_in_effect, get_pinned, get_version, pin_customer

__all__ = [
    "Catalog",
    "CatalogInvalid",
    "Change",
    "NoCatalogInEffect",
    "Plan",
    "Version",
    "apply_catalog",
    "changes",
    "find_newest",
    "get_in_effect",
    "get_pinned",
    "get_version",
    "parse_catalog",
    "pin_customer",
]
