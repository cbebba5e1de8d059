"""Builds all parts from the settings, wires them together, and serves the APIs in one process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.types import ASGIApp

from stackd.auth.crypto import Cipher
from stackd.auth.policy import Policy
from stackd.auth.signatures import SignatureValidator
from stackd.auth.stack_users import StackUsers
from stackd.auth.tokens import TokenCacheSettings, TokenValidator
from stackd.clients.amqp import Broker
from stackd.clients.configured import (
    make_clouds,
    make_egress,
    make_remotes,
    service_credentials,
    stack_domain_credentials,
)
from stackd.clients.egress import Egress
from stackd.clients.pool import Clouds
from stackd.clients.remote import Remotes
from stackd.db.database import Database
from stackd.db.journal import Journal
from stackd.db.migrations import upgrade
from stackd.db.rotation import seal_metadata, seal_types
from stackd.engine.execution.operator import Operator
from stackd.engine.execution.run import Services, SignalHub, Tuning
from stackd.engine.execution.watchers import Watchers
from stackd.engine.services.enrollments import Enrollments
from stackd.engine.services.event_sinks import EventSinks
from stackd.engine.services.notifications import Notifications, discarded
from stackd.engine.services.redaction import Redaction
from stackd.engine.services.stack_users import StackUserService
from stackd.engine.services.trusts import Trusts
from stackd.engine.usecases.cloudwatch.worker import AlarmWorker
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.enrollment import FirstUses
from stackd.engine.usecases.queries import Reader
from stackd.keyring import CipherSealer, database_keys, document_key, refuse_foreign_keys, require_keys
from stackd.places import only_process
from stackd.records import now
from stackd.resources.context import Endpoints
from stackd.resources.registry import Registry
from stackd.routers.api import make_api
from stackd.routers.front import Front
from stackd.routers.middleware import RequestIds
from stackd.serving import Deferred, configure_log, lag_probe, serve_http
from stackd.settings import Listener, Settings
from stackd.startup_checks import make_policy, make_registry, require_broker, require_resources

if TYPE_CHECKING:
    from stackd.cfn_query.front import CfnFront

log = structlog.get_logger(__name__)
SWITCH = 0.001
"""Seconds for which a computing thread may delay the event loop: a fifth of Python's default."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The wired process: the parts that the front ends use."""

    settings: Settings
    engine: Engine
    tokens: TokenValidator
    signatures: SignatureValidator
    cipher: Cipher


@contextlib.asynccontextmanager
async def wired(settings: Settings, *, clock: Callable[[], datetime] = now) -> AsyncIterator[Parts]:
    """All parts except the HTTP servers, started; they are shut down at the end of the block.

    ``clock`` returns the time for leases.
    """
    require_keys(settings)
    if settings.database.upgrade_on_start:
        await upgrade(settings.database.url)
    keys = [each.get_secret_value() for each in await database_keys(settings)]
    cipher = Cipher(keys)
    async with contextlib.AsyncExitStack() as stack:
        db = await Database.open(
            settings.database.url,
            CipherSealer(cipher),
            read_pool=settings.database.pool_size,
            document_key=document_key(keys),
            clock=clock,
        )
        stack.push_async_callback(db.close)
        await refuse_foreign_keys(db, cipher.key_ids, settings)
        await seal_metadata(db)
        await seal_types(db)
        journal = Journal(db)
        stack.push_async_callback(journal.close)
        clouds = await stack.enter_async_context(make_clouds(settings))
        egress = make_egress(settings)
        stack.push_async_callback(egress.close)
        remotes = make_remotes(settings)
        stack.push_async_callback(remotes.close)
        engine = make_engine(settings, db, journal, clouds, egress, remotes)
        service = clouds.cloud(service_credentials(settings))
        tokens = TokenValidator(
            service,
            TokenCacheSettings(ttl=settings.keystone.token_cache_seconds),
            admit=clouds.admit,
        )
        await engine.start()
        stack.push_async_callback(engine.close)
        alarms = AlarmWorker(engine)
        alarms.start()
        stack.push_async_callback(alarms.close)
        yield Parts(settings, engine, tokens, SignatureValidator(service, admit=clouds.admit), cipher)


