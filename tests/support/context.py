"""A context to call one resource type with: a cloud that answers from a script and records the calls.

ctx = FakeContext("OS::Cinder::Volume", properties={"size": 1})
ctx.cloud.on("POST", "/volumes", {"volume": {"id": "v1"}})
await ctx.type.create(ctx, ctx.props)
assert ctx.physical_id == "v1"
assert ctx.cloud.sent("POST", "/volumes")[0]["volume"]["size"] == 1
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from stackd.clients.catalog import official_name
from stackd.clients.paths import Params
from stackd.clients.wire import Reply
from stackd.errors import ActionTimedOut, CloudNotFound, StackdError
from stackd.records import Resource, SoftwareConfig
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Endpoints, StackInfo, StackUser
from stackd.resources.entity import Entity, Place
from stackd.resources.follows import Sibling, Siblings
from stackd.resources.heat import retired
from stackd.resources.index import declared_in
from stackd.resources.schema import Properties

STACK = StackInfo(id="stack-id", name="app", project_id="project-id", root_id="stack-id", root_name="app")
ENDPOINTS = Endpoints(
    native="http://heat.test/v1",
    cfn="http://heat.test:8000/v1",
    auth="http://keystone.test/v3",
    region="RegionOne",
)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_PATIENCE = 100


def among(*siblings: Sibling) -> Siblings:
    """What a type sees of a stack with these resources."""
    known = {each.name: each for each in siblings}
    return Siblings({name: each.kind for name, each in known.items()}, lambda name: known[name].properties)


def followed(ctx: FakeContext, props: Properties, siblings: Siblings) -> set[str]:
    """The siblings that come before a resource with these properties."""
    found = [each.find(props.data, siblings) for each in ctx.type.follows]
    return {name for each in found for name in each.sure | each.guessed}


@dataclass(frozen=True, slots=True)
class Call:
    """One request that a type made."""

    service: str
    method: str
    path: str
    body: Any = None
    params: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    microversion: str | None = None


class FakeCloud:
    """Answers by method and path, whatever the service; a call that nobody expects fails the test.

    Several answers to one request are given in turn, the last one for ever. An answer is a body, an
    exception to raise, a ``Reply``, or a function of the ``Call`` that gives one of these.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._answers: dict[tuple[str, str], list[Any]] = {}

    def on(self, method: str, path: str, *answers: Any) -> FakeCloud:
        """Expect a request; without an answer it is answered with nothing."""
        self._answers[method, path] = list(answers) or [None]
        return self

    def sent(self, method: str, path: str = "") -> list[Any]:
        """The bodies of the requests of this method, in order; of this path if one is given."""
        return [c.body for c in self.calls if c.method == method and path in ("", c.path)]

    def asked(self, method: str = "") -> list[tuple[str, str]]:
        """Method and path of every request in order, without the reads unless ``method`` is GET."""
        wanted = {method} if method else {"POST", "PUT", "PATCH", "DELETE"}
        return [(call.method, call.path) for call in self.calls if call.method in wanted]

    def answer(self, call: Call) -> Reply:
        """What the script says to this call."""
        self.calls.append(call)
        queue = self._answers.get((call.method, call.path))
        assert queue is not None, f"unexpected {call.method} {call.path} to {call.service}: {call.body}"
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(200, {}, answer, b"")

    def service(self, kind: str) -> FakeService:
        """The service of this name; all share one script."""
        return FakeService(self, official_name(kind))

    lacks: frozenset[str] = frozenset()
    """The services that are not there."""

    async def has_service(self, kind: str) -> bool:
        """Whether a service is there: all are unless the test says otherwise."""
        return kind not in self.lacks

    @property
    def project_id(self) -> str:
        """The project that the calls are made for."""
        return STACK.project_id

    @property
    def compute(self) -> FakeService:
        return self.service("compute")

    @property
    def network(self) -> FakeService:
        return self.service("network")

    @property
    def volume(self) -> FakeService:
        return self.service("volume")

    @property
    def image(self) -> FakeService:
        return self.service("image")

    @property
    def object_store(self) -> FakeService:
        return self.service("object-store")

    @property
    def identity(self) -> FakeService:
        return self.service("identity")

    @property
    def orchestration(self) -> FakeService:
        return self.service("orchestration")


