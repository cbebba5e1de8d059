import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudConflict, OverQuota, PropertyError, ResourceInError
from stackd.records import Status
from tests.support.context import FakeContext, gone
from tests.support.engine import world

KIND = "AWS::EC2::Instance"
NAME = "app-thing-abcdefghijkl"


def instance(physical: str | None = "s", stored: Any = None, **properties: Any) -> FakeContext:
    values = {"ImageId": "cirros", "InstanceType": "small"} | properties
    return FakeContext(KIND, physical=physical, properties=values, stored=stored or {})


def live(status: str = "ACTIVE", **values: Any) -> dict[str, Any]:
    return {"server": {"id": "s", "status": status, **values}}


async def update(ctx: FakeContext, **changed: Any) -> None:
    await ctx.type.update(ctx, ctx.props, ctx.load({**ctx.properties, **changed}))


async def test_instance_boots_with_the_guest_tools() -> None:
    ctx = instance(
        None, KeyName="key", SecurityGroups=["web"], Tags=[{"Key": "a", "Value": "1"}], UserData="echo hi"
    )
    ctx.cloud.on("POST", "/servers", {"server": {"id": "s"}})
    await ctx.type.create(ctx, ctx.props)
    [body] = ctx.cloud.sent("POST", "/servers")
    user_data = base64.b64decode(body["server"].pop("user_data")).decode()
    assert body == {
        "server": {
            "name": NAME,
            "imageRef": "cirros",
            "flavorRef": "small",
            "key_name": "key",
            "metadata": {"a": "1"},
            "security_groups": [{"name": "web"}],
        }
    }
    assert "echo hi" in user_data
    assert "cfn-metadata-server" in user_data
    assert ctx.physical_id == "s"


def with_port(ctx: FakeContext) -> FakeContext:
    ctx.cloud.on("GET", "/subnets/sub", {"subnet": {"network_id": "net"}})
    ctx.cloud.on("GET", "/ports", {"ports": []}).on("POST", "/ports", {"port": {"id": "p0"}})
    return ctx


async def test_port_is_made_in_the_subnet_and_goes_with_the_instance() -> None:
    ctx = with_port(instance(None, SubnetId="sub", SecurityGroupIds=["web"]))
    ctx.cloud.on("POST", "/servers", {"server": {"id": "s"}})
    await ctx.type.create(ctx, ctx.props)
    [port] = ctx.cloud.sent("POST", "/ports")
    assert port["port"] == {
        "name": f"{NAME}-port-0",
        "network_id": "net",
        "fixed_ips": [{"subnet_id": "sub"}],
        "security_groups": ["web"],
    }
    assert ctx.cloud.sent("POST", "/servers")[0]["server"]["networks"] == [{"port": "p0"}]
    ctx.cloud.on("DELETE", "/servers/s").on("DELETE", "/ports/p0").on("GET", "/servers/s", live(), gone())
    await ctx.type.delete(ctx, ctx.props)
    assert not await ctx.type.is_gone(ctx)
    assert await ctx.type.is_gone(ctx)
    assert ctx.cloud.asked()[-2:] == [("DELETE", "/servers/s"), ("DELETE", "/ports/p0")]


async def test_refused_instance_leaves_no_port() -> None:
    ctx = with_port(instance(None, SubnetId="sub"))
    ctx.cloud.on("POST", "/servers", OverQuota("cores")).on("DELETE", "/ports/p0")
    with pytest.raises(OverQuota):
        await ctx.type.create(ctx, ctx.props)
    assert ("DELETE", "/ports/p0") in ctx.cloud.asked()


def with_volume(ctx: FakeContext, *attached: Any, **volume: Any) -> FakeContext:
    path = "/servers/s/os-volume_attachments"
    ctx.cloud.on("GET", "/servers/s", live("BUILD"), live())
    ctx.cloud.on("GET", path, *({"volumeAttachments": each} for each in attached))
    arrived = {"volume": {"status": "in-use", "attachments": [{"server_id": "s"}]} | volume}
    ctx.cloud.on("GET", "/volumes/v", {"volume": {"status": "attaching"}}, arrived)
    return ctx


ATTACHED = [{"id": "a", "volumeId": "v"}]
VOLUMES = [{"VolumeId": "v", "Device": "/dev/vdc"}]


