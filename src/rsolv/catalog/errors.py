"""
The facts that can go wrong with a catalogue.
"""

from rsolv.kernel.errors import Conflict, Invalid


class CatalogInvalid(Invalid):
    """
    The catalogue file cannot be used; `fields` says why, place by place.
    """

    code = "catalog_invalid"
    sentence = "The catalogue cannot be used."


class NoCatalogInEffect(Conflict):
    """
    No version has taken effect yet, so there is nothing to sell.
    """

    code = "no_catalog_in_effect"
    sentence = "No catalogue version is in effect; apply one with `rsolv catalog apply`."
