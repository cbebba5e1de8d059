import json
from typing import Any

import pytest

from stackd.clients.wire import Reply
from stackd.errors import CloudConflict
from stackd.resources.heat.wait_condition_handle import received
from tests.support.context import FakeContext, gone, make_resource

KIND = "OS::Heat::WaitConditionHandle"
ENDPOINT = "http://heat.test/v1/user-project/stacks/app/stack-id/resources/thing/signal"
TOKEN = Reply(201, {"x-subject-token": "tok"}, {"token": {}}, b"")


async def make(transport: Any, ctx: FakeContext | None = None) -> Any:
    ctx = ctx or FakeContext(KIND, properties={"signal_transport": transport})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "user-id"
    await ctx.type.configure(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    return ctx, ctx.shown({})


async def test_a_token_and_a_command_to_signal_with() -> None:
    ctx = FakeContext(KIND)
    ctx.cloud.on("POST", "/auth/tokens", TOKEN)
    ctx, seen = await make("TOKEN_SIGNAL", ctx)
    assert (seen["token"], seen["endpoint"], seen["signal"]) == ("tok", ENDPOINT, "null")
    assert seen["curl_cli"] == (
        "curl -i -X POST -H 'X-Auth-Token: tok' -H 'Content-Type: application/json' "
        f"-H 'Accept: application/json' {ENDPOINT}"
    )
    identity = ctx.cloud.sent("POST", "/auth/tokens")[0]["auth"]
    assert identity["identity"]["password"]["user"] == {"id": "user-id", "password": "pa55"}
    assert identity["scope"] == {"project": {"id": "user-project"}}
    assert ctx.type.reference(ctx.resource) == "user-id"


async def test_a_signed_url() -> None:
    _, seen = await make("CFN_SIGNAL")
    assert seen["token"] is None
    assert seen["curl_cli"] is None
    assert json.loads(seen["signal"])["alarm_url"].startswith("http://heat.test:8000/v1/waitcondition/arn%3A")


async def test_credentials() -> None:
    _, seen = await make("HEAT_SIGNAL")
    assert json.loads(seen["signal"]) == {
        "auth_url": "http://keystone.test/v3",
        "username": "app-thing-abcdefghijkl",
        "user_id": "user-id",
        "password": "pa55",
        "project_id": "user-project",
        "domain_id": "user-domain",
        "region_name": "RegionOne",
        "alarm_url": ENDPOINT,
    }


async def test_no_signal_needs_nothing() -> None:
    ctx, seen = await make("NO_SIGNAL")
    assert set(seen.values()) == {None, "{}"}
    assert ctx.cloud.calls == []


async def test_a_queue_of_the_user_is_read_and_removed() -> None:
    queue = "/queues/app-thing-abcdefghijkl"
    ctx = FakeContext(KIND, properties={"signal_transport": "ZAQAR_SIGNAL"})
    ctx.cloud.on("POST", "/auth/tokens", TOKEN).on("PUT", queue)
    messages = [{"id": "1", "body": {"id": "a"}}, {"id": "2", "body": {}}]
    ctx.cloud.on("GET", f"{queue}/messages", {"messages": messages})
    ctx.cloud.on("DELETE", queue, None, gone())
    ctx, seen = await make("ZAQAR_SIGNAL", ctx)
    assert json.loads(seen["signal"])["queue_id"] == "app-thing-abcdefghijkl"
    assert await received(ctx, ctx.resource, {}) == [{"id": "a"}, {}]
    headers = [call.headers for call in ctx.cloud.calls if call.service == "message"]
    assert all(each["X-Auth-Token"] == "tok" and each["X-Project-Id"] == "user-project" for each in headers)
    await ctx.type.delete(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.users.own is None
    assert ("DELETE", queue) in ctx.cloud.asked()


async def test_objects_are_written_through_a_signed_url_and_all_versions_count() -> None:
    name = "app-thing-abcdefghijkl"
    old = f"{len(name):03x}{name}"
    ctx = FakeContext(KIND, properties={"signal_transport": "TEMP_URL_SIGNAL"})
    ctx.cloud.on(
        "HEAD", "", Reply(204, {}, None, b""), Reply(204, {"x-account-meta-temp-url-key": "k"}, None, b"")
    )
    ctx.cloud.on("POST", "").on("PUT", "/stack-id").on("PUT", f"/stack-id/{name}")
    listing = [{"name": each} for each in (f"{old}/1", f"{old}/2", name, f"{old}/3", "other")]
    ctx.cloud.on("GET", "/stack-id", listing, listing, [{"name": "other"}])
    contents = {f"{old}/1": b"in progress", f"{old}/2": b'{"id": "a"}', f"{old}/3": b"rubbish", name: b""}
    for each, content in contents.items():
        ctx.cloud.on("GET", f"/stack-id/{each}", Reply(200, {}, None, content))
        ctx.cloud.on("DELETE", f"/stack-id/{each}", gone())
    ctx, seen = await make("TEMP_URL_SIGNAL", ctx)
    url = json.loads(seen["signal"])["alarm_url"]
    assert url.startswith(f"http://object-store.test/v1/AUTH_project-id/stack-id/{name}?temp_url_sig=")
    assert url.endswith("&temp_url_expires=2147483647")
    assert await received(ctx, ctx.resource, {}) == [{"id": "a"}, {}]
    ctx.cloud.on("DELETE", "/stack-id", CloudConflict("There was a conflict", status=409))
    await ctx.type.delete(ctx, ctx.props)
    assert ("DELETE", "/stack-id/other") not in ctx.cloud.asked()
    assert ("DELETE", f"/stack-id/{old}/3") in ctx.cloud.asked()
    await ctx.type.delete(ctx, ctx.props)


async def test_the_container_goes_with_its_last_object() -> None:
    ctx = FakeContext(KIND, stored={"object_name": "o"}, physical="user-id")
    ctx.cloud.on("GET", "/stack-id", [{"name": "o"}], [])
    ctx.cloud.on("DELETE", "/stack-id/o").on("DELETE", "/stack-id", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ("DELETE", "/stack-id") in ctx.cloud.asked()


async def test_signals_are_kept_in_the_metadata() -> None:
    ctx = FakeContext(KIND, physical="user-id")
    assert await ctx.type.signal(ctx, {"data": 1}) == "status:SUCCESS reason:Signal 1 received"
    assert await ctx.type.signal(ctx, None) == "status:SUCCESS reason:Signal 2 received"
    assert list(ctx.resource.metadata) == ["1", "2"]


@pytest.mark.parametrize("handle", [make_resource(), make_resource(data={"signal": {"alarm_url": "x"}})])
async def test_signals_to_the_api_come_by_themselves(handle: Any) -> None:
    assert await received(FakeContext(KIND), handle, {}) == []