class FakeService:
    """The verbs of ``stackd.clients.service.Service`` over the script."""

    def __init__(self, cloud: FakeCloud, kind: str) -> None:
        self.cloud = cloud
        self.kind = kind

    async def get(self, path: str, params: Params | None = None, *, microversion: str | None = None) -> Any:
        return (await self.request("GET", path, params=params, microversion=microversion)).body

    async def get_fact(self, path: str) -> Any:
        return await self.get(path)

    async def head(self, path: str, params: Params | None = None) -> Mapping[str, str]:
        return (await self.request("HEAD", path, params=params)).headers

    async def post(
        self, path: str, body: Any = None, *, params: Params | None = None, microversion: str | None = None
    ) -> Any:
        return (await self.request("POST", path, json=body, params=params, microversion=microversion)).body

    async def join(self, path: str, body: Any) -> Any:
        """There is nobody else."""
        return await self.post(path, body)

    async def put(
        self, path: str, body: Any = None, *, params: Params | None = None, microversion: str | None = None
    ) -> Any:
        return (await self.request("PUT", path, json=body, params=params, microversion=microversion)).body

    async def patch(self, path: str, body: Any = None, *, microversion: str | None = None) -> Any:
        return (await self.request("PATCH", path, json=body, microversion=microversion)).body

    async def delete(self, path: str, params: Params | None = None, *, body: Any = None) -> Any:
        return (await self.request("DELETE", path, params=params, json=body)).body

    async def list_all(
        self, path: str, key: str = "", params: Params | None = None, *, microversion: str | None = None
    ) -> list[Any]:
        body = await self.get(path, params, microversion=microversion)
        return list(body[key] if key else body)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        microversion: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  as the real one has it
        idempotent: bool | None = None,
    ) -> Reply:
        body = json if content is None else content
        return self.cloud.answer(Call(self.kind, method, path, body, params, headers or {}, microversion))

    async def endpoint(self) -> str:
        return f"http://{self.kind}.test/v1/AUTH_{STACK.project_id}"


class FakeSoftware:
    """The software configurations of the project, as far as other types read them."""

    def __init__(self) -> None:
        self.configs: dict[str, SoftwareConfig] = {}
        self.deployed: list[JSON] = []

    async def config(self, config_id: str) -> SoftwareConfig | None:
        return self.configs.get(config_id)

    async def of_server(self, server_id: str) -> list[JSON]:
        return self.deployed


class FakeAlarms:
    """The alarm of the resource: what was asked of it, in order."""

    def __init__(self, ctx: FakeContext) -> None:
        self._ctx = ctx
        self.asked: list[tuple[str, Any]] = []

    async def put(self, name: str, request: Mapping[str, Any], *, enabled: bool = True) -> None:
        self.asked.append((name, {**request, "enabled": enabled}))
        await self._ctx.created(name)

    async def suspend(self, suspended: bool) -> None:
        self.asked.append(("suspend" if suspended else "resume", None))

    async def delete(self) -> None:
        self.asked.append(("delete", None))

    async def release(self) -> None:
        self.asked.append(("release", None))