def make_engine(
    settings: Settings, db: Database, journal: Journal, clouds: Clouds, egress: Egress, remotes: Remotes
) -> Engine:
    """The engine and its parts."""
    registry = _types(settings)
    redaction = Redaction(db, registry.operator.environment)
    notifications = make_notifications(settings, db)
    trusts = _trusts(settings, db, journal, clouds)
    services = Services(
        db=db,
        journal=journal,
        registry=registry,
        egress=egress,
        watchers=Watchers(settings.engine.poll_min, settings.engine.poll_max),
        signals=SignalHub(),
        stack_users=StackUserService(db, journal, _stack_domain(settings, clouds)),
        endpoints=_endpoints(settings),
        tuning=_tuning(settings),
        redaction=redaction,
        remotes=remotes,
        delegating=trusts.delegating,
        notify=notifications.note if notifications is not None else discarded,
    )
    lease = timedelta(seconds=settings.engine.lease_seconds)
    alone = settings.database.url.startswith("sqlite")
    engine_id = "alone" if alone else secrets.token_hex(8)
    return Engine(
        services=services,
        operator=Operator(services, trusts.of_stack, engine_id=engine_id, lease=lease),
        trusts=trusts,
        enrollments=Enrollments(db, journal, clouds, trusts),
        policy=make_policy(settings),
        limits=settings.limits,
        lease=lease,
        sinks=EventSinks(db, journal, trusts.of_stack, redaction.properties_at),
        redaction=redaction,
        alone=alone,
        notifications=notifications,
        metric_settings=settings.metrics,
    )


def _types(settings: Settings) -> Registry:
    """The resource types; plug-ins that cannot be loaded are logged."""
    registry = make_registry(settings, [Path(directory) for directory in settings.plugins.directories])
    for problem in registry.problems:
        log.warning("plugin_skipped", source=problem.source, error=problem.error)
    return registry


def _trusts(settings: Settings, db: Database, journal: Journal, clouds: Clouds) -> Trusts:
    """What delegates the roles of users to stackd's own one."""
    keystone = settings.keystone
    return Trusts(
        db,
        journal,
        clouds,
        service_credentials(settings),
        keystone.trusts_delegated_roles,
        redelegated=keystone.trusts_redelegated,
        kept=timedelta(seconds=keystone.trusts_kept_seconds),
    )


def _stack_domain(
    settings: Settings, clouds: Clouds
) -> Callable[[], Awaitable[tuple[StackUsers, str]]] | None:
    """A function that opens the stack domain when the first stack user is needed; None without one."""
    credentials = stack_domain_credentials(settings)
    if credentials is None:
        return None

    async def open_domain() -> tuple[StackUsers, str]:
        admin = clouds.cloud(credentials)
        domain_id = (await admin.token()).domain_id
        return StackUsers(admin, domain_id, role=settings.limits.heat_stack_user_role), domain_id

    return open_domain


def _endpoints(settings: Settings) -> Endpoints:
    """Where guests reach stackd and Keystone."""
    return Endpoints(
        native=_public_url(settings.api.native) + "/v1",
        cfn=(settings.guests.metadata_url or _public_url(settings.api.cfn)) + "/v1",
        auth=settings.keystone.auth_url,
        region=settings.keystone.region or "RegionOne",
        signed_urls_last=settings.guests.signed_url_seconds,
        watch=_watch_url(settings),
    )


def _public_url(listener: Listener) -> str:
    """The public URL of a listener, without a final slash."""
    return (listener.public_url or f"http://{listener.host}:{listener.port}").rstrip("/")


def _watch_url(settings: Settings) -> str:
    """Where guests reach the CloudWatch API; nothing if it is not served."""
    if not settings.api.cloudwatch.enabled:
        return ""
    return (settings.guests.watch_url or _public_url(settings.api.cloudwatch)).rstrip("/") + "/v1"


