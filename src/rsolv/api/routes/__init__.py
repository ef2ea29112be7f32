"""
Every operation of the API, by noun.
"""

from rsolv.api.operation import Operation
from rsolv.api.routes import billing, customers, health, phases

OPERATIONS: tuple[Operation, ...] = (
    *customers.OPERATIONS,
    *phases.OPERATIONS,
    *billing.OPERATIONS,
    *health.OPERATIONS,
)