class FakeUsers:
    """The user of the resource, and its key pairs by the names of their owners."""

    def __init__(self, ctx: FakeContext) -> None:
        self._ctx = ctx
        self.own: StackUser | None = None
        self.keypairs: dict[str, Mapping[str, str]] = {}

    async def make(self, *, keypair: bool = False, password: str = "") -> StackUser:
        keys = {"access_key": "access", "secret_key": "secret"} if keypair else {}
        name, word = self._ctx.physical_name, password or "pa55"
        self.own = StackUser("user-id", name, word, "user-project", "user-domain", **keys)
        await self._ctx.put_data(stack_user_name=name)
        return self.own

    async def remove(self) -> None:
        self.own = None

    async def keypair_of(self, owner: Resource) -> Mapping[str, str]:
        self.keypairs[owner.name] = {"access": "access", "secret": "secret"}
        await self._ctx.put_data(user_keypair=self.keypairs[owner.name])
        return self.keypairs[owner.name]

    async def remove_keypair(self) -> None:
        self.keypairs.clear()


@dataclass
class FakeContext:
    """A ``Context`` for one resource of ``kind``.

    ``properties`` are written as in a template; ``props`` are what the type is called with. What the
    type stores is found in ``resource``; ``finds`` says which ids names stand for. What ``happens`` does
    so each time the type waits for a signal.
    """

    kind: str
    name: str = "thing"
    properties: Mapping[str, Any] = field(default_factory=dict)
    physical: str | None = None
    stored: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    finds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    siblings: list[Resource] = field(default_factory=list)
    happens: list[Callable[[], None]] = field(default_factory=list)
    limits: Mapping[str, Any] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)
    places: list[Any] = field(default_factory=list)
    stack: StackInfo = STACK
    endpoints: Endpoints = ENDPOINTS
    cloud: Any = field(default_factory=FakeCloud)

    def __post_init__(self) -> None:
        self.type: Any = type_named(self.kind)  # tests call what only that type has
        self.find: Any = FakeFinder(self.finds)
        self.software: Any = FakeSoftware()
        self.alarms = FakeAlarms(self)
        self.users = FakeUsers(self)
        self._live: JSON | None = None
        self.resource = make_resource(
            self.name,
            self.kind,
            physical_id=self.physical,
            properties=dict(self.properties),
            metadata=dict(self.metadata),
            data=dict(self.stored),
        )

    @property
    def props(self) -> Any:
        """The properties as the type sees them."""
        return self.load(self.properties)

    def load(self, properties: Mapping[str, Any]) -> Any:
        """Other properties of the same type."""
        return self.type.properties.load(properties)

    @property
    def physical_id(self) -> str:
        assert self.resource.physical_id, "there is no object yet"
        return self.resource.physical_id

    @property
    def physical_name(self) -> str:
        return f"{self.stack.name}-{self.name}-abcdefghijkl"

    @property
    def data(self) -> Mapping[str, Any]:
        return self.resource.data

    async def created(self, physical_id: str, live: JSON | None = None) -> None:
        self.resource = replace(self.resource, physical_id=physical_id)
        self._live = live

    async def put_data(self, **values: Any) -> None:
        kept = {key: value for key, value in {**self.resource.data, **values}.items() if value is not None}
        self.resource = replace(self.resource, data=kept)

    async def put_metadata(self, metadata: Mapping[str, Any]) -> None:
        self.resource = replace(self.resource, metadata=metadata)

    async def live(self, *, fresh: bool = False) -> JSON:
        if self._live is None or fresh:
            entity = self.type.entity
            if entity is None:
                return {}
            self._live = await self._read(entity.of(self.resource), self.physical_id)
        return self._live

    async def _read(self, entity: Entity, identity: str) -> JSON:
        found = await self.cloud.service(entity.service).get(entity.at(identity))
        live: JSON = found[entity.key] if entity.key else found
        return live

    def shown(self, live: JSON) -> dict[str, Any]:
        """The attributes, as fields of an object or computed."""
        return {**self.type.attribute_values(self.resource, live), **self.type.computed_values(self.resource)}

    async def attribute(self, name: str) -> Any:
        """The value of an attribute, read or worked out now."""
        declared = self.type.attributes[name]
        if declared.read is not None:
            return await declared.read(self)
        if declared.compute is not None:
            return declared.compute(self.resource)
        return self.type.attribute_values(self.resource, await self.live(fresh=True))[name]

    async def poll(
        self, done: Callable[[JSON], bool], what: str = "it is ready", *, of: Place | None = None
    ) -> JSON:
        for _ in range(_PATIENCE):
            live = await self.live(fresh=True) if of is None else await self._read(*of)
            if done(live):
                return live
        raise ActionTimedOut

    async def until(self, done: Callable[[], Awaitable[bool]], what: str = "it is ready") -> None:
        for _ in range(_PATIENCE):
            if await done():
                return
        raise ActionTimedOut

    def turn(self, subject: str, group: str = "") -> AbstractAsyncContextManager[bool]:
        """There is nobody else."""
        return nullcontext(False)

    async def sleep(self, seconds: float) -> None:
        """Only noted; no time passes in a test."""
        self.slept.append(seconds)

    def remote(self, place: Any) -> Any:
        """The same script answers for other clouds; which one was meant is noted."""
        self.places.append(place)
        return self.cloud

    async def inherited(self) -> tuple[JSON, Mapping[str, str]]:
        return {"resource_registry": {}}, {"a.yaml": "text"}

    async def sibling(self, reference: str) -> Resource | None:
        for each in self.siblings:
            known = (each.physical_id, each.name, type_named(each.kind).reference(each))
            if reference in known:
                return each
        return None

    async def claimants(self) -> list[Resource]:
        return [each for each in self.siblings if each.physical_id == self.physical_id]

    async def signalled(self, what: str = "a signal comes", *, own: bool = False) -> None:
        """Let the next thing in ``happens`` happen; without any, virtual time passes."""
        await asyncio.sleep(0 if self.happens else 0.5)
        if self.happens:
            self.happens.pop(0)()

    async def delegating(self) -> Any:
        """The same script answers; that it was asked for is noted."""
        self.places.append("delegating")
        return self.cloud


