"""
Run migrations over asyncpg, each step in a transaction of its own.

The connection is opened by asyncpg itself, so that every form of URL the product accepts works here too.
"""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

DATABASE_URL: str = context.config.attributes["database_url"]


def run_steps(connection: Connection) -> None:
    """
    Run the steps asked for, on one connection.
    """
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def run() -> None:
    """
    Connect and run; one migrator at a time, whoever comes second waits and finds nothing left to do.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(DATABASE_URL), poolclass=pool.NullPool
    )
    guard = await asyncpg.connect(DATABASE_URL)
    try:
        await guard.execute("SELECT pg_advisory_lock(hashtext('rsolv migrations'))")
        async with engine.connect() as connection:
            await connection.run_sync(run_steps)
    finally:
        await guard.close()
        await engine.dispose()


asyncio.run(run())
