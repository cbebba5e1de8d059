"""Resources and events of stacks and of the stacks inside them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio

from tests.routers.conftest import ORIGIN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

NESTED: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "resources": {
        "group": {
            "type": "OS::Heat::ResourceGroup",
            "properties": {
                "count": 2,
                "resource_def": {"type": "OS::Heat::RandomString", "properties": {"length": 4}},
            },
        },
        "word": {"type": "OS::Heat::RandomString", "description": "a word", "metadata": {"colour": "red"}},
        "value": {
            "type": "OS::Heat::Value",
            "depends_on": "word",
            "properties": {"type": "string", "value": "v"},
        },
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def path(api: Api) -> str:
    return await api.create("nested", NESTED)


def names(body: dict[str, Any]) -> list[str]:
    return [resource["resource_name"] for resource in body["resources"]]


async def test_resources_are_listed_with_links_and_needs(api: Api, path: str) -> None:
    body = await api.get(f"{path}/resources")
    assert names(body) == ["group", "value", "word"]
    group, _, word = body["resources"]
    assert word["required_by"] == ["value"]
    assert [link["rel"] for link in word["links"]] == ["self", "stack"]
    nested = group["links"][2]
    assert nested["rel"] == "nested"
    assert nested["href"].endswith(group["physical_resource_id"])


async def test_stacks_inside_are_listed_down_to_a_depth(api: Api, path: str) -> None:
    body = await api.get(f"{path}/resources?nested_depth=9")
    assert names(body) == ["group", "value", "word", "0", "1"]
    assert body["resources"][3]["parent_resource"] == "group"
    inner = body["resources"][0]["links"][2]["href"].removeprefix(f"{ORIGIN}/v1/{api.project}")
    assert (await api.get(inner))["stack"]["parent"] == path.rpartition("/")[2]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=word&name=value", ["value", "word"]),
        ("type=Heat::Random", ["word"]),
        ("status=COMPLETE&name=word", ["word"]),
        ("status=CREATE_COMPLETE&name=word", ["word"]),
        ("status=FAILED", []),
        ("action=CREATE&name=value", ["value"]),
        ("nested_depth=1&type=RandomString", ["word", "0", "1"]),
    ],
)
async def test_resources_are_filtered(api: Api, path: str, query: str, found: list[str]) -> None:
    assert names(await api.get(f"{path}/resources?{query}")) == found


@pytest.mark.parametrize("query", ["nonsense=1", "nested_depth=x", "nested_depth=-1", "with_detail=maybe"])
async def test_malformed_queries_are_refused(api: Api, path: str, query: str) -> None:
    assert (await api.refused("GET", f"{path}/resources?{query}"))[:2] == (400, "HTTPBadRequest")


async def test_resource_is_shown_with_its_attributes(api: Api, path: str) -> None:
    word = (await api.get(f"{path}/resources/word?with_attr=extra"))["resource"]
    assert word["description"] == "a word"
    assert len(word["attributes"].pop("value")) == 32
    assert word["attributes"] == {"extra": None}
    detail = await api.get(f"{path}/resources?with_detail=true&name=value")
    assert detail["resources"][0]["attributes"] == {"value": "v"}
    assert await api.refused("GET", f"{path}/resources/nothing") == (
        404,
        "ResourceNotFound",
        "The Resource (nothing) could not be found in Stack nested.",
    )


async def test_metadata_is_read(api: Api, path: str) -> None:
    assert await api.get(f"{path}/resources/word/metadata") == {"metadata": {"colour": "red"}}


async def test_resource_is_marked_broken_and_sound_again(api: Api) -> None:
    path = await api.create("marked", NESTED)
    body = {"mark_unhealthy": True, "resource_status_reason": "because"}
    answer = await api.call("PATCH", f"{path}/resources/word", body)
    assert (answer.status_code, answer.content) == (200, b"null")
    word = (await api.get(f"{path}/resources/word"))["resource"]
    assert (word["resource_status"], word["resource_status_reason"]) == ("CHECK_FAILED", "because")
    physical = word["physical_resource_id"]
    await api.call("PATCH", f"{path}/resources/{physical}", {"mark_unhealthy": "false"})
    word = (await api.get(f"{path}/resources/word"))["resource"]
    assert word["resource_status"] == "CHECK_COMPLETE"
    assert (await api.get(f"{path}/events?limit=1"))["events"][0]["resource_status"] == "CHECK_COMPLETE"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mark_unhealthy": 7},
        {"mark_unhealthy": True, "more": 1},
        {"mark_unhealthy": True, "resource_status_reason": 5},
        {"mark_unhealthy": True, "resource_status_reason": {"a": "map"}},
    ],
)
async def test_mark_needs_its_key_and_no_other(api: Api, path: str, body: dict[str, Any]) -> None:
    assert (await api.refused("PATCH", f"{path}/resources/word", body))[:2] == (400, "HTTPBadRequest")


async def test_signals_reach_what_takes_them(api: Api, path: str) -> None:
    refused = await api.refused("POST", f"{path}/resources/word/signal", {"a": 1})
    assert refused[:2] == (400, "ResourceActionNotSupported")
    hook = await api.refused("POST", f"{path}/resources/word/signal", {"unset_hook": "pre-create"})
    assert hook[:2] == (400, "InvalidBreakPointHook")
    template = {
        "heat_template_version": "2021-04-16",
        "resources": {"handle": {"type": "OS::Heat::WaitConditionHandle"}},
    }
    waiting = await api.create("waiting", template)
    signal = {"id": "1", "data": "ready", "status": "SUCCESS", "reason": "done"}
    answer = await api.call("POST", f"{waiting}/resources/handle/signal", signal)
    assert (answer.status_code, answer.content) == (200, b"null")
    metadata = (await api.get(f"{waiting}/resources/handle/metadata"))["metadata"]
    assert "ready" in json.dumps(metadata)
    event = (await api.get(f"{waiting}/resources/handle/events"))["events"][0]
    assert event["resource_status"] == "SIGNAL_COMPLETE"
    assert event["resource_status_reason"].startswith("Signal: ")


async def test_events_are_listed_newest_first_with_exclusive_markers(api: Api, path: str) -> None:
    events = (await api.get(f"{path}/events"))["events"]
    assert events[0]["resource_status_reason"] == "Stack CREATE completed successfully"
    assert events[0]["physical_resource_id"] == path.rpartition("/")[2]
    assert [link["rel"] for link in events[0]["links"]] == ["self", "resource", "stack"]
    forward = (await api.get(f"{path}/events?sort_dir=asc"))["events"]
    assert [event["id"] for event in forward] == [event["id"] for event in reversed(events)]
    marker = forward[1]["id"]
    after = (await api.get(f"{path}/events?sort_dir=asc&marker={marker}&limit=2"))["events"]
    assert [event["id"] for event in after] == [event["id"] for event in forward[2:4]]
    word = (await api.get(f"{path}/events?resource_name=word&resource_status=COMPLETE"))["events"]
    assert [event["resource_status"] for event in word] == ["CREATE_COMPLETE"]
    assert (await api.get(f"{path}/events?limit=0")) == {"events": []}
    assert (await api.refused("GET", f"{path}/events?sort_dir=up"))[0] == 400


async def test_events_of_stacks_inside_name_the_root(api: Api, path: str) -> None:
    events = (await api.get(f"{path}/events?nested_depth=2"))["events"]
    assert {"0", "1", "group", "word"} <= {event["resource_name"] for event in events}
    assert all(event["links"][-1]["rel"] == "root_stack" for event in events)
    assert all(event["links"][-1]["href"].endswith(path) for event in events)


async def test_event_is_shown_with_properties(api: Api, path: str) -> None:
    event = (await api.get(f"{path}/resources/value/events"))["events"][0]
    shown = (await api.get(f"{path}/resources/value/events/{event['id']}"))["event"]
    assert shown["resource_type"] == "OS::Heat::Value"
    assert shown["resource_properties"] == {"type": "string", "value": "v"}
    refused = await api.refused("GET", f"{path}/resources/word/events/{event['id']}")
    assert refused == (404, "HTTPNotFound", f"No event {event['id']} found")
    assert (await api.refused("GET", f"{path}/resources/nothing/events"))[:2] == (404, "HTTPNotFound")