async def test_volumes_are_attached_once_the_instance_runs() -> None:
    ctx = with_volume(instance(Volumes=VOLUMES), [])
    ctx.cloud.on("POST", "/servers/s/os-volume_attachments", {"volumeAttachment": {"id": "a"}})
    await ctx.type.configure(ctx, ctx.props)
    sent = ctx.cloud.sent("POST", "/servers/s/os-volume_attachments")
    assert sent == [{"volumeAttachment": {"volumeId": "v", "device": "/dev/vdc"}}]


@pytest.mark.parametrize(("shown", "requests"), [(([], ATTACHED), 1), (([], []), 2), ((ATTACHED,), 0)])
async def test_volumes_are_attached_once_whatever_is_lost(shown: Any, requests: int) -> None:
    ctx = with_volume(instance(Volumes=VOLUMES), *shown)
    made = {"volumeAttachment": {"id": "a"}}
    ctx.cloud.on("POST", "/servers/s/os-volume_attachments", AnswerLost("?"), made)
    await ctx.type.configure(ctx, ctx.props)
    assert len(ctx.cloud.sent("POST")) == requests


def broken_with_volume(status: str, **values: Any) -> FakeContext:
    ctx = instance(Volumes=VOLUMES)
    ctx.resource = replace(ctx.resource, **values)
    ctx.cloud.on("DELETE", "/servers/s/os-volume_attachments/v", CloudConflict("no", status=409))
    deleting = live(status, **{"OS-EXT-STS:task_state": "deleting"})
    ctx.cloud.on("GET", "/servers/s", live(status), live(status), deleting, gone())
    ctx.cloud.on("GET", "/servers/s/os-interface", gone()).on("DELETE", "/servers/s")
    return ctx


async def test_server_in_error_goes_before_its_replacement_as_it_keeps_its_volumes() -> None:
    ctx = broken_with_volume("ERROR")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.cloud.asked()[-1] == ("DELETE", "/servers/s")


@pytest.mark.parametrize(("status", "policy"), [("ACTIVE", "Delete"), ("ERROR", "Retain")])
async def test_server_that_works_or_is_to_stay_is_not_deleted_for_its_volumes(
    status: str, policy: str
) -> None:
    ctx = broken_with_volume(status, deletion_policy=policy)
    with pytest.raises(CloudConflict):
        await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ("DELETE", "/servers/s") not in ctx.cloud.asked()


async def test_rollback_gives_ports_and_volumes_back() -> None:
    taken = {"id": "p", "fixed_ips": [], "own": False}
    ctx = with_volume(instance(stored={"detached_ports": [taken]}, Volumes=VOLUMES), [])
    path, port = "/servers/s/os-interface", {"port_id": "p"}
    ctx.cloud.on("GET", "/ports/p", {"port": {"device_id": ""}})
    ctx.cloud.on("GET", path, {"interfaceAttachments": []}, {"interfaceAttachments": [port]})
    ctx.cloud.on("POST", path, {"interfaceAttachment": port})
    ctx.cloud.on("POST", "/servers/s/os-volume_attachments", {"volumeAttachment": {"id": "a"}})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", path), ("POST", "/servers/s/os-volume_attachments")]
    assert ctx.data == {}


async def test_tags_are_the_metadata() -> None:
    ctx = instance(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ctx.cloud.on("DELETE", "/servers/s/metadata/b").on("POST", "/servers/s/metadata")
    await update(ctx, Tags=[{"Key": "a", "Value": "3"}])
    assert ctx.cloud.asked() == [("DELETE", "/servers/s/metadata/b"), ("POST", "/servers/s/metadata")]
    assert ctx.cloud.sent("POST") == [{"metadata": {"a": "3"}}]


async def test_other_type_resizes() -> None:
    ctx = instance()
    old, new = live(flavor={"id": "small"}), live(flavor={"id": "large"})
    ctx.cloud.on("GET", "/servers/s", old, live("VERIFY_RESIZE"), new)
    ctx.cloud.on("POST", "/servers/s/action")
    await update(ctx, InstanceType="large")
    assert ctx.cloud.sent("POST") == [{"resize": {"flavorRef": "large"}}, {"confirmResize": None}]


async def test_other_interfaces_take_the_place_of_the_old_ones() -> None:
    ctx = instance(NetworkInterfaces=["p"])
    path = "/servers/s/os-interface"
    p, q = ({"port_id": each, "net_id": "n", "fixed_ips": []} for each in "pq")
    shown = [[p], [p], [], [], [q]]
    ctx.cloud.on("GET", path, *({"interfaceAttachments": each} for each in shown))
    ctx.cloud.on("DELETE", f"{path}/p").on("POST", path, {"interfaceAttachment": {"port_id": "q"}})
    await update(ctx, NetworkInterfaces=["q"])
    assert ctx.cloud.asked() == [("DELETE", f"{path}/p"), ("POST", path)]


async def test_instance_rests_and_works_again() -> None:
    ctx = instance()
    ctx.cloud.on("POST", "/servers/s/action").on("GET", "/servers/s", live("SUSPENDED"), live())
    await ctx.type.suspend(ctx, ctx.props)
    await ctx.type.resume(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"suspend": None}, {"resume": None}]


