from pathlib import Path
from typing import Any

import pytest

from stackd.errors import PropertyError, ResourceFailure
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext
from tests.support.engine import world

KIND = "AWS::AutoScaling::LaunchConfiguration"
RUNNING = {
    "id": "s",
    "image": {"id": "image-id"},
    "flavor": {"id": "flavor-id"},
    "key_name": "key",
    "security_groups": [{"name": "web"}, {"name": "db"}, {"name": "web"}],
}


def configuration(**properties: Any) -> FakeContext:
    return FakeContext(KIND, properties=properties)


async def test_nothing_but_a_name_is_made() -> None:
    ctx = configuration(ImageId="i", InstanceType="m", UserData="#!/bin/sh")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == ctx.type.reference(ctx.resource) == ctx.physical_name
    assert ctx.cloud.calls == []
    assert ctx.data == {}


async def test_what_an_instance_is_like_is_copied() -> None:
    ctx = configuration(InstanceId="s", KeyName="other")
    ctx.cloud.on("GET", "/servers/s", {"server": RUNNING})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.data["copied"] == {
        "ImageId": "image-id",
        "InstanceType": "flavor-id",
        "KeyName": "key",
        "SecurityGroups": ["db", "web"],
    }


async def test_instance_that_has_booted_from_a_volume_needs_an_image_beside_it() -> None:
    server = {**RUNNING, "image": "", "key_name": None, "security_groups": []}
    alone = configuration(InstanceId="s")
    alone.cloud.on("GET", "/servers/s", {"server": server})
    with pytest.raises(ResourceFailure, match="Instance s has booted from a volume"):
        await alone.type.create(alone, alone.props)
    helped = configuration(InstanceId="s", ImageId="i")
    helped.cloud.on("GET", "/servers/s", {"server": server})
    await helped.type.create(helped, helped.props)
    assert helped.data["copied"] == {"InstanceType": "flavor-id"}


def test_image_and_type_are_needed_where_no_instance_has_them() -> None:
    ctx = configuration(KeyName="k")
    with pytest.raises(PropertyError, match="Without InstanceId, ImageId and InstanceType must be given"):
        ctx.type.validate(ctx.props)
    half = configuration(ImageId="i")
    with pytest.raises(PropertyError, match="Without InstanceId, InstanceType must be given"):
        half.type.validate(half.props)
    for good in ({"ImageId": "i", "InstanceType": "m"}, {"InstanceId": "s"}):
        ctx = configuration(**good)
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize("device", [{"DeviceName": "vdb"}, {"DeviceName": "vdb", "Ebs": {"VolumeSize": "1"}}])
def test_devices_need_a_snapshot(device: dict[str, Any]) -> None:
    good = {"DeviceName": "vdc", "Ebs": {"SnapshotId": "snap"}}
    ctx = configuration(InstanceId="s", BlockDeviceMappings=[good, device])
    with pytest.raises(PropertyError, match="Ebs with a SnapshotId is required") as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == "properties.BlockDeviceMappings[1]"


def test_devices_that_are_not_known_yet_are_not_looked_at() -> None:
    ctx = configuration(InstanceId="s", BlockDeviceMappings=[{"DeviceName": "vdb", "Ebs": {"SnapshotId": 1}}])
    props = ctx.props
    for devices in (Unknown("x"), [Unknown("x")], [{"DeviceName": "vdb", "Ebs": Unknown("x")}]):
        props.data["BlockDeviceMappings"] = devices
        ctx.type.validate(props)


async def test_any_change_makes_another_one(tmp_path: Path) -> None:
    properties = {"ImageId": "cirros", "InstanceType": "m1.tiny"}
    resource: dict[str, Any] = {"Type": KIND, "Properties": properties, "Metadata": {"a": 1}}
    template = {
        "HeatTemplateFormatVersion": "2012-12-12",
        "Resources": {"Conf": resource},
        "Outputs": {"Name": {"Value": {"Ref": "Conf"}}},
    }
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.done(await process.create("s", template))
        names = [(await process.outputs(stack))["Name"]]
        assert names[0].startswith("s-Conf-")
        for _ in range(2):
            stack = await process.done(await process.update(stack, template))
            names.append((await process.outputs(stack))["Name"])
            resource["Metadata"] = {"a": 2}
        stack = await process.done(await process.update(stack, template))
        properties["UserData"] = "#!/bin/sh"
        stack = await process.done(await process.update(stack, template))
        names.append((await process.outputs(stack))["Name"])
        assert names[0] == names[1]
        assert len(set(names)) == 3
