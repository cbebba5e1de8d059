"""Every way in which a guest signals, by the requests that guests send, on the dev cloud."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from stackd.app import make_asgi, make_cfn_asgi
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import World, world
from tests.support.templates import hot
from tests.support.waiting import until

HOW = ("TOKEN_SIGNAL", "HEAT_SIGNAL", "CFN_SIGNAL", "TEMP_URL_SIGNAL", "ZAQAR_SIGNAL", "NO_SIGNAL")
GOOD = {"id": "x", "data": "good"}


class Guest:
    """What runs in a server: it knows what the template gives it, and speaks HTTP."""

    def __init__(self, made: World, native: Api, cfn: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
        self.made = made
        self.native = native
        self.cfn = cfn
        self.outside = outside

    async def login(self, user: Mapping[str, str]) -> tuple[dict[str, str], str]:
        """Headers with a token of the user, and the endpoint of Zaqar."""
        person = {"id": user["user_id"], "password": user["password"]}
        identity = {"methods": ["password"], "password": {"user": person}}
        scope = {"project": {"id": user["project_id"]}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = await self.outside.post(f"{user['auth_url']}/auth/tokens", json=body)
        catalog = answer.json()["token"]["catalog"]
        [zaqar] = [each["endpoints"][0]["url"] for each in catalog if each["type"] == "messaging"]
        return {"X-Auth-Token": answer.headers["x-subject-token"]}, zaqar

    async def signal(self, how: str, given: Mapping[str, Any], details: Any) -> int:
        """Send one signal as the transport wants it; returns the status of the answer."""
        signal, body = json.loads(given["signal"]), json.dumps(details)
        match how:
            case "TOKEN_SIGNAL":
                assert given["curl_cli"].endswith(given["endpoint"])
                token = {"X-Auth-Token": given["token"], "Content-Type": "application/json"}
                answer = await self.native.client.post(given["endpoint"], headers=token, content=body)
            case "HEAT_SIGNAL":
                headers, _ = await self.login(signal)
                answer = await self.native.client.post(signal["alarm_url"], headers=headers, json=details)
            case "CFN_SIGNAL":
                answer = await self.cfn.put(signal["alarm_url"], content=body)
            case "TEMP_URL_SIGNAL":
                answer = await self.outside.put(signal["alarm_url"], content=body)
            case _:
                headers, zaqar = await self.login(signal)
                messages = {"messages": [{"body": details, "ttl": 60}]}
                url = f"{zaqar}/v2/queues/{signal['queue_id']}/messages"
                extra = {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c"}
                answer = await self.outside.post(url, headers={**headers, **extra}, json=messages)
        return answer.status_code


@pytest_asyncio.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Guest]:
    async with world(tmp_path) as made, served(made) as parts:
        native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
        cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)))
        async with native, cfn, httpx.AsyncClient() as outside:
            yield Guest(made, await signed_in(parts, native, "demo"), cfn, outside)


async def started(api: Api, name: str, template: Any, *made: str) -> str:
    """The path of a new stack, once these of its resources are there."""
    answer = await api.call("POST", "/stacks", {"stack_name": name, "template": template})
    path = f"/stacks/{name}/{answer.json()['stack']['id']}"

    async def are_made() -> bool:
        rows = (await api.get(f"{path}/resources"))["resources"]
        done = {row["resource_name"] for row in rows if row["resource_status"] == "CREATE_COMPLETE"}
        return done.issuperset(made)

    await until(are_made)
    return path


async def attributes(api: Api, path: str, resource: str) -> Any:
    return (await api.get(f"{path}/resources/{resource}"))["resource"]["attributes"]


def condition(handle: str, count: int = 2) -> dict[str, Any]:
    properties = {"handle": {"get_resource": handle}, "timeout": 3000, "count": count}
    return {"type": "OS::Heat::WaitCondition", "properties": properties}


async def test_every_transport_brings_two_signals(guest: Guest) -> None:
    """The later signal comes when the message with the first one has expired in its queue."""
    api, handle = guest.native, "OS::Heat::WaitConditionHandle"
    handles = {how: {"type": handle, "properties": {"signal_transport": how}} for how in HOW}
    waits = {f"{how} done": condition(how) for how in HOW}
    path = await started(api, "all", hot({**handles, **waits}), *HOW, "NO_SIGNAL done")
    given = {how: await attributes(api, path, how) for how in HOW[:-1]}
    for how in HOW[:-1]:
        assert await guest.signal(how, given[how], GOOD) in (200, 201)

    async def has_come() -> bool:
        row = await api.get(f"{path}/resources/ZAQAR_SIGNAL%20done")
        return "of which there are 1" in row["resource"]["resource_status_reason"]

    await until(has_come)
    await asyncio.sleep(61)
    for how in HOW[:-1]:
        assert await guest.signal(how, given[how], {"id": "y", "reason": "late"}) in (200, 201)
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
    for how in HOW[:-1]:
        data = json.loads((await attributes(api, path, f"{how} done"))["data"])
        assert data == {"x": "good", "y": None}


async def test_signals_in_swift_complete_or_fail_what_waits_for_them(guest: Guest) -> None:
    api = guest.native
    waits = {"handle": {"get_resource": "handle"}, "timeout": 3000, "count": 2}
    template = hot(
        {
            "handle": {"type": "OS::Heat::SwiftSignalHandle"},
            "wait": {"type": "OS::Heat::SwiftSignal", "properties": waits},
        }
    )
    good = await started(api, "good", template, "handle")
    seen = await attributes(api, good, "handle")
    assert seen["token"] == ""
    assert seen["curl_cli"] == f"curl -i -X PUT '{seen['endpoint']}'"
    for body in (b'{"id": "a", "data": 1}', b"no signal", b'{"id": "a", "data": 2}', b""):
        assert (await guest.outside.put(seen["endpoint"], content=body)).status_code == 201
    assert (await api.settled(good))["stack_status"] == "CREATE_COMPLETE"
    assert json.loads((await attributes(api, good, "wait"))["data"]) == {"a": 2, "2": None}

    bad = await started(api, "bad", template, "handle")
    seen = await attributes(api, bad, "handle")
    await guest.outside.put(seen["endpoint"], content=b'{"status": "FAILURE", "reason": "no disk"}')
    stack = await api.settled(bad)
    assert stack["stack_status"] == "CREATE_FAILED"
    assert stack["stack_status_reason"].endswith("resources.wait: no disk")
    for path in (good, bad):
        assert (await api.call("DELETE", path)).status_code == 204
    await until(lambda: {"containers", "objects"}.isdisjoint(guest.made.counts()))


@pytest.mark.parametrize("waits", [True, False])
async def test_delay_waits_when_it_is_made_and_when_it_goes(guest: Guest, waits: bool) -> None:
    actions = ["CREATE", "DELETE"] if waits else ["SUSPEND"]
    properties = {"min_wait": 5, "max_jitter": 1, "jitter_multiplier": 2, "actions": actions}
    template = hot({"delay": {"type": "OS::Heat::Delay", "properties": properties}})
    now = asyncio.get_running_loop().time
    began = now()
    path = await guest.native.create("slow", template)
    assert (5 <= now() - began <= 9) is waits
    await guest.native.call("DELETE", path)
    began = now()

    async def is_gone() -> bool:
        return (await guest.native.get(path))["stack"]["stack_status"] == "DELETE_COMPLETE"

    await until(is_gone)
    assert (5 <= now() - began <= 9) is waits