def test_states() -> None:
    kind = instance().type
    assert not kind.ready(live("BUILD")["server"])
    assert kind.ready(live()["server"])
    with pytest.raises(ResourceInError):
        kind.ready(live("ERROR")["server"])
    assert kind.broken(live("ERROR")["server"])
    assert not kind.broken(live()["server"])


def test_every_address_is_the_first_one() -> None:
    zone = {"OS-EXT-AZ:availability_zone": "az"}
    shown = instance().shown(live(addresses={"net": [{"addr": "10.0.0.3"}]}, **zone)["server"])
    assert shown == {
        "AvailabilityZone": "az",
        "PrivateDnsName": "10.0.0.3",
        "PrivateIp": "10.0.0.3",
        "PublicDnsName": "10.0.0.3",
        "PublicIp": "10.0.0.3",
    }
    assert instance().shown(live()["server"])["PublicIp"] == "0.0.0.0"


@pytest.mark.parametrize("groups", ["SecurityGroups", "SecurityGroupIds"])
def test_groups_belong_to_interfaces_where_there_are_any(groups: str) -> None:
    properties: dict[str, Any] = {groups: ["web"], "NetworkInterfaces": ["p"]}
    ctx = instance(**properties)
    reason = f"Cannot define the following properties at the same time: {groups}, NetworkInterfaces"
    with pytest.raises(PropertyError, match=reason):
        ctx.type.validate(ctx.props)


def test_what_is_not_implemented_is_refused() -> None:
    with pytest.raises(PropertyError, match="Property Monitoring not implemented yet"):
        instance(Monitoring=True).load({"ImageId": "i", "InstanceType": "m", "Monitoring": True})


async def test_replacement_takes_ports_and_volumes_over(tmp_path: Path) -> None:
    instance = {
        "ImageId": "cirros",
        "InstanceType": "m1.tiny",
        "NetworkInterfaces": [{"Ref": "Port"}],
        "Volumes": [{"VolumeId": {"Ref": "Disk"}, "Device": "/dev/vdb"}],
    }
    template = {
        "HeatTemplateFormatVersion": "2012-12-12",
        "Resources": {
            "Net": {"Type": "OS::Neutron::Net"},
            "Subnet": {
                "Type": "OS::Neutron::Subnet",
                "Properties": {"network": {"Ref": "Net"}, "cidr": "10.9.0.0/24"},
            },
            "Port": {"Type": "OS::Neutron::Port", "Properties": {"network": {"Ref": "Net"}}},
            "Disk": {"Type": "OS::Cinder::Volume", "Properties": {"size": 1}},
            "Machine": {"Type": KIND, "Properties": instance, "Metadata": {"a": 1}},
        },
        "Outputs": {"Address": {"Value": {"Fn::GetAtt": ["Machine", "PublicIp"]}}},
    }
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.done(await process.create("s", template))
        assert stack.status is Status.COMPLETE, stack.reason
        [server] = made.objects("servers")
        [volume] = made.objects("volumes")
        assert volume["attachments"][0]["server_id"] == server["id"]
        address = (await process.outputs(stack))["Address"]
        assert address.startswith("10.9.0.")

        template["Resources"]["Machine"]["Metadata"] = {"a": 2}  # type: ignore[index]
        stack = await process.done(await process.update(stack, template))
        assert stack.status is Status.COMPLETE, stack.reason
        assert [each["id"] for each in made.objects("servers")] == [server["id"]]

        instance["UserData"] = "#!/bin/sh"
        stack = await process.done(await process.update(stack, template))
        assert stack.status is Status.COMPLETE, stack.reason
        [other] = made.objects("servers")
        [volume] = made.objects("volumes")
        assert other["id"] != server["id"]
        assert [each["server_id"] for each in volume["attachments"]] == [other["id"]]
        assert (await process.outputs(stack))["Address"] == address
        await process.done(await process.delete(stack))
        assert made.counts() == {}
