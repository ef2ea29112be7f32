"""
The promises about spending caps that the worker keeps.
"""

from rsolv.db import Database
from rsolv.jobs import Handler, JobCall
from rsolv.kernel import clock
from rsolv.spending_caps.service import wake_waiting


def retry_capped_charges(database: Database) -> Handler:
    """
    Return the handler of `spending_cap.retry`: try everything again at once that waits for a customer's cap.
    """

    async def handle(call: JobCall) -> None:
        async with database.transaction() as connection:
            await wake_waiting(connection, customer_id=int(call.ids["customer_id"]), now=clock.now())

    return handle