def _tuning(settings: Settings) -> Tuning:
    """The limits on what runs."""
    limits = settings.limits
    return Tuning(
        create_retries=limits.action_retry_limit,
        grace=float(limits.error_wait_time),
        timeout=float(limits.stack_action_timeout),
        nested_depth=limits.max_nested_stack_depth,
        resources=limits.max_resources_per_stack,
        events_kept=limits.max_events_per_stack,
        events_batch=limits.event_purge_batch_size,
        type_limits={**limits.model_dump(), **settings.guests.model_dump()},
    )


def make_notifications(settings: Settings, db: Database) -> Notifications | None:
    """The sender of notifications that the settings choose; None for the driver ``none``."""
    chosen = settings.notifications
    if chosen.driver == "none":
        return None
    publisher = chosen.publisher_id or f"orchestration.{socket.gethostname()}"
    if chosen.driver == "log":
        return Notifications(db, publisher, chosen.topics, None)
    require_broker(settings)
    broker = Broker(chosen.transport_url.get_secret_value(), chosen.exchange, durable=chosen.durable)
    return Notifications(db, publisher, chosen.topics, broker.publish, broker.close)


# --- HTTP -----------------------------------------------------------------------------------------


def make_asgi(parts: Parts) -> ASGIApp:
    """The native API on the wired parts."""
    engine = parts.engine
    first_uses = FirstUses(engine) if parts.settings.keystone.enroll_on_first_use else None
    return make_api(Front(parts.settings, engine, parts.tokens, Reader(engine), first_uses))


def make_cfn_asgi(parts: Parts) -> ASGIApp:
    """The CloudFormation API on the wired parts."""
    from stackd.cfn_query import errors as cfn_errors
    from stackd.cfn_query.api import make_cfn_api

    return RequestIds(make_cfn_api(cfn_front(parts)), cfn_errors.unexpected)


def make_cloudwatch_asgi(parts: Parts) -> ASGIApp:
    """The CloudWatch API on the wired parts."""
    from stackd.cfn_query import errors as cfn_errors
    from stackd.cfn_query.cloudwatch.api import make_cloudwatch_api

    return RequestIds(make_cloudwatch_api(cfn_front(parts)), cfn_errors.unexpected)


def cfn_front(parts: Parts) -> CfnFront:
    """The parts that the Query APIs use."""
    from stackd.cfn_query.front import CfnFront

    engine = parts.engine
    return CfnFront(parts.settings, engine, Reader(engine), parts.tokens, parts.signatures, parts.cipher)


def calm_collector() -> None:
    """Keep the garbage collector from stopping the event loop.

    Objects that live as long as the process are never scanned again, nor now: the start makes little garbage,
    and to find it would take a tenth of a second. Younger ones are scanned in portions of
    some milliseconds, and the oldest generation, whose time grows with their number, hardly ever: the engine
    collects it between operations.
    """
    gc.freeze()
    gc.set_threshold(5_000, 2, 5_000)
    gc.enable()


def _apis(parts: Parts) -> Iterator[tuple[Listener, ASGIApp]]:
    """What is served, and where; the Query APIs, of which not every cloud makes use, once they are asked."""
    api = parts.settings.api
    if api.native.enabled:
        yield api.native, make_asgi(parts)
    for listener, make in ((api.cfn, make_cfn_asgi), (api.cloudwatch, make_cloudwatch_asgi)):
        if listener.enabled:
            yield listener, Deferred(partial(make, parts))


async def _load_late(ready: asyncio.Event, policy: Policy) -> None:
    """Load in a thread what no answer needs at once; a request that does need it loads it itself."""
    await ready.wait()
    await asyncio.to_thread(policy.load)
    gc.freeze()  # it lives as long as the process


async def serve(settings: Settings, *, ready: asyncio.Event | None = None) -> None:
    """Serve the APIs until SIGTERM, SIGINT or cancellation; ``ready`` is set once requests are answered."""
    configure_log(settings)
    require_resources(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(only_process(settings))
        parts = await stack.enter_async_context(wired(settings))
        if settings.engine.lag_probe:
            await stack.enter_async_context(lag_probe())
        served = list(_apis(parts))
        calm_collector()
        sys.setswitchinterval(SWITCH)
        ready = ready or asyncio.Event()
        late = asyncio.create_task(_load_late(ready, parts.engine.policy))
        stack.callback(late.cancel)
        await serve_http(served, ready=ready)
