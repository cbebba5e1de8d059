from dataclasses import replace
from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError, ResourceFailure, ResourceInError
from tests.support.context import FakeContext

KIND, ATTACHMENT = "AWS::EC2::Volume", "AWS::EC2::VolumeAttachment"
TAGS = [{"Key": "a", "Value": "1"}]


def volume(physical: str | None = "v", **properties: Any) -> FakeContext:
    values = {"AvailabilityZone": "nova", "Size": 2} | properties
    return FakeContext(KIND, physical=physical, properties=values)


def live(status: str) -> dict[str, Any]:
    return {"volume": {"id": "v", "status": status}}


async def test_volume_is_made_with_its_tags() -> None:
    ctx = volume(None, Tags=TAGS)
    ctx.cloud.on("POST", "/volumes", live("creating"))
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST")
    name = ctx.physical_name
    assert body["volume"] == {"name": name, "availability_zone": "nova", "size": 2, "metadata": {"a": "1"}}
    assert (ctx.physical_id, ctx.cloud.sent("PUT")) == ("v", [])


async def test_backup_is_restored_and_then_described() -> None:
    ctx = volume(None, SnapshotId="b", Tags=TAGS)
    ctx.cloud.on("POST", "/backups/b/restore", {"restore": {"volume_id": "v"}}).on("PUT", "/volumes/v", {})
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    name = ctx.physical_name
    assert ctx.cloud.sent("POST") == [{"restore": {"name": name}}]
    assert ctx.cloud.sent("PUT") == [{"volume": {"name": name, "metadata": {"a": "1"}}}]


async def test_volume_is_ready_and_broken_as_its_status_says() -> None:
    ctx = volume()
    states = {
        each: ctx.type.ready({"status": each}) for each in ("creating", "restoring-backup", "available")
    }
    assert states == {"creating": False, "restoring-backup": False, "available": True}
    with pytest.raises(ResourceInError):
        ctx.type.ready({"status": "error"})
    assert [ctx.type.broken({"status": each}) for each in ("error", "available")] == [True, False]
    with pytest.raises(ResourceInError, match="error_deleting"):
        ctx.type.gone({"status": "error_deleting"})


@pytest.mark.parametrize(("status", "fits"), [("in-use", True), ("error", False)])
async def test_check(status: str, fits: bool) -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/volumes/v", live(status))
    if fits:
        await ctx.type.check(ctx, ctx.props)
        return
    with pytest.raises(ResourceFailure, match="expected"):
        await ctx.type.check(ctx, ctx.props)


async def test_volume_in_use_stays() -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/volumes/v", live("in-use"))
    with pytest.raises(ResourceFailure, match="Volume in use"):
        await ctx.type.delete(ctx, ctx.props)


async def test_volume_is_backed_up_before_it_goes_if_the_policy_says_so() -> None:
    ctx = volume()
    ctx.resource = replace(ctx.resource, deletion_policy="Snapshot")
    ctx.cloud.on("GET", "/volumes/v", live("available")).on("DELETE", "/volumes/v")
    ctx.cloud.on("POST", "/backups", {"backup": {"id": "b"}})
    ctx.cloud.on("GET", "/backups/b", {"backup": {"status": "available"}})
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/backups"), ("DELETE", "/volumes/v")]


@pytest.mark.parametrize(("given", "fits"), [({}, False), ({"Size": 1}, True), ({"SnapshotId": "b"}, True)])
def test_volume_needs_a_size_or_a_backup(given: Any, fits: bool) -> None:
    ctx = FakeContext(KIND, properties={"AvailabilityZone": "nova", **given})
    if fits:
        ctx.type.validate(ctx.props)
        return
    with pytest.raises(PropertyError, match="Size or SnapshotId"):
        ctx.type.validate(ctx.props)


# --- attachments -------------------------------------------------------------------------------

PATH = "/servers/s/os-volume_attachments"


def attachment(physical: str | None = "v") -> FakeContext:
    properties = {"InstanceId": "s", "VolumeId": "v", "Device": "/dev/vdc"}
    return FakeContext(ATTACHMENT, physical=physical, properties=properties)


async def test_volume_is_attached_as_the_device() -> None:
    ctx = attachment(None)
    ctx.cloud.on("POST", PATH, {"volumeAttachment": {"id": "v"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"volumeAttachment": {"volumeId": "v", "device": "/dev/vdc"}}]
    arrived = {"volume": {"status": "in-use", "attachments": [{"server_id": "s"}]}}
    ctx.cloud.on("GET", "/volumes/v", live("attaching"), arrived)
    assert [await ctx.type.is_ready(ctx, ctx.props) for _ in range(2)] == [False, True]


async def test_interrupted_attachment_is_found() -> None:
    ctx = attachment(None)
    mine = {"id": "v", "volumeId": "v"}
    ctx.cloud.on("GET", PATH, {"volumeAttachments": [mine, {"id": "w", "volumeId": "w"}]})
    assert await ctx.type.find(ctx, ctx.props) == [mine]


async def test_server_that_keeps_the_volume_is_an_error() -> None:
    ctx = attachment()
    ctx.cloud.on("DELETE", f"{PATH}/v", CloudConflict("busy", status=409))
    ctx.cloud.on("GET", "/servers/s", {"server": {"status": "ERROR", "OS-EXT-STS:task_state": None}})
    with pytest.raises(CloudConflict, match="busy"):
        await ctx.type.delete(ctx, ctx.props)


@pytest.mark.parametrize("device", ["/dev/vda", "/dev/sdb", "vdb"])
def test_device_is_not_the_first_disk(device: str) -> None:
    ctx = attachment()
    with pytest.raises(PropertyError, match="/dev/vd"):
        ctx.load({**ctx.properties, "Device": device})
