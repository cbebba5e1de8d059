"""Builds all parts from the settings, wires them together, and serves the APIs in one process."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import hashlib
import importlib.util
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import structlog
from pydantic import SecretStr
from starlette.types import ASGIApp

from stackd.auth.crypto import KEY_ID_LENGTH, Cipher
from stackd.auth.policy import Policy
from stackd.auth.policy_files import PolicyFileError
from stackd.auth.signatures import SignatureValidator
from stackd.auth.stack_users import StackUsers
from stackd.auth.tokens import TokenCacheSettings, TokenValidator
from stackd.clients.addresses import AddressPolicy
from stackd.clients.amqp import Broker
from stackd.clients.credentials import PasswordCredentials, Scope
from stackd.clients.egress import Egress, EgressSettings
from stackd.clients.http import HttpSettings
from stackd.clients.keystone import KeystoneSettings
from stackd.clients.limiter import LimiterSettings
from stackd.clients.pool import Clouds
from stackd.clients.remote import Remotes
from stackd.clients.wire import RetrySettings
from stackd.db.database import Database
from stackd.db.journal import Journal
from stackd.db.migrations import upgrade
from stackd.db.rotation import seal_metadata, seal_types, sealed_beginnings
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
from stackd.places import (
    encryption_keys,
    key_file,
    require_certificates,
    require_directories,
    require_keys,
    require_place,
    sqlite_file,
)
from stackd.records import now
from stackd.resources.context import Endpoints
from stackd.resources.operator_environment import OperatorEnvironmentError
from stackd.resources.registry import Registry, load_registry
from stackd.routers.api import make_api
from stackd.routers.front import Front
from stackd.routers.middleware import RequestIds
from stackd.serving import Deferred, configure_log, lag_probe, serve_http
from stackd.settings import (
    Listener,
    OperatorEnvironment,
    Settings,
    SettingsError,
    mask_url,
    new_encryption_key,
)

if TYPE_CHECKING:
    from stackd.cfn_query.front import CfnFront

log = structlog.get_logger(__name__)
SWITCH = 0.001
"""Seconds for which a computing thread may delay the event loop: a fifth of Python's default."""


