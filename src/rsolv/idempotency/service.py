"""
The idempotency room's verbs.
"""

import uuid
from datetime import timedelta

from cryptography.exceptions import InvalidTag

from rsolv.db import Connection, Database
from rsolv.idempotency import queries
from rsolv.idempotency.errors import AnswerUnreadable, KeyReused, RequestInProgress
from rsolv.idempotency.rules import Answer, Repeatable, seal, unseal
from rsolv.kernel.secret import Secret

KEPT_FOR = timedelta(hours=24)
PURGE_BATCH = 1_000


async def claim(connection: Connection, request: Repeatable, *, master_key: Secret) -> Answer | None:
    """
    Return the answer this request got before, or None when it is the first; the key is ours until the transaction ends.

    Raises:
        RequestInProgress: the first request with the key has not ended yet.
        KeyReused: the key was used for a request that asked something else.
        AnswerUnreadable: the answer was sealed with another master key, or the row was touched.
    """
    if not await queries.try_lock_key(connection, scope=request.scope, key_hash=request.key_hash):
        raise RequestInProgress
    stored = await queries.find_answer_by_key(connection, scope=request.scope, key_hash=request.key_hash)
    if stored is None:
        return None
    if stored.fingerprint != request.fingerprint:
        raise KeyReused(fields={"Idempotency-Key": ["was used for a different request"]})
    try:
        body = unseal(stored.sealed_body, master_key=master_key, row_id=stored.id, key=request.key)
    except InvalidTag as error:
        raise AnswerUnreadable from error
    return Answer(stored.status, body)


async def keep(connection: Connection, request: Repeatable, answer: Answer, *, master_key: Secret) -> None:
    """
    Keep the answer of a claimed request for 24 hours, sealed, in the transaction of its effect.
    """
    row_id = uuid.uuid4()
    stored = queries.StoredAnswer(
        id=row_id,
        fingerprint=request.fingerprint,
        status=answer.status,
        sealed_body=seal(answer.body, master_key=master_key, row_id=row_id, key=request.key),
    )
    await queries.insert_answer(connection, stored, scope=request.scope, key_hash=request.key_hash, kept_for=KEPT_FOR)


async def purge_expired(database: Database) -> int:
    """
    Delete every answer whose time is over, in batches of a transaction each, and return how many.
    """
    purged = 0
    while True:
        async with database.transaction() as connection:  # lint: allow one-transaction-place -- a batch is a job
            batch = await queries.delete_expired(connection, limit=PURGE_BATCH)
        purged += batch
        if batch < PURGE_BATCH:
            return purged
