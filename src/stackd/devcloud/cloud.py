"""The dev cloud as an ASGI application, which routes requests to its services."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from stackd.devcloud import control
from stackd.devcloud.delivery import Answer, Delivery, post
from stackd.devcloud.delivery import Send as SendOut
from stackd.devcloud.faults import FaultRules, Rule
from stackd.devcloud.keystone.seed import register
from stackd.devcloud.meter import Meter
from stackd.devcloud.service import Service
from stackd.devcloud.services import present
from stackd.devcloud.settings import DevCloudSettings
from stackd.devcloud.store import JSON, Clock, Store
from stackd.devcloud.wire import Call, Fault, Handler, Reply
from stackd.devcloud.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]

_log = logging.getLogger(__name__)
_SHORTEST = 0.01
"""Seconds between two looks at what is due."""

ABORT = "devcloud.abort"
"""ASGI extension by which the server lets the application cut the connection."""


class ConnectionDropped(ConnectionResetError):
    """An injected fault cut the connection, where no server is there to do it."""


class DevCloud:
    """A simulated OpenStack; `app` serves it, `store` contains its objects."""

    def __init__(
        self,
        settings: DevCloudSettings | None = None,
        *,
        base_url: str = "http://127.0.0.1",
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
        send_out: SendOut = post,
    ) -> None:
        self.settings = settings or DevCloudSettings()
        self.world = World(self.settings, base_url.rstrip("/"), clock)
        self.meter = Meter()
        self.faults = FaultRules(self.settings.faults, self.settings.seed)
        self.send_out = send_out
        self._sleep = sleep
        self._broken: dict[str, JSON] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._waking: asyncio.TimerHandle | None = None
        self._services: dict[str, Service] = {}
        services = present(self.settings.services)
        for each in services:
            self._install(each.service)
        for each in services:
            if each.service.start is not None:
                each.service.start(self.world)
        for each in services:
            for kind, name, path in each.service.catalog if each.is_listed else ():
                register(self.world, kind, name, f"{self.world.base_url}/{each.service.prefix}{path}")
        self.world.finish_seeding()

    @property
    def app(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """The ASGI application."""
        return self

    @property
    def store(self) -> Store:
        """All objects of the cloud."""
        return self.world.store

    @property
    def auth_url(self) -> str:
        """The URL of Keystone."""
        return f"{self.world.base_url}/identity/v3"

    def register(self, kind: str, name: str, url: str) -> None:
        """Add an external service, such as `orchestration`, to the catalog.

        The URL may contain `%(tenant_id)s`.
        """
        register(self.world, kind, name, url)

    def _install(self, service: Service) -> None:
        self._services[service.prefix] = service
        for kind, indexes in service.kinds.items():
            self.store.declare(kind, indexes)
        for collection, _ in service.collections:
            self.store.declare(collection.kind, collection.indexes)
            self._broken[collection.kind] = collection.broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever service it is for."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        path: str = scope["path"]
        _, _, rest = path.partition("/")
        prefix, _, rest = rest.partition("/")
        if prefix == "_dev" or prefix not in self._services:
            reply = control.answer(self, scope["method"], path, await _body(receive))
            await _send(send, reply, scope["method"])
            return
        await self._serve_service(scope, receive, send, prefix, "/" + rest)

    async def _serve_service(
        self, scope: Scope, receive: Receive, send: Send, prefix: str, path: str
    ) -> None:
        service = self._services[prefix]
        method: str = scope["method"]
        self.meter.enter(service.name)
        try:
            body = await _body(receive)
            rules = self.faults.firing(service.name, method, path) if self.faults.rules else []
            delay = self.world.delay_of(service.name) + sum(r.seconds for r in rules if r.effect == "delay")
            if delay > 0:
                await self._sleep(delay)
            if any(rule.effect == "drop" for rule in rules):
                await _drop(scope)
                return
            call = self._call(service, scope, path, body)
            reply = self._reply(service, call, rules)
            await self._deliver()
            self._wake_later()
            if any(rule.effect == "drop_after" for rule in rules):
                await _drop(scope)
                return
            await _send(send, reply, method)
        finally:
            self.meter.leave()

    async def _deliver(self) -> None:
        """Send what the call has left in the outbox, before it is answered."""
        waiting, self.world.outbox = self.world.outbox, []
        for delivery in waiting:
            if delivery.then is None:
                await self.send_out(delivery)
            else:
                sending = asyncio.create_task(self._send_on(delivery, delivery.then))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)

    async def _send_on(self, delivery: Delivery, then: Callable[[Answer | None], None]) -> None:
        """Send what nobody waits for, and what comes of the answer."""
        then(await self.send_out(delivery))
        await self._deliver()
        self._wake_later()

    def _wake_later(self) -> None:
        """Have what the store schedules done when it is due, although no call may come then."""
        due = self.store.next_wake
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        if due is not None:
            delay = max(due - self.store.clock(), _SHORTEST)
            self._waking = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        waking = asyncio.ensure_future(self.tick())
        self._sending.add(waking)
        waking.add_done_callback(self._sending.discard)

    async def tick(self) -> None:
        """Do what is due."""
        self.store.settle()
        await self._deliver()
        self._wake_later()

    def _reply(self, service: Service, call: Call, rules: list[Rule]) -> Reply:
        self.store.settle()
        try:
            if (failing := next((rule for rule in rules if rule.effect == "status"), None)) is not None:
                reply = _injected(service, failing)
            else:
                reply = self._work(service, call)
        except Fault as fault:
            reply = self._refusal(service, fault)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _log.exception("malformed call: %s %s", call.method, call.path)
            reply = self._refusal(service, Fault(400, f"Malformed request: {error!r}"))
        if any(rule.effect == "error_status" for rule in rules):
            self._break(call)
        request_id = f"req-{self.world.uuid()}"
        for header in service.request_id_headers:
            reply.headers[header] = request_id
        if (micro := service.microversions) is not None and call.version != (0, 0):
            version = f"{call.version[0]}.{call.version[1]}"
            reply.headers["openstack-api-version"] = f"{micro.name} {version}"
            reply.headers["vary"] = "OpenStack-API-Version"
            if micro.legacy_header:
                reply.headers[micro.legacy_header] = version
        return reply

    def _call(self, service: Service, scope: Scope, path: str, body: bytes) -> Call:
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        base = f"{self.world.base_url}/{service.prefix}"
        return Call(self.world, service.name, scope["method"], path, query, headers, body, base)

    def _work(self, service: Service, call: Call) -> Reply:
        if not (call.path == service.api or call.path.startswith(service.api + "/")):
            return _versions(service, call)
        call.base += service.api
        call.path = call.path[len(service.api) :]
        if service.split is not None:
            extra, call.path = service.split(call.path)
            call.base += extra
        handler, pattern, public = self._handler(service, call)
        self.meter.calls[(service.name, call.method, pattern)] += 1
        if service.microversions is not None:
            call.version = _microversion(service, call)
        if token := call.headers.get("x-auth-token"):
            call.actor_or_none = self._actor(token)
        elif service.sign_in is not None:
            call.actor_or_none = service.sign_in(call)
        if call.actor_or_none is None and not public:
            raise Fault(401, "The request you have made requires authentication.")
        return handler(call)

    def _handler(self, service: Service, call: Call) -> tuple[Handler, str, bool]:
        if service.direct is not None:
            depth = min(call.path.strip("/").count("/"), 2)
            return service.direct, ("/{account}", "/{container}", "/{object}")[depth], True
        if call.path in ("", "/") and service.versions is not None:
            return service.versions, "/", True
        route, call.params = service.router.match(call.method, call.path)
        return route.handler, route.pattern, route.public

    def _actor(self, token: str) -> Any:
        actor = self.world.tokens.get(token)
        if actor is not None and actor.expires <= self.world.clock():
            del self.world.tokens[token]
            return None
        return actor

    def _refusal(self, service: Service, fault: Fault) -> Reply:
        reply = service.fault(fault)
        reply.headers.update(fault.headers)
        if fault.status == 401:
            reply.headers.setdefault("www-authenticate", f'Keystone uri="{self.auth_url}"')
        return reply

    def _break(self, call: Call) -> None:
        own = [entity for entity in call.touched if entity.kind.startswith(f"{call.service}.")]
        for entity in own:
            broken = self._broken.get(entity.kind, {"status": "ERROR"})
            if entity.pending is not None:
                self.store.later(entity, self.world.ready_after, broken)
            else:
                self.store.update(entity, broken)


def _versions(service: Service, call: Call) -> Reply:
    if service.versions is None:
        raise Fault(404, "The resource could not be found.")
    return service.versions(call)


def _injected(service: Service, rule: Rule) -> Reply:
    if rule.body is not None:
        return Reply(rule.status, rule.body, dict(rule.headers))
    reply = service.fault(Fault(rule.status, "An injected fault."))
    reply.headers.update(rule.headers)
    return reply


def _microversion(service: Service, call: Call) -> tuple[int, int]:
    micro = service.microversions
    if micro is None:
        return (0, 0)
    asked = ""
    for part in call.headers.get("openstack-api-version", "").split(","):
        name, _, version = part.strip().partition(" ")
        if name == micro.name:
            asked = version.strip()
    if not asked and micro.legacy_header:
        asked = call.headers.get(micro.legacy_header, "").strip()
    if not asked:
        return micro.lowest
    if asked == "latest":
        return micro.highest
    major, _, minor = asked.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise Fault(
            400, f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
        )
    number = (int(major), int(minor))
    if not micro.lowest <= number <= micro.highest:
        low, high = (".".join(map(str, pair)) for pair in (micro.lowest, micro.highest))
        raise Fault(
            406, f"Version {asked} is not supported by the API. Minimum is {low} and maximum is {high}."
        )
    return number


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _send(send: Send, reply: Reply, method: str) -> None:
    payload, content_type = reply.encoded()
    headers = [(key.lower().encode(), value.encode()) for key, value in reply.headers.items()]
    if content_type and "content-type" not in {key.lower() for key in reply.headers}:
        headers.append((b"content-type", content_type.encode()))
    if reply.status not in (204, 304) and not any(key == b"content-length" for key, _ in headers):
        headers.append((b"content-length", str(len(payload)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    without = method == "HEAD" or reply.status in (204, 304)
    await send({"type": "http.response.body", "body": b"" if without else payload})


async def _drop(scope: Scope) -> None:
    extension = scope.get("extensions", {}).get(ABORT)
    if extension is None:
        raise ConnectionDropped("the dev cloud dropped the connection")
    extension["cut"]()
    for _ in range(3):  # until the server has noticed that the connection is closed
        await asyncio.sleep(0)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
