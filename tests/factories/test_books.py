"""
No test that commits ends with books that do not hold, unless it says so.
"""

from contextlib import AbstractContextManager, nullcontext

import asyncpg
import pytest

from factories.books import proved_database
from factories.customers import make_customer
from factories.ledger import MOVE_A_BALANCE
from rsolv.local.cluster import Cluster

NAMED = pytest.raises(AssertionError, match=r"L-16 \(.*\): 1, such as ")


@pytest.mark.parametrize(
    ("statement", "declared", "outcome"),
    [
        ("SELECT", (), nullcontext()),
        (MOVE_A_BALANCE, (), NAMED),
        (MOVE_A_BALANCE, ("to see it named", "L-7", "L-10"), NAMED),
        (MOVE_A_BALANCE, ("to see it named", "L-7", "L-10", "L-16"), nullcontext()),
        (MOVE_A_BALANCE, ("to see it named",), nullcontext()),
    ],
    ids=["whole", "damaged", "damaged more than was said", "damaged as was said", "said to be damaged"],
)
async def test_what_is_damaged_and_not_said_to_be_fails_the_test(
    cluster: Cluster,
    templates: dict[str, str],
    catalog_name: str,
    statement: str,
    declared: tuple[str, ...],
    outcome: AbstractContextManager[object],
) -> None:
    """
    Planted bug: a balance that is moved behind the ledger's back.
    """
    mark = pytest.mark.damages_books(*declared).mark if declared else None

    with outcome:
        async with proved_database(cluster, templates[catalog_name], mark) as url:
            owner = await asyncpg.connect(url)
            async with owner.transaction():
                await make_customer(owner)
            await owner.execute(statement)
            await owner.close()