class FakeFinder:
    """Turns names into ids from a table of (kind, name); what is not in it stands for itself."""

    def __init__(self, known: Mapping[tuple[str, str], str]) -> None:
        self._known = known

    async def id_of(self, kind: str, name_or_id: str, *, again: bool = True) -> str:
        return self._known.get((kind, name_or_id), name_or_id)


def make_resource(name: str = "thing", kind: str = "OS::Heat::None", **values: Any) -> Resource:
    """A stored resource."""
    defaults: dict[str, Any] = {
        "id": f"{name}-uuid",
        "stack_id": STACK.id,
        "root_id": STACK.root_id,
        "type": kind,
        "created_at": LONG_AGO,
    }
    return Resource(**{**defaults, "name": name, "kind": kind, **values})


def type_named(kind: str) -> ResourceType[Any]:
    """The resource type of this name; only its own module is imported.

    ``OS::Nova::KeyPair`` is looked for in ``nova/key_pair.py``, ``nova/keypair.py``, and then in
    every module of its service. Retired types are in a table.
    """
    for module in (retired,) if kind in retired.RETIRED else _modules_of(kind):
        for cls in declared_in(module):
            if cls.type_name == kind:
                return cls()
    raise LookupError(f"no resource type {kind}")


def _modules_of(kind: str) -> Iterator[ModuleType]:
    vendor, service, *_ = kind.lower().split("::")
    package_name = f"stackd.resources.{'aws' if vendor in ('aws', 'stackd') else service}"
    package = importlib.import_module(package_name)
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    simple = kind.rsplit("::", maxsplit=1)[-1].lower()
    names.sort(key=lambda each: each.replace("_", "") != simple)
    return (importlib.import_module(f"{package_name}.{name}") for name in names)


def gone(message: str = "not found") -> StackdError:
    """The answer of a service that does not know the object."""
    return CloudNotFound(message, status=404)


def load(cls: type[Properties], **values: Any) -> Any:
    """Properties of a class from keyword arguments."""
    return cls.load(values)
