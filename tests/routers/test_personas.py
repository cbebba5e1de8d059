"""Who may see and do what: every route, tried by every kind of person who is not of the project.

An attempt names somebody else's stack, also a nested or deleted one, or a plan, in a path of one's own
project or of the other one. It is answered as if there were nothing, with nothing of the other project in it.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from stackd.app import Parts, wired
from stackd.db import stacks
from stackd.devcloud.keystone.assignments import expand
from stackd.devcloud.keystone.tokens import Grant, issue
from stackd.devcloud.store import Entity
from stackd.records import Stack
from stackd.routers.api import NOUNS
from tests.routers.conftest import Api, signed_in
from tests.support.engine import World, world

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARK = "victims-own-words"
PERSONAS = (
    "reader of another project",
    "member of another project",
    "administrator of another project",
    "administrator of the domain",
    "administrator of the stack domain",
    "administrator of the project of the stack's users",
    "administrator of the system",
    "somebody without a project",
)
CHILD = """
heat_template_version: 2021-04-16
description: victims-own-words
resources: {inner: {type: OS::Heat::Value, properties: {value: victims-own-words}}}
"""
TEMPLATE = {
    "heat_template_version": "2021-04-16",
    "description": MARK,
    "parameters": {"p": {"type": "string", "default": MARK}},
    "resources": {
        "value": {"type": "OS::Heat::Value", "properties": {"value": MARK}, "metadata": {"m": MARK}},
        "nested": {"type": "child.yaml"},
        "handle": {"type": "OS::Heat::WaitConditionHandle"},
    },
    "outputs": {"o": {"value": MARK, "description": MARK}},
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "actions"): {"cancel_update": None},
    ("PATCH", "{resource}"): {"mark_unhealthy": True, "resource_status_reason": "x"},
}
EMPTY = {"template": {"heat_template_version": "2021-04-16"}}
WRONG = {"stack_name": "attempt", "template": {"heat_template_version": "2021-04-16", "resources": {"r": {}}}}
"""A new stack that is refused, so that no attempt makes one."""


@dataclass(frozen=True)
class Victim:
    """A project with stacks, and the values that lead to them in paths."""

    api: Api
    targets: tuple[tuple[str, str], ...]
    """Name and id of a stack, of the stack inside it, and of a deleted one."""
    user_project: str
    event: str
    plan: str
    config: str
    deployment: str
    snapshot: str

    def parts(self, name: str, identity: str) -> dict[str, str]:
        return {
            "name": name,
            "id": identity,
            "resource": "inner" if identity == self.targets[1][1] else "value",
            "event": self.event,
            "key": "o",
            "plan": self.plan,
            "config": self.config,
            "deployment": self.deployment,
            "snapshot": self.snapshot,
            "server": "server",
            "type": "OS::Heat::Value",
            "version": "heat_template_version.rocky",
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: Any) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("personas")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parts(made: World) -> AsyncIterator[Parts]:
    async with wired(made.settings) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def victim(client: httpx.AsyncClient, api: Api, parts: Parts) -> Victim:
    files = {"child.yaml": CHILD}
    path = await api.create("victim", TEMPLATE, files=files, tags=MARK)
    gone = await api.create("gone", TEMPLATE, files=files)
    assert (await api.call("DELETE", gone)).status_code == 204
    for each in (gone, path):
        await api.settled(each)
    resources = (await api.get(f"{path}/resources"))["resources"]
    child = next(each["physical_resource_id"] for each in resources if each["resource_name"] == "nested")
    inside = await stacks.get(parts.engine.services.db, child, None)
    assert inside is not None
    assert inside.stack_user_project_id is not None or (await _stack(parts, path)).stack_user_project_id
    plan = await api.call("POST", f"{path}/plans", {**EMPTY, "save": True})
    saved = (await api.get("/plans"))["plans"]
    snapshot = (await api.call("POST", f"{path}/snapshots", {})).json()["id"]
    await api.settled(path)
    event = (await api.get(f"{path}/resources/value/events"))["events"][0]["id"]
    assert plan.status_code < 300, plan.text
    made = await api.call("POST", "/software_configs", {"name": MARK})
    config = made.json()["software_config"]["id"]
    deployed = await api.call("POST", "/software_deployments", {"config_id": config, "server_id": "server"})
    return Victim(
        api,
        (_target(path), (inside.name, inside.id), _target(gone)),
        (await _stack(parts, path)).stack_user_project_id or "",
        event,
        saved[0]["id"],
        config,
        deployed.json()["software_deployment"]["id"],
        snapshot,
    )


def _target(path: str) -> tuple[str, str]:
    _, _, name, identity = path.split("/")
    return name, identity


async def _stack(parts: Parts, path: str) -> Stack:
    found = await stacks.get(parts.engine.services.db, _target(path)[1], None)
    assert found is not None
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def personas(made: World, client: httpx.AsyncClient, victim: Victim) -> dict[str, Api]:
    """Everybody with a token of their own; what Keystone would have to do with it is done in its store."""
    cloud = made.cloud.world
    store = cloud.store
    user = _added(store, "users", name="stranger", domain_id="default", enabled=True)
    project = _added(store, "projects", name="strange", domain_id="default", enabled=True, is_domain=False)
    domains = {each.data["name"]: each for each in store.all("identity.domains")}
    roles = {each.data["name"]: each.id for each in store.all("identity.roles")}
    users = store.get("identity.projects", victim.user_project)
    admin = expand(cloud, [roles["admin"]])
    grants = {
        "reader of another project": {"project": project, "role_ids": [roles["reader"]]},
        "member of another project": {"project": project, "role_ids": expand(cloud, [roles["member"]])},
        "administrator of another project": {"project": project, "role_ids": admin},
        "administrator of the domain": {"domain": domains["Default"], "role_ids": admin},
        "administrator of the stack domain": {"domain": domains["heat"], "role_ids": admin},
        "administrator of the project of the stack's users": {
            "project": users,
            "role_ids": admin,
        },
        "administrator of the system": {"system": True, "role_ids": admin},
        "somebody without a project": {},
    }
    found: dict[str, Api] = {}
    for name, values in grants.items():
        options: dict[str, Any] = dict(values)
        actor = issue(cloud, Grant(user, ["password"], **options))
        found[name] = Api(client, actor.token, actor.project_id or "none")
    return found


def _added(store: Any, plural: str, **data: Any) -> Entity:
    identity = uuid.uuid4().hex
    entity: Entity = store.add(f"identity.{plural}", identity, "", {"id": identity, **data}, {})
    return entity


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every route."""
    for router in NOUNS:
        for route in router.routes:
            for method in sorted(getattr(route, "methods", ())):
                yield method, getattr(route, "path", "").replace(":arn", "")


