"""Machines that were not made here: how they get their metadata, by each transport."""

from __future__ import annotations

import json
from typing import Any

from stackd.clients.wire import Reply
from tests.support.context import FakeContext

SWIFT = "http://object-store.test/v1/AUTH_project-id"
CFN = {
    "metadata_url": "http://heat.test:8000/v1/",
    "access_key_id": "access",
    "secret_access_key": "secret",
    "stack_name": "app",
    "path": "thing.Metadata",
}
LOGIN = {
    "user_id": "user-id",
    "password": "pa55",
    "auth_url": "http://keystone.test/v3",
    "project_id": "user-project",
    "region_name": "RegionOne",
}


def deployed(**properties: Any) -> Any:
    ctx = FakeContext("OS::Heat::DeployedServer", properties=properties)
    ctx.cloud.on("POST", "/auth/tokens").on("PUT", f"/queues/{ctx.physical_name}")
    return ctx


async def made(**properties: Any) -> Any:
    ctx = deployed(**properties)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    return ctx


async def test_machine_is_known_by_the_id_of_its_resource() -> None:
    ctx = await made()
    assert ctx.physical_id == ctx.resource.id
    assert ctx.shown({})["name"] == ctx.physical_name
    assert (await made(name="rack-7")).shown({})["name"] == "rack-7"
    assert {call.service for call in ctx.cloud.calls} <= {"identity"}


async def test_each_transport_has_its_section_without_the_metadata_service_of_nova() -> None:
    polled = (await made()).shown({})["os_collect_config"]
    assert polled == {"collectors": ["cfn", "local"], "cfn": CFN}
    heat = (await made(software_config_transport="POLL_SERVER_HEAT")).shown({})["os_collect_config"]
    assert heat["collectors"] == ["heat", "local"]
    assert heat["heat"] == LOGIN | {"stack_id": "app/stack-id", "resource_name": "thing"}


async def test_metadata_in_swift_is_read_by_a_signed_url_at_the_chosen_place() -> None:
    place = {"container": "c", "object": "o"}
    ctx = deployed(software_config_transport="POLL_TEMP_URL", deployment_swift_data=place)
    ctx.cloud.on("HEAD", "", Reply(200, {"x-account-meta-temp-url-key": "key"}, None, b""))
    ctx.cloud.on("PUT", "/c").on("PUT", "/c/o").on("DELETE", "/c/o")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    section = ctx.shown({})["os_collect_config"]
    assert section["collectors"] == ["request", "local"]
    assert section["request"]["metadata_url"].startswith(f"{SWIFT}/c/o?temp_url_sig=")
    assert json.loads(ctx.cloud.sent("PUT", "/c/o")[-1])["os-collect-config"] == section
    await ctx.type.delete(ctx, ctx.props)
    assert ("DELETE", "/c/o") in ctx.cloud.asked()


async def test_metadata_in_zaqar_comes_through_a_queue_of_the_machine() -> None:
    ctx = deployed(software_config_transport="ZAQAR_MESSAGE")
    queue = ctx.physical_name
    ctx.cloud.on("POST", f"/queues/{queue}/messages").on("DELETE", f"/queues/{queue}")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    section = ctx.shown({})["os_collect_config"]
    assert section == {"collectors": ["zaqar", "local"], "zaqar": LOGIN | {"queue_id": queue}}
    [sent] = ctx.cloud.sent("POST", f"/queues/{queue}/messages")
    assert sent["messages"][0]["body"]["os-collect-config"] == section
    await ctx.type.delete(ctx, ctx.props)
    assert ("DELETE", f"/queues/{queue}") in ctx.cloud.asked()
    assert ctx.users.own is None


async def test_another_transport_blanks_the_settings_of_the_one_before() -> None:
    ctx = await made()
    new = ctx.load({"software_config_transport": "POLL_SERVER_HEAT"})
    await ctx.type.update(ctx, ctx.props, new)
    section = ctx.shown({})["os_collect_config"]
    assert section["collectors"] == ["heat", "local"]
    assert set(section["cfn"].values()) == {None}


async def test_machine_learns_of_its_new_transport_by_the_old_one_and_leaves_nothing_behind() -> None:
    ctx = deployed(software_config_transport="POLL_TEMP_URL")
    container, queue = ctx.physical_name, ctx.physical_name
    old = f"/{container}/{ctx.resource.id}"
    ctx.cloud.on("HEAD", "", Reply(200, {"x-account-meta-temp-url-key": "key"}, None, b""))
    ctx.cloud.on("PUT", f"/{container}").on("PUT", old).on("PUT", "/c").on("PUT", "/c/o")
    ctx.cloud.on("POST", f"/queues/{queue}/messages")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    place = {"container": "c", "object": "o"}
    for new in (
        {"software_config_transport": "POLL_TEMP_URL", "deployment_swift_data": place},
        {"software_config_transport": "ZAQAR_MESSAGE"},
    ):
        await ctx.type.update(ctx, ctx.props, ctx.load(new))
    section = ctx.shown({})["os_collect_config"]
    assert (section["collectors"], section["request"]) == (["zaqar", "local"], {"metadata_url": None})
    for path in (old, "/c/o"):
        assert json.loads(ctx.cloud.sent("PUT", path)[-1])["os-collect-config"] == section
    assert len(ctx.cloud.sent("POST", f"/queues/{queue}/messages")) == 1
    for path in (f"/queues/{queue}", old, f"/{container}", "/c/o"):
        ctx.cloud.on("DELETE", path)
    await ctx.type.delete(ctx, ctx.props)
    gone = [path for method, path in ctx.cloud.asked() if method == "DELETE"]
    assert gone == [old, f"/{container}", "/c/o", f"/queues/{queue}"]


async def test_metadata_in_a_message_have_what_the_machine_is_to_do() -> None:
    ctx = deployed(software_config_transport="ZAQAR_MESSAGE")
    ctx.software.deployed = [{"id": "d", "name": "one"}]
    ctx.cloud.on("POST", f"/queues/{ctx.physical_name}/messages")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    [sent] = ctx.cloud.sent("POST", f"/queues/{ctx.physical_name}/messages")
    assert sent["messages"][0]["ttl"] == 3600
    assert sent["messages"][0]["body"]["deployments"] == [{"id": "d", "name": "one"}]
