"""
What tests of reversals start from.
"""

import asyncpg
import pytest

from charges.stage import Stage, set_stage
from reversals.billed import Billed
from reversals.taking import Taking
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin
from subscriptions.stage import Stage as PlanStage
from subscriptions.stage import set_stage as set_plan_stage


@pytest.fixture
async def stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Acme with a card, a consent and no credits.
    """
    return await set_stage(database, owner, gateway, twin)


@pytest.fixture
async def taking(stage: Stage) -> Taking:
    """
    A fix that was charged: its credit is spent.
    """
    charge_id = await stage.fix()
    await stage.finish(charge_id)
    return Taking(stage, charge_id)


@pytest.fixture
async def plans(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> PlanStage:
    """
    Acme with a card and no credits, who may subscribe.
    """
    return await set_plan_stage(database, owner, gateway, twin)


@pytest.fixture
async def billed(plans: PlanStage) -> Billed:
    """
    A subscription whose first invoice is open, since its card is declined.
    """
    await plans.add_card("pm_card_chargeCustomerFail")
    return await Billed.at_first(plans)


@pytest.fixture
async def sixty_charged(stage: Stage) -> Taking:
    """
    A charge that bought sixty credits.
    """
    charge_id = await stage.fix()
    await stage.finish(charge_id)
    taking = Taking(stage, charge_id)
    await taking.make_it_sixty()
    return taking


@pytest.fixture
async def sixty_billed(billed: Billed) -> Taking:
    """
    An invoice that brought sixty credits.
    """
    return await billed.another(1)


@pytest.fixture(params=["charged", "billed"])
def sixty(request: pytest.FixtureRequest) -> Taking:
    """
    A payment that bought sixty credits, none of which is spent: of a charge and of an invoice, for the same price.
    """
    taking: Taking = request.getfixturevalue(f"sixty_{request.param}")
    return taking