def request_of(method: str, path: str, project: str, parts: dict[str, str]) -> tuple[str, str, Any]:
    """One attempt: method, URL and body."""
    last = path.rpartition("/")[2]
    body = BODIES.get((method, last), EMPTY) if "{id}" in path or "{plan}" in path else WRONG
    if last == "signal":
        body = {"unset_hook": "pre-create"}
    return method, path.format(project=project, **parts), body if method in ("POST", "PUT", "PATCH") else None


def anonymous(text: str, parts: dict[str, str]) -> str:
    """An answer without what the request itself named."""
    for value in sorted((parts[key] for key in NAMING), key=len, reverse=True):
        text = text.replace(value, "?")
    return text


async def attempt(api: Api, method: str, path: str, project: str, parts: dict[str, str]) -> tuple[int, str]:
    method, url, body = request_of(method, path, project, parts)
    answer = await api.raw(method, url, **({} if body is None else {"json": body}))
    return answer.status_code, anonymous(answer.text + answer.headers.get("location", ""), parts)


ATTEMPTS = 2000
"""How many there are at least, of all personas together."""

NAMING = ("name", "id", "plan", "event", "config", "deployment", "snapshot")
ABOUT_ONE = ("{id}", "{plan}", "{config}", "{deployment}", "/stacks/{name}")


