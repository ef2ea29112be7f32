"""
Entry point of the web process: read the settings, build the parts, wire them, serve.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from rsolv import schema, telemetry, webhooks
from rsolv.api import Parts, build_application
from rsolv.api_keys import Authenticator, LastUsed
from rsolv.customers import EmailPolicy
from rsolv.db import Database, Unavailable
from rsolv.logs import set_up_logging
from rsolv.payment_methods import CardLimits
from rsolv.settings import Settings, load_settings
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import charge_holds, configured_gateway, limits_of_a_web_process, safety_caps, wired_bus

if TYPE_CHECKING:
    import httpx

FLUSH_LAST_USED_EVERY_SECONDS = 60
METRICS_PATH = "/metrics"
_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})

log = structlog.get_logger()


def create_app() -> ASGIApp:
    """
    Build the application from the environment; uvicorn calls this once in each web process.

    Raises:
        SettingsInvalid: a setting is missing or wrong.
    """
    settings = load_settings(os.environ)
    set_up_logging(level=settings.log_level, as_json=not os.isatty(2))
    return Web(settings)


class Web:
    """
    The application with its lifetime: opens the parts when the server starts and closes them when it stops.
    """

    def __init__(self, settings: Settings, stripe_transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        self._settings = settings
        self._stripe_transport = stripe_transport
        self._database_url, self._master_key = settings.needed_to_serve()
        self._application: ASGIApp | None = None
        self._webhooks: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._application is not None, "the server started us"
            assert self._webhooks is not None, "the server started us"
            path = scope["path"] if scope["type"] == "http" else ""
            if path == METRICS_PATH and scope["method"] == "GET" and self._may_read_metrics(scope):
                await _show_metrics(send)
            else:
                await (self._webhooks if path in webhooks.PATHS else self._application)(scope, receive, send)

    def _may_read_metrics(self, scope: Scope) -> bool:
        """
        Say whether the caller may; whoever may not is told by the application that there is nothing at this path.
        """
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        client = scope.get("client")
        return telemetry.may_read(
            token=self._settings.metrics_token,
            authorization=headers.get(b"authorization"),
            ip=client[0] if client else None,
            is_forwarded=not headers.keys().isdisjoint(_FORWARDED),
        )

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with (
                configured_gateway(
                    self._settings, limits_of_a_web_process(self._settings), self._stripe_transport
                ) as gateway,
                self._parts(gateway) as parts,
            ):
                self._application = build_application(parts)
                self._webhooks = webhooks.StripeDeliveries(parts.database, self._settings.stripe_webhook_secrets)
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Unavailable as error:
            await send({"type": "lifespan.startup.failed", "message": f"The database is not reachable ({error})."})
            return
        await send({"type": "lifespan.shutdown.complete"})

    @contextlib.asynccontextmanager
    async def _parts(self, gateway: StripeGateway | None) -> AsyncIterator[Parts]:
        settings = self._settings
        database = await Database.open(
            self._database_url.reveal(), application="web", pool_size=settings.database_pool_size
        )
        authenticator = Authenticator(
            database,
            cache_ttl_seconds=settings.api_key_cache_ttl_seconds,
            cache_size=settings.api_key_cache_size,
        )
        last_used = LastUsed()
        background = [
            asyncio.create_task(authenticator.listen(), name="hear of changed keys"),
            asyncio.create_task(_flush_regularly(last_used, database), name="note when keys were used"),
        ]
        try:
            yield Parts(
                database=database,
                authenticator=authenticator,
                last_used=last_used,
                bus=wired_bus(billing_enabled=settings.billing_enabled, public_url=settings.public_url),
                gateway=gateway,
                master_key=self._master_key,
                email_policy=EmailPolicy(
                    example_domains_allowed=not settings.is_production,
                    domains_allowed=settings.email_domains_allowed,
                    domains_blocked=settings.email_domains_blocked,
                ),
                ownership_required=settings.strict_repository_ownership,
                max_body_bytes=settings.max_body_bytes,
                public_url=settings.public_url,
                schema_version=schema.needed_version(),
                billing_enabled=settings.billing_enabled,
                charge_cap=charge_holds(safety_caps(settings)),
                card_limits=CardLimits(
                    setups_per_hour_max=settings.card_setups_per_hour_max,
                    setups_per_day_max=settings.card_setups_per_day_max,
                    attaches_per_hour_max=settings.card_attaches_per_hour_max,
                ),
            )
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            with contextlib.suppress(Unavailable):
                await last_used.flush(database)
            await database.close()


async def _show_metrics(send: Send) -> None:
    content = await telemetry.scrape()
    headers = [
        (b"content-type", telemetry.CONTENT_TYPE),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _flush_regularly(last_used: LastUsed, database: Database) -> None:
    while True:
        await asyncio.sleep(FLUSH_LAST_USED_EVERY_SECONDS)
        try:
            await last_used.flush(database)
        except Unavailable:
            log.warning("last_used_not_written")
