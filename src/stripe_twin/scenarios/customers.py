"""
Scenarios of customers.
"""

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()


@scenarios.ends_in("customer.created")
async def created(stage: Stage) -> str:
    """
    Create a customer.
    """
    return (await props.customer(stage)).id


@scenarios.ends_in("customer.updated")
async def updated(stage: Stage) -> str:
    """
    Change a customer's name.
    """
    customer = await props.customer(stage)
    return (await stage.sdk.v1.customers.update_async(customer.id, {"name": "Another Name"})).id


@scenarios.ends_in("customer.deleted")
async def deleted(stage: Stage) -> str:
    """
    Delete a customer.
    """
    return (await stage.sdk.v1.customers.delete_async((await props.customer(stage)).id)).id
