"""
Fields that a new object shows as null.
"""

from stripe_twin.core import Record


def nulls(names: str) -> Record:
    """
    Return fields that are null, by their names in one text.
    """
    return dict.fromkeys(names.split())
