"""
The contract: what Stripe's API takes and gives, read at run time from the official SDK that is installed.

Stripe generates that SDK from its own specification, so it judges the twin and its callers from outside: requests by
their route and parameters, objects and events by their shape. Nothing generated is kept; an upgrade of the SDK is an
upgrade of the contract. What types cannot say (one field demands another, a card belongs to its customer) is the
twin's behaviour, not the contract's.
"""

from stripe_twin.contract.contract import Contract, Operation, installed_contract
from stripe_twin.contract.problems import Problem
from stripe_twin.contract.refusals import RequestRefused

__all__ = ["Contract", "Operation", "Problem", "RequestRefused", "installed_contract"]
