"""What an environment asks of a stack, through the API: pauses, sinks, and values that stay hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.routers.conftest import Api
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "correct-horse-battery"
NEXT = "staple-of-the-battery"
RESOURCE = {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "word"}}}
MEMBER = {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "word"}}}
TEMPLATE: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "parameters": {"word": {"type": "string", "hidden": True}},
    "resources": {
        "a": RESOURCE,
        "group": {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": MEMBER}},
    },
}
PLAIN = {"heat_template_version": "2021-04-16", "resources": {"a": {"type": "OS::Heat::TestResource"}}}


def hooks(*names: str) -> dict[str, Any]:
    return {"resource_registry": {"resources": {"a": {"hooks": list(names)}}}}


async def paused(api: Api, path: str, reason: str) -> dict[str, Any]:
    """The event that announces a pause."""

    async def found() -> list[dict[str, Any]]:
        events = (await api.get(f"{path}/events"))["events"]
        return [each for each in events if each["resource_status_reason"] == reason]

    await until(found)
    return dict((await found())[0])


async def test_a_pause_is_announced_and_cleared_as_in_heat(api: Api) -> None:
    body = {"stack_name": "paused", "template": PLAIN, "environment": hooks("pre-create")}
    made = (await api.call("POST", "/stacks", body)).json()["stack"]
    path = f"/stacks/paused/{made['id']}"
    event = await paused(api, path, "CREATE paused until Hook pre-create is cleared")
    assert (event["resource_status"], event["physical_resource_id"]) == ("INIT_COMPLETE", None)
    shown = (await api.get(f"{path}/resources/a"))["resource"]
    assert (shown["resource_status"], shown["physical_resource_id"]) == ("INIT_COMPLETE", "")
    signal = f"{path}/resources/a/signal"
    assert await api.refused("POST", signal, {"unset_hook": "pre-update"}) == (
        400,
        "InvalidBreakPointHook",
        f'The "pre-update" hook is not defined on TestResource "a" Stack "paused" [{made["id"]}]',
    )
    assert (await api.refused("POST", signal, {"unset_hook": ["pre-create"]}))[:2] == (
        400,
        "InvalidBreakPointHook",
    )
    missing = f"{path}/resources/b/signal"
    assert (await api.refused("POST", missing, {"unset_hook": "pre-create"}))[0] == 404
    answer = await api.call("POST", signal, {"unset_hook": "pre-create"})
    assert (answer.status_code, answer.json()) == (200, None)
    assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    assert (await paused(api, path, "Hook pre-create is cleared"))["resource_status"] == "INIT_COMPLETE"
    assert (await api.refused("POST", signal, {"unset_hook": "pre-create"}))[0] == 400


async def test_an_unknown_hook_in_an_environment_is_refused(api: Api) -> None:
    body = {"stack_name": "noon", "template": PLAIN, "environment": hooks("at-noon")}
    status, kind, message = await api.refused("POST", "/stacks", body)
    assert (status, kind) == (400, "InvalidBreakPointHook")
    assert 'Invalid hook type "at-noon" for resource breakpoint' in message


async def test_a_sink_that_cannot_be_is_refused(api: Api) -> None:
    environment = {"event_sinks": [{"type": "mail", "target": "me"}]}
    body = {"stack_name": "mail", "template": PLAIN, "environment": environment}
    assert await api.refused("POST", "/stacks", body) == (
        400,
        "HTTPBadRequest",
        'The event sink type "mail" is not known; use "zaqar-queue".',
    )


async def test_hidden_values_show_nowhere(api: Api) -> None:
    body: dict[str, Any] = {"template": TEMPLATE, "parameters": {"word": SECRET}}
    body["environment"] = {"encrypted_param_names": ["word"], "parameter_defaults": {"word": SECRET}}
    preview = await api.call("POST", "/stacks/preview", {"stack_name": "hidden", **body})
    assert preview.status_code == 200
    path = await api.create("hidden", **body)
    shown: list[Any] = [preview.json(), await api.get(path), await api.get(f"{path}/environment")]
    assert shown[2]["parameters"] == {"word": "******"}
    assert shown[2]["parameter_defaults"] == {"word": "******"}
    assert shown[2]["encrypted_param_names"] == []
    events = (await api.get(f"{path}/events?nested_depth=5"))["events"]
    for event in events:
        href = event["links"][0]["href"].partition(api.project)[2]
        shown.append((await api.get(href))["event"])
    change = {"template": TEMPLATE, "parameters": {"word": NEXT}}
    planned = await api.call("PUT", f"{path}/preview?show_nested=True", change)
    assert planned.status_code == 200
    assert planned.json()["resource_changes"]["updated"]
    shown.append(planned.json())
    text = json.dumps(shown)
    assert "******" in text
    assert SECRET not in text
    assert NEXT not in text


async def test_a_preview_tells_what_is_restricted(api: Api) -> None:
    path = await api.create("fixed", PLAIN)
    wanted = {**PLAIN, "resources": {"a": {"type": "OS::Heat::TestResource", "properties": {"value": "2"}}}}
    restricted = {"resource_registry": {"resources": {"a": {"restricted_actions": "update"}}}}
    answer = await api.call("PUT", f"{path}/preview", {"template": wanted, "environment": restricted})
    (item,) = answer.json()["resource_changes"]["updated"]
    assert item["reason"].startswith("update is restricted for resource.")
