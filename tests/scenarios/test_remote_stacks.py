"""A stack in another region, which the same server makes when it is asked over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from stackd.app import make_asgi
from stackd.devcloud.keystone.seed import register
from stackd.serving import serve_http
from stackd.settings import Listener
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import world
from tests.support.network import free_port
from tests.support.templates import hot, hot_text
from tests.support.waiting import until

INNER = hot_text(
    """
parameters: {word: {type: string}}
resources: {value: {type: OS::Heat::TestResource, properties: {value: {get_param: word}}}}
outputs: {said: {value: {get_attr: [value, output]}}}
"""
)


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with world(tmp_path) as made, served(made) as parts:
        listener, ready = Listener(port=free_port()), asyncio.Event()
        task = asyncio.create_task(serve_http([(listener, make_asgi(parts))], ready=ready))
        await ready.wait()
        register(
            made.cloud.world, "orchestration", "heat", f"http://127.0.0.1:{listener.port}/v1/$(project_id)s"
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN
        ) as client:
            yield await signed_in(parts, client, "demo")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def around(word: str, region: str = "RegionOne") -> dict[str, object]:
    properties = {
        "template": INNER,
        "parameters": {"word": word},
        "context": {"region_name": region, "insecure": True},
    }
    return hot(
        {"far": {"type": "OS::Heat::Stack", "properties": properties}},
        outputs={"said": {"value": {"get_attr": ["far", "outputs", "said"]}}},
    )


async def test_remote_stack_is_made_changed_and_deleted(api: Api) -> None:
    path = await api.create("near", around("one"))
    assert (await api.get(path))["stack"]["stack_status"] == "CREATE_COMPLETE"
    assert (await api.get(f"{path}/outputs/said"))["output"]["output_value"] == "one"
    far = (await api.get(f"{path}/resources/far"))["resource"]
    [remote] = [each for each in (await api.get("/stacks"))["stacks"] if each["stack_name"] != "near"]
    assert far["physical_resource_id"] == remote["id"]
    assert far["attributes"]["stack_name"] == remote["stack_name"]

    assert (await api.call("PUT", path, {"template": around("two")})).status_code == 202
    stack = await api.settled(path)
    assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
    assert (await api.get(f"{path}/outputs/said"))["output"]["output_value"] == "two"

    await api.call("DELETE", path)

    async def all_gone() -> bool:
        return not (await api.get("/stacks"))["stacks"]

    await until(all_gone)


async def test_what_the_other_server_will_refuse_is_refused_with_the_request(api: Api) -> None:
    nowhere = await api.refused(
        "POST", "/stacks", {"stack_name": "bad", "template": around("one", "Nowhere")}
    )
    assert nowhere[:2] == (400, "StackValidationFailed")
    assert nowhere[2].startswith('Cannot establish connection to Heat endpoint at region "Nowhere" due to "')
    wrong = {"template": hot_text("resources: {a: {type: OS::No::Such}}"), "parameters": {}}
    inner = hot({"far": {"type": "OS::Heat::Stack", "properties": wrong}})
    refused = await api.refused("POST", "/stacks", {"stack_name": "bad", "template": inner})
    assert refused[:2] == (400, "StackValidationFailed")
    at = 'Failed validating stack template using Heat endpoint at region "None" due to'
    assert refused[2].startswith(at)
    assert "OS::No::Such" in refused[2]
    assert (await api.get("/stacks"))["stacks"] == []
