"""
Is the process alive, and can it serve.
"""

from http import HTTPStatus
from typing import Any

from rsolv import jobs, schema
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.db import SchemaMissing, Unavailable


class HealthAnswer(Shape):
    """
    The process answers.
    """

    status: str


class ReadyAnswer(Shape):
    """
    Whether the process can serve, with what it looked at.

    `jobs_waiting` counts queued jobs by kind, those that no
    handler takes yet too; `api_key_cache` is this process's own.
    """

    status: str
    checks: dict[str, str]
    jobs_waiting: dict[str, int]
    jobs_held: dict[str, int]
    api_key_cache: dict[str, int]


async def health(_call: Call) -> Reply:
    """
    Say that the process is alive. Touches nothing.
    """
    return Reply(HealthAnswer(status="ok"))


async def ready(call: Call) -> Reply:
    """
    Say whether the process can serve: the database answers and has the schema that this version needs.
    """
    checks: dict[str, str] = {}
    waiting: list[Any] = []
    try:
        async with call.parts.database.reading() as connection:
            version = await connection.fetchval(schema.CURRENT_VERSION)
            waiting = await jobs.count_waiting(connection)
        checks["database"] = "ok"
        needed = call.parts.schema_version
        checks["migrations"] = "ok" if version == needed else f"at {version}, {needed} is needed"
    except SchemaMissing:
        checks |= {"database": "ok", "migrations": "none has run"}
    except Unavailable:
        checks["database"] = "unreachable"
    counters = call.parts.authenticator.counters()
    is_ready = all(outcome == "ok" for outcome in checks.values())
    return Reply(
        ReadyAnswer(
            status="ready" if is_ready else "not_ready",
            checks=checks,
            jobs_waiting={kind.kind: kind.queued for kind in waiting if kind.queued},
            jobs_held={kind.kind: kind.held for kind in waiting if kind.held},
            api_key_cache={
                "hits": counters.hits,
                "misses": counters.misses,
                "evictions": counters.evictions,
                "size": counters.size,
            },
        ),
        status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/health",
        summary="Is the process alive",
        access=Access.PUBLIC,
        handler=health,
        answer=HealthAnswer,
        tag="Operation",
    ),
    Operation(
        method="GET",
        path="/ready",
        summary="Can the process serve",
        access=Access.PUBLIC,
        handler=ready,
        answer=ReadyAnswer,
        refusals=(503,),
        own_refusals=(503,),
        tag="Operation",
    ),
)
