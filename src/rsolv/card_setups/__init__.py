"""
Card setups: hosted pages on which customers enter a card, each with the consent given on the way there.

What came of a page is asked of Stripe, by whoever looks first: the customer coming back, a job, or an event of
Stripe's. The card that was saved is then added, once.
"""

from rsolv.card_setups.errors import CardSetupMixedUp, ReturnUrlRefused, UnknownCardSetup
from rsolv.card_setups.rules import SETUP_KEY, CardSetup, checked_return_url
from rsolv.card_setups.service.fulfil_setup import find_setup, fulfil_setup, get_setup, settle_setup
from rsolv.card_setups.service.note_withdrawal import note_withdrawal
from rsolv.card_setups.service.open_setup import SetupRequest, open_setup

__all__ = [
    "SETUP_KEY",
    "CardSetup",
    "CardSetupMixedUp",
    "ReturnUrlRefused",
    "SetupRequest",
    "UnknownCardSetup",
    "checked_return_url",
    "find_setup",
    "fulfil_setup",
    "get_setup",
    "note_withdrawal",
    "open_setup",
    "settle_setup",
]