@dataclass(frozen=True, slots=True)
class CipherSealer:
    """Seals the database's secrets with the configured keys."""

    cipher: Cipher

    def seal(self, plain: bytes) -> bytes:
        """Encrypt."""
        return self.cipher.encrypt(plain).encode()

    def unseal(self, sealed: bytes) -> bytes:
        """Decrypt."""
        return self.cipher.decrypt_bytes(sealed.decode())


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
    document_key = hashlib.blake2b(keys[-1].encode(), person=b"stackd documents"[:16]).digest()
    async with contextlib.AsyncExitStack() as stack:
        db = await Database.open(
            settings.database.url,
            CipherSealer(cipher),
            read_pool=settings.database.pool_size,
            document_key=document_key,
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


async def database_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys for secrets at rest; a new one is made only for a database without any.

    The tables are those of this version.
    """
    path, file = sqlite_file(settings.database.url), key_file(settings)
    if path and file and path.exists() and not file.exists():
        unread = CipherSealer(Cipher([new_encryption_key()]))
        db = await Database.open(settings.database.url, unread)
        try:
            await refuse_foreign_keys(db, frozenset(), settings)
        finally:
            await db.close()
    return encryption_keys(settings)


async def refuse_foreign_keys(db: Database, known: frozenset[str], settings: Settings) -> None:
    """Raise SettingsError if something in the database was encrypted with a key that is not known.

    What is read first and last of every table decides: a key that few rows in between need is not noticed.
    """
    used = {start.decode(errors="replace") for start in await sealed_beginnings(db, KEY_ID_LENGTH)}
    if not (missing := sorted(used - known)):
        return
    ids = " and ".join(missing)
    if file := key_file(settings):
        state = "the key in it is another one" if file.exists() else "the file is missing"
        raise SettingsError(
            f"{file.absolute()}: {state}. What is in the database {mask_url(settings.database.url)} was "
            f"encrypted with key {ids}. Bring back the file as it was, or set security.encryption_keys."
        )
    raise SettingsError(
        f"security.encryption_keys: what is in the database {mask_url(settings.database.url)} was encrypted "
        f"with key {ids}, which is not among them. Add that key, or correct database.url."
    )


def make_clouds(settings: Settings) -> Clouds:
    """The OpenStack clients, with the operator's limits."""
    most = settings.clients.max_concurrency
    return Clouds(
        keystone_settings(settings),
        http=http_settings(settings),
        retry=retry_settings(settings),
        limits=LimiterSettings(start=min(16, most), maximum=most),
    )


def keystone_settings(settings: Settings) -> KeystoneSettings:
    """Where Keystone is, and which endpoints of its catalog are used."""
    keystone = settings.keystone
    return KeystoneSettings(keystone.auth_url, region=keystone.region, interface=keystone.interface)


def http_settings(settings: Settings) -> HttpSettings:
    """How connections to OpenStack are made."""
    return HttpSettings(ca_file=settings.keystone.cafile, verify_tls=not settings.keystone.insecure)


def retry_settings(settings: Settings) -> RetrySettings:
    """How long and how often a call to OpenStack is tried."""
    return RetrySettings(timeout=settings.clients.timeout, attempts=settings.clients.retries + 1)


def service_credentials(settings: Settings) -> PasswordCredentials:
    """The credentials of the service user."""
    keystone = settings.keystone
    return PasswordCredentials(
        keystone.password.get_secret_value(),
        user_name=keystone.username,
        user_domain_name=keystone.user_domain_name,
        scope=Scope(project_name=keystone.project_name, project_domain_name=keystone.project_domain_name),
    )


def make_egress(settings: Settings) -> Egress:
    """The client for URLs from users."""
    egress = settings.egress
    return Egress(
        EgressSettings(
            AddressPolicy.of(egress.allowed_networks, egress.denied_networks),
            timeout=egress.timeout,
            max_redirects=egress.max_redirects,
            concurrency=egress.concurrency,
            ca_file=egress.cafile,
            max_files=egress.max_files,
            max_bytes=egress.max_bytes,
        )
    )


def make_remotes(settings: Settings) -> Remotes:
    """What opens other clouds, whose addresses users choose."""
    return Remotes(
        keystone_settings(settings),
        AddressPolicy.of(settings.egress.allowed_networks, settings.egress.denied_networks),
        retry_settings(settings),
        http_settings(settings),
    )


def make_engine(
    settings: Settings, db: Database, journal: Journal, clouds: Clouds, egress: Egress, remotes: Remotes
) -> Engine:
    """The engine and its parts."""
    limits = settings.limits
    registry = make_registry(settings, [Path(directory) for directory in settings.plugins.directories])
    for problem in registry.problems:
        log.warning("plugin_skipped", source=problem.source, error=problem.error)
    redaction = Redaction(db, registry.operator.environment)
    notifications = make_notifications(settings, db)
    trusts = Trusts(
        db,
        journal,
        clouds,
        service_credentials(settings),
        settings.keystone.trusts_delegated_roles,
        redelegated=settings.keystone.trusts_redelegated,
        kept=timedelta(seconds=settings.keystone.trusts_kept_seconds),
    )
    services = Services(
        redaction=redaction,
        remotes=remotes,
        delegating=trusts.delegating,
        notify=notifications.note if notifications is not None else discarded,
        db=db,
        journal=journal,
        registry=registry,
        egress=egress,
        watchers=Watchers(settings.engine.poll_min, settings.engine.poll_max),
        signals=SignalHub(),
        stack_users=StackUserService(db, journal, _stack_domain(settings, clouds)),
        endpoints=Endpoints(
            native=public_url(settings.api.native) + "/v1",
            cfn=(settings.guests.metadata_url or public_url(settings.api.cfn)) + "/v1",
            auth=settings.keystone.auth_url,
            region=settings.keystone.region or "RegionOne",
            signed_urls_last=settings.guests.signed_url_seconds,
            watch=watch_url(settings),
        ),
        tuning=Tuning(
            create_retries=limits.action_retry_limit,
            grace=float(limits.error_wait_time),
            timeout=float(limits.stack_action_timeout),
            nested_depth=limits.max_nested_stack_depth,
            resources=limits.max_resources_per_stack,
            events_kept=limits.max_events_per_stack,
            events_batch=limits.event_purge_batch_size,
            type_limits={**limits.model_dump(), **settings.guests.model_dump()},
        ),
    )
    lease = timedelta(seconds=settings.engine.lease_seconds)
    alone = settings.database.url.startswith("sqlite")
    engine_id = "alone" if alone else secrets.token_hex(8)
    operator = Operator(services, trusts.of_stack, engine_id=engine_id, lease=lease)
    policy = make_policy(settings)
    sinks = EventSinks(db, journal, trusts.of_stack, redaction.properties_at)
    return Engine(
        services,
        operator,
        trusts,
        Enrollments(db, journal, clouds, trusts),
        policy,
        limits,
        lease,
        sinks,
        redaction,
        alone,
        notifications,
        settings.metrics,
    )


def make_registry(settings: Settings, plugins: Sequence[Path]) -> Registry:
    """The resource types, those in directories of plug-ins too, and the operator's environment."""
    try:
        return load_registry(plugins, environment_directory(settings.environment.directory))
    except OperatorEnvironmentError as error:
        raise SettingsError(error.message) from error


def make_policy(settings: Settings) -> Policy:
    """The rules in force."""
    try:
        return Policy(settings.policy.file or None)
    except PolicyFileError as error:
        raise SettingsError(f"policy.file: {error}") from error


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


def require_broker(settings: Settings) -> None:
    """Raise SettingsError if notifications go to a broker that cannot be reached as it is configured."""
    if settings.notifications.driver != "amqp":
        return
    if importlib.util.find_spec("aio_pika") is None:
        raise SettingsError(
            "notifications.driver = amqp: the driver of the broker is missing. Install `stackd[amqp]`."
        )
    if not settings.notifications.transport_url.get_secret_value():
        raise SettingsError("notifications.transport_url is empty: name the broker for the driver amqp.")


def environment_directory(named: str) -> Path | None:
    """The directory of the operator's environment; None if it is not configured and does not exist."""
    is_default = named == OperatorEnvironment().directory
    return None if not named or (is_default and not Path(named).is_dir()) else Path(named)


def public_url(listener: Listener) -> str:
    """The public URL of a listener, without a final slash."""
    return (listener.public_url or f"http://{listener.host}:{listener.port}").rstrip("/")


def watch_url(settings: Settings) -> str:
    """Where guests reach the CloudWatch API; nothing if it is not served."""
    if not settings.api.cloudwatch.enabled:
        return ""
    return (settings.guests.watch_url or public_url(settings.api.cloudwatch)).rstrip("/") + "/v1"


def _stack_domain(
    settings: Settings, clouds: Clouds
) -> Callable[[], Awaitable[tuple[StackUsers, str]]] | None:
    """A function that opens the stack domain when the first stack user is needed; None without one."""
    keystone = settings.keystone
    if not keystone.stack_domain_name or not keystone.stack_domain_admin:
        return None

    async def open_domain() -> tuple[StackUsers, str]:
        admin = clouds.cloud(
            PasswordCredentials(
                keystone.stack_domain_admin_password.get_secret_value(),
                user_name=keystone.stack_domain_admin,
                user_domain_name=keystone.stack_domain_name,
                scope=Scope(domain_name=keystone.stack_domain_name),
            )
        )
        domain_id = (await admin.token()).domain_id
        return StackUsers(admin, domain_id, role=settings.limits.heat_stack_user_role), domain_id

    return open_domain


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


def require_resources(settings: Settings) -> None:
    """Raise SettingsError for what the settings name and the server cannot use; makes nothing."""
    require_keys(settings)
    require_place(settings)
    require_directories(settings)
    require_certificates(settings)
    require_broker(settings)


def check(settings: Settings) -> None:
    """Raise the SettingsError with which the server would refuse to start, as far as files decide that.

    Plug-ins are not run, and the database is not opened.
    """
    configure_log(settings)
    require_resources(settings)
    make_policy(settings)
    make_registry(settings, ())


@contextlib.contextmanager
def only_process(settings: Settings) -> Iterator[None]:
    """Refuse a second server on one SQLite file: an engine there takes all unfinished work for its own."""
    path = sqlite_file(settings.database.url)
    if path is None:
        yield
        return
    with _lock_file(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"Another server uses {path}. Stop it, or give this one another database.url; "
                "several servers share a PostgreSQL database."
            ) from None
        yield


def _lock_file(database: Path) -> IO[str]:
    try:
        return Path(f"{database}.lock").open("w")
    except OSError as error:
        raise SettingsError(
            f"database.url: {database}.lock cannot be made beside the database: {error.strerror}. "
            f"Let stackd's user write to {database.parent.absolute()}, or correct the setting."
        ) from error


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
