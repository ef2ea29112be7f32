"""
The promises about spending caps that the worker keeps.
"""

from rsolv import charges
from rsolv.db import Database
from rsolv.jobs import Handler, JobCall
from rsolv.kernel import clock
from rsolv.spending_caps.rules import SPENDING_CAP
from rsolv.spending_caps.service import retry_waiting


def retry_capped_charges(database: Database) -> Handler:
    """
    Return the handler of `spending_cap.retry`: try everything again at once that waits for a customer's cap.

    Done again it wakes what still waits, which then waits on: harmless.
    """

    async def handle(call: JobCall) -> None:
        customer_id = int(call.ids["customer_id"])
        async with database.transaction() as connection:
            woken = await charges.retry_held(connection, customer_id=customer_id, reason=SPENDING_CAP, now=clock.now())
            if woken == charges.HELD_AT_A_TIME:
                await retry_waiting(connection, customer_id=customer_id)

    return handle