def named(path: str, targets: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """What a path is tried with: names and ids, and in short paths an id for the name."""
    if not any(part in path for part in ABOUT_ONE):
        yield targets[0]
        return
    for name, identity in targets:
        yield name, identity
        if "{name}" in path and "{id}" not in path:
            yield identity, identity


@pytest.mark.parametrize("persona", PERSONAS)
async def test_nobody_reaches_into_another_project_by_any_route(
    persona: str, personas: dict[str, Api], victim: Victim
) -> None:
    api, attempts, leaks = personas[persona], 0, []
    nothing = {**victim.parts("nothing", str(uuid.uuid4())), "plan": "none", "event": "none"}
    nothing |= {"config": "none", "deployment": "none"}
    for method, path in routes():
        about_one = any(part in path for part in ABOUT_ONE)
        for project in (api.project, victim.api.project):
            absent = await attempt(api, method, path, project, nothing)
            for name, identity in named(path, victim.targets):
                status, text = await attempt(api, method, path, project, victim.parts(name, identity))
                attempts += 1
                differs = about_one and (status, text) != absent
                if differs or (about_one and status < 400) or MARK in text:
                    leaks.append((method, path, project == api.project, name, status, absent[0]))
    assert leaks == []
    assert attempts >= ATTEMPTS / len(PERSONAS)
    for (name, identity), action in zip(victim.targets[:2], ("SNAPSHOT", "CREATE"), strict=True):
        shown = (await victim.api.get(f"/stacks/{name}/{identity}"))["stack"]
        assert shown["stack_status"] == f"{action}_COMPLETE"
    assert (await victim.api.get("/plans"))["plans"][0]["id"] == victim.plan


async def test_list_and_show_agree_for_everybody(
    personas: dict[str, Api], victim: Victim, parts: Parts, client: httpx.AsyncClient
) -> None:
    cloud_admin = await signed_in(parts, client, "admin")
    await cloud_admin.create("theirs", EMPTY["template"])
    every = (await cloud_admin.get("/stacks?show_deleted=true&show_nested=true"))["stacks"]
    everybody = {**personas, "member": victim.api, "administrator of the cloud": cloud_admin}
    seen: dict[str, int] = {}
    for name, api in everybody.items():
        answer = await api.call("GET", "/stacks?show_deleted=true&show_nested=true")
        listed = {each["id"] for each in answer.json().get("stacks", ())}
        detailed = await api.call("GET", "/stacks/detail")
        shown = {
            each["id"]
            for each in every
            for project in (each["project"], api.project)
            if (await api.raw("GET", f"/v1/{project}/stacks/{each['stack_name']}/{each['id']}")).status_code
            == 200
        }
        assert listed == shown, name
        assert {each["id"] for each in detailed.json().get("stacks", ())} <= listed
        seen[name] = len(listed)
    assert seen.pop("administrator of the cloud") == len(every) == 5
    assert seen.pop("member") == 4
    assert set(seen.values()) == {0}


async def test_event_of_another_stack_is_an_unknown_marker(victim: Victim) -> None:
    api = victim.api
    other = await api.create("other", TEMPLATE, files={"child.yaml": CHILD})
    (name, identity), *_ = victim.targets
    for query in ("", "&nested_depth=2"):
        plain = await api.get(f"/stacks/{name}/{identity}/events?limit=3{query}")
        foreign = (await api.get(f"{other}/events?limit=1"))["events"][0]["id"]
        for marker in (foreign, "none"):
            page = await api.get(f"/stacks/{name}/{identity}/events?limit=3&marker={marker}{query}")
            assert page == plain
        own = plain["events"][0]["id"]
        rest = await api.get(f"/stacks/{name}/{identity}/events?limit=3&marker={own}{query}")
        assert rest["events"][:2] == plain["events"][1:]
