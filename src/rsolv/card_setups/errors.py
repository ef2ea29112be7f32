"""
The facts that can go wrong with a card setup.
"""

from rsolv.kernel.errors import Invalid, NotFound


class ReturnUrlRefused(Invalid):
    """
    The address to come back to is none that we would send anybody to.
    """

    code = "return_url_refused"
    sentence = "The return_url must be an https:// address, or http:// on this very machine."


class UnknownCardSetup(NotFound):
    """
    Nobody was sent to such a page by us.
    """

    code = "unknown_card_setup"
    sentence = "There is no such card setup."


class CardSetupMixedUp(Exception):
    """
    What Stripe says of a card setup is not what we opened: nothing is believed, and somebody has to look.
    """
