"""Stacks that another orchestration server makes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.clients.wire import Reply
from stackd.errors import CloudNotFound, PropertyError, ResourceFailure, ResourceInError
from stackd.records import Action
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

NAME = "app-thing-abcdefghijkl"
PATH = f"/stacks/{NAME}/far"
PROPERTIES = {"template": "heat_template_version: 2018-08-31", "parameters": {"a": 1}, "timeout": 5}


def stack(status: str, **more: Any) -> dict[str, Any]:
    return {"stack": {"stack_status": status, "stack_name": NAME, "id": "far", **more}}


def remote(action: Action = Action.CREATE, **more: Any) -> FakeContext:
    ctx = FakeContext(
        "OS::Heat::Stack", properties=PROPERTIES | more, physical="far", stored={"stack_name": NAME}
    )
    object.__setattr__(ctx.resource, "action", action)
    return ctx


async def test_stack_is_made_with_what_it_inherits_in_its_region() -> None:
    ctx = FakeContext("OS::Heat::Stack", properties=PROPERTIES | {"context": {"region_name": "Two"}})
    ctx.cloud.on("POST", "/stacks", {"stack": {"id": "far"}})
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("POST", "/stacks") == [
        {
            "stack_name": NAME,
            "disable_rollback": True,
            "template": "heat_template_version: 2018-08-31",
            "parameters": {"a": 1},
            "environment": {"resource_registry": {}},
            "files": {"a.yaml": "text"},
            "timeout_mins": 5,
        }
    ]
    assert ctx.places[0].region == "Two"
    assert ctx.type.reference(ctx.resource) == "far"
    ctx.cloud.on("GET", "/stacks", {"stacks": [{"stack_name": NAME, "id": "far"}]})
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["far"]


async def test_it_is_ready_when_it_has_done_what_it_was_told() -> None:
    ctx = remote(Action.UPDATE)
    ctx.cloud.on("PUT", PATH)
    await ctx.type.update(ctx, ctx.props, ctx.props)
    states = ("CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    ctx.cloud.on("GET", PATH, *map(stack, states))
    assert [await ctx.type.is_ready(ctx, ctx.props) for _ in states] == [False, False, True]
    ctx.cloud.on("GET", PATH, stack("UPDATE_FAILED", stack_status_reason="no room"))
    with pytest.raises(ResourceInError, match=r'^Went to status UPDATE_FAILED due to "no room"$'):
        await ctx.type.is_ready(ctx, ctx.props)


async def test_another_region_needs_another_stack() -> None:
    ctx = remote(context={"region_name": "One", "insecure": True})
    other = ctx.load(PROPERTIES | {"context": {"region_name": "Two"}})
    same = ctx.load(PROPERTIES | {"context": {"region_name": "One"}})
    assert ctx.type.needs_replace(ctx.props, other, frozenset({"context"}))
    assert ctx.type.needs_replace(ctx.props, same, frozenset({"context"})) is None


@pytest.mark.parametrize("action", ["suspend", "resume", "check"])
async def test_actions_are_done_by_its_own_server(action: str) -> None:
    ctx = remote()
    name = action.upper()
    ctx.cloud.on("POST", f"{PATH}/actions")
    ctx.cloud.on(
        "GET", PATH, stack("CREATE_COMPLETE"), stack(f"{name}_IN_PROGRESS"), stack(f"{name}_COMPLETE")
    )
    await getattr(ctx.type, action)(ctx, ctx.props)
    assert ctx.cloud.sent("POST", f"{PATH}/actions") == [{action: None}]
    await getattr(ctx.type, action)(ctx, ctx.props)
    again = 2 if action == "check" else 1
    assert len(ctx.cloud.sent("POST", f"{PATH}/actions")) == again


async def test_a_stack_that_is_gone_fails_the_check_and_is_deleted() -> None:
    ctx = remote()
    ctx.cloud.on("GET", PATH, gone()).on("DELETE", PATH)
    with pytest.raises(ResourceFailure, match="does not exist any more"):
        await ctx.type.check(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert await ctx.type.is_gone(ctx)
    ctx.cloud.on("GET", PATH, stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE"), stack("DELETE_FAILED"))
    assert [await ctx.type.is_gone(ctx) for _ in range(2)] == [False, True]
    with pytest.raises(ResourceInError):
        await ctx.type.is_gone(ctx)


async def test_attributes_are_read_from_the_stack_also_of_one_that_was_there_before() -> None:
    ctx = remote()
    await ctx.put_data(stack_name=None)
    ctx.cloud.on("GET", "/stacks", {"stacks": [{"stack_name": "other", "id": "far"}]})
    outputs = [{"output_key": "a", "output_value": [1]}, {"output_key": "b"}]
    ctx.cloud.on("GET", "/stacks/other/far", stack("CREATE_COMPLETE", outputs=outputs))
    assert await ctx.attribute("outputs") == {"a": [1], "b": None}
    assert await ctx.attribute("stack_name") == NAME
    ctx.cloud.on("GET", "/stacks", {"stacks": []})
    with pytest.raises(CloudNotFound):
        await ctx.attribute("outputs")


async def test_credentials_of_another_cloud_are_a_secret() -> None:
    auth = {"auth_type": "v3applicationcredential", "auth": {"auth_url": "https://k.test/v3"}}
    where = {"credential_secret_id": "s1", "ca_cert": "PEM", "insecure": True, "region_name": "R"}
    ctx = remote(context=where)
    ctx.cloud.on("GET", "/secrets/s1/payload", Reply(200, {}, None, json.dumps(auth).encode()))
    ctx.cloud.on("GET", PATH, stack("CREATE_COMPLETE"))
    assert await ctx.type.is_ready(ctx, ctx.props)
    [place] = ctx.places
    assert (place.region, place.auth, place.ca_cert, place.insecure) == ("R", auth, "PEM", True)
    ctx.cloud.on("GET", "/secrets/s1/payload", Reply(200, {}, None, b"pa55word"))
    with pytest.raises(ResourceFailure, match="secret s1 is not JSON") as raised:
        await ctx.type.is_ready(ctx, ctx.props)
    assert "pa55word" not in str(raised.value)
    ctx = remote(context={"credential_secret_id": "https://kms.test/v1/secrets/.."})
    with pytest.raises(ResourceFailure, match="is not the id of a secret"):
        await ctx.type.is_ready(ctx, ctx.props)


SNAPSHOT = "60ddf012-8229-4667-a978-50c803ae1558"


async def test_snapshots_are_taken_by_its_own_server() -> None:
    ctx, path = remote(), f"{PATH}/snapshots"
    await ctx.put_data(snapshot=SNAPSHOT)
    name = f"{NAME}-50c803ae1558"
    ctx.cloud.on("POST", path, {"id": "s1", "name": name, "status": "IN_PROGRESS"})
    data = {"template": {"resources": {}}, "environment": {"parameters": {"a": 2}}}
    going = {"snapshot": {"id": "s1", "status": "IN_PROGRESS"}}
    ctx.cloud.on("GET", f"{path}/s1", going, {"snapshot": {"id": "s1", "status": "COMPLETE", "data": data}})
    await ctx.type.snapshot(ctx, ctx.props)
    kept = {key: ctx.data[key] for key in ctx.type.kept}
    assert kept == {"snapshot_id": "s1", "template": {"resources": {}}, "parameters": {"a": 2}}
    await ctx.put_data(snapshot_id=None)
    restored = ctx.type.restored(PROPERTIES, kept)
    assert (restored["template"], restored["parameters"]) == ('{"resources": {}}', {"a": 2})
    assert ctx.type.restored(PROPERTIES, {"snapshot_id": "s1"}) == PROPERTIES
    ctx.cloud.on("DELETE", f"{path}/s1", gone())
    await ctx.type.delete_snapshot(ctx, kept)

    others = [{"id": "old", "name": NAME, "status": "COMPLETE"}]
    ctx.cloud.on("GET", path, {"snapshots": [*others, {"id": "s2", "name": name, "status": "IN_PROGRESS"}]})
    ctx.cloud.on("GET", f"{path}/s2", {"snapshot": {"status": "FAILED", "status_reason": "no room"}})
    with pytest.raises(ResourceFailure, match="no room"):
        await ctx.type.snapshot(ctx, ctx.props)
    assert ctx.cloud.sent("POST", path) == [{"name": name}]
    ctx.cloud.on("DELETE", f"{path}/s2")
    await ctx.type.delete_snapshot(ctx, {"copy": name})
    assert ctx.cloud.asked("DELETE") == [("DELETE", f"{path}/s1"), ("DELETE", f"{path}/s2")]


async def test_a_template_that_is_not_known_yet_is_not_checked() -> None:
    ctx = remote()
    await ctx.type.probe(ctx, ctx.type.properties.wrap({**PROPERTIES, "template": Unknown("other")}))
    assert ctx.cloud.calls == []
    ctx = remote(context={"credential_secret_id": "s1"})
    ctx.cloud.on("GET", "/secrets/s1/payload", gone("no such secret"))
    at = "Cannot establish connection to Heat endpoint at remote cloud due to"
    with pytest.raises(PropertyError, match=f'^{at} "no such secret'):
        await ctx.type.probe(ctx, ctx.props)
