from typing import Any

import pytest

from stackd.errors import CloudConflict, CloudError, ResourceFailure
from tests.support.context import FakeContext, gone

KIND = "OS::Cinder::VolumeAttachment"
PATH = "/servers/s/os-volume_attachments"
ATTACHED = {"volumeAttachment": {"id": "v", "volumeId": "v", "serverId": "s"}}


def attachment(physical: str | None = "v", **properties: Any) -> FakeContext:
    values = {"instance_uuid": "s", "volume_id": "v", "mountpoint": "/dev/vdb"} | properties
    return FakeContext(KIND, physical=physical, properties=values)


def volume(status: Any, *servers: Any) -> dict[str, Any]:
    return {"volume": {"id": "v", "status": status, "attachments": [{"server_id": each} for each in servers]}}


async def test_create_asks_the_server() -> None:
    ctx = attachment(None)
    ctx.cloud.on("POST", PATH, ATTACHED)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST", PATH) == [{"volumeAttachment": {"volumeId": "v", "device": "/dev/vdb"}}]
    assert ctx.physical_id == "v"


async def test_it_is_ready_when_the_volume_is_in_this_server() -> None:
    ctx = attachment()
    ctx.cloud.on("GET", "/volumes/v", volume("attaching"), volume("in-use", "other"), volume("in-use", "s"))
    ctx.cloud.on("GET", f"{PATH}/v", ATTACHED)
    answers = [await ctx.type.is_ready(ctx, ctx.props) for _ in range(3)]
    assert answers == [False, False, True]


@pytest.mark.parametrize("left", [volume("available"), volume("in-use", "other")])
async def test_an_attachment_that_the_server_gave_up_is_not_waited_for(left: Any) -> None:
    ctx = attachment()
    ctx.cloud.on("GET", "/volumes/v", left).on("GET", f"{PATH}/v", ATTACHED, gone())
    assert not await ctx.type.is_ready(ctx, ctx.props)
    with pytest.raises(ResourceFailure, match="server s has given volume v up"):
        await ctx.type.is_ready(ctx, ctx.props)


async def test_a_volume_that_the_server_keeps_is_not_waited_for_without_end() -> None:
    ctx = attachment()
    ctx.cloud.on("DELETE", f"{PATH}/v").on("GET", "/volumes/v", volume("in-use", "s"))
    with pytest.raises(ResourceFailure, match="does not let volume v go"):
        await ctx.type.delete(ctx, ctx.props)


async def test_a_server_that_keeps_its_volumes_in_its_state_is_not_waited_for() -> None:
    ctx = attachment()
    ctx.cloud.on("DELETE", f"{PATH}/v", CloudConflict("vm_state error", status=409))
    ctx.cloud.on("GET", "/servers/s", {"server": {"status": "ERROR", "OS-EXT-STS:task_state": None}})
    with pytest.raises(CloudConflict, match="vm_state error"):
        await ctx.type.delete(ctx, ctx.props)


async def test_another_state_is_a_failure() -> None:
    ctx = attachment()
    ctx.cloud.on("GET", "/volumes/v", volume("error_attaching"))
    with pytest.raises(ResourceFailure, match="Unknown status error_attaching"):
        await ctx.type.is_ready(ctx, ctx.props)


async def test_delete_waits_until_both_services_let_go() -> None:
    ctx = attachment()
    ctx.cloud.on("DELETE", f"{PATH}/v", CloudConflict("busy"), None)
    ctx.cloud.on("GET", "/servers/s", {"server": {"status": "REBOOT"}})
    ctx.cloud.on("GET", "/volumes/v", volume("detaching", "s"), volume("in-use", "other"))
    ctx.cloud.on("GET", f"{PATH}/v", ATTACHED, gone())
    await ctx.type.delete(ctx, ctx.props)
    assert [call.path for call in ctx.cloud.calls].count("/volumes/v") == 3


@pytest.mark.parametrize("answer", [gone(), CloudError("not attached", status=400)])
async def test_delete_is_content_when_there_is_nothing_to_detach(answer: Any) -> None:
    ctx = attachment()
    ctx.cloud.on("DELETE", f"{PATH}/v", answer).on("GET", "/volumes/v", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", f"{PATH}/v")]


async def test_delete_tells_of_other_failures() -> None:
    ctx = attachment()
    ctx.cloud.on("DELETE", f"{PATH}/v", CloudError("broken", status=500))
    with pytest.raises(CloudError):
        await ctx.type.delete(ctx, ctx.props)


async def test_an_update_moves_the_volume_once() -> None:
    ctx = attachment()
    new = ctx.load({**ctx.properties, "instance_uuid": "t"})
    other = "/servers/t/os-volume_attachments"
    ctx.cloud.on("DELETE", f"{PATH}/v").on("GET", f"{PATH}/v", gone())
    ctx.cloud.on(
        "GET",
        "/volumes/v",
        volume("available"),
        volume("attaching"),
        CloudError("down"),
        volume("in-use", "t"),
    )
    ctx.cloud.on(
        "GET", other, {"volumeAttachments": []}, {"volumeAttachments": [{"id": "a2", "volumeId": "v"}]}
    )
    ctx.cloud.on("POST", other, {"volumeAttachment": {"id": "a2"}})
    with pytest.raises(CloudError):
        await ctx.type.update(ctx, ctx.props, new)
    await ctx.type.update(ctx, ctx.props, new)
    assert ctx.cloud.asked() == [("DELETE", f"{PATH}/v"), ("POST", other)]
    assert ctx.physical_id == "a2"
    assert ctx.data == {}


async def test_it_is_found_in_the_servers_list() -> None:
    ctx = attachment(None)
    ctx.cloud.on(
        "GET",
        PATH,
        {"volumeAttachments": [{"id": "v", "volumeId": "v"}, {"id": "w", "volumeId": "w"}]},
        gone(),
    )
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["v"]
    assert await ctx.type.find(ctx, ctx.props) == []
