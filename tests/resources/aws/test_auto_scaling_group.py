from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.base import Members
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, make_resource

KIND = "AWS::AutoScaling::AutoScalingGroup"
CONFIGURATION = make_resource(
    "conf",
    "AWS::AutoScaling::LaunchConfiguration",
    physical_id="s-conf-1",
    properties={"ImageId": "i", "InstanceType": "m"},
)
NOBODY = Members({}, {}, {}, lambda name, path: None, sibling=lambda reference: CONFIGURATION)


def group(finds: Any = None, **properties: Any) -> FakeContext:
    given = {"AvailabilityZones": ["nova"], "MinSize": 1, "MaxSize": 3} | properties
    return FakeContext(KIND, name="grp", physical="child", properties=given, finds=finds or {})


def configured(**properties: Any) -> FakeContext:
    return group(LaunchConfigurationName="s-conf-1", **properties)


async def made(ctx: FakeContext) -> list[Any]:
    """The members of a new group."""
    await ctx.put_data(**ctx.type.data_after(ctx.resource, ctx.props, NOBODY))
    return list(ctx.type.child(ctx.resource, ctx.props, NOBODY, {}).template["resources"].values())


async def test_members_are_instances_by_the_configuration_in_the_subnet() -> None:
    first, second = await made(configured(DesiredCapacity=2, VPCZoneIdentifier=["sub"]))
    assert first == second
    assert first["type"] == "AWS::EC2::Instance"
    assert first["properties"] == {
        "ImageId": "i",
        "InstanceType": "m",
        "SubnetId": "sub",
        "Tags": [
            {"Key": "metering.groupname", "Value": "child"},
            {"Key": "metering.AutoScalingGroupName", "Value": "child"},
        ],
    }
    [member] = await made(configured(VPCZoneIdentifier=[]))
    assert "SubnetId" not in member["properties"]


async def test_members_may_be_like_an_instance() -> None:
    ctx = group({("nova.server", "model"): "s"}, InstanceId="model")
    server: Any = {"image": {"id": "i2"}, "flavor": {"id": "m2"}, "key_name": None, "security_groups": []}
    ctx.cloud.on("GET", "/servers/s", {"server": server})
    await ctx.put_data(**await ctx.type.gather(ctx, ctx.props))
    [member] = await made(ctx)
    assert (member["properties"]["ImageId"], member["properties"]["InstanceType"]) == ("i2", "m2")


async def test_nothing_is_asked_for_a_configuration() -> None:
    ctx = configured()
    assert await ctx.type.gather(ctx, ctx.props) == {}


@pytest.mark.parametrize("given", [{}, {"LaunchConfigurationName": "c", "InstanceId": "s"}])
def test_members_are_described_in_one_way(given: Any) -> None:
    ctx = group(**given)
    with pytest.raises(PropertyError, match="Either LaunchConfigurationName or InstanceId must be given"):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"MinSize": 4}, "MinSize can not be greater than MaxSize"),
        ({"DesiredCapacity": 4}, "DesiredCapacity must be between MinSize and MaxSize"),
        ({"VPCZoneIdentifier": ["a", "b"]}, "VPCZoneIdentifier can have one subnet only"),
    ],
)
def test_rules(properties: Any, reason: str) -> None:
    ctx = configured(**properties)
    with pytest.raises(PropertyError, match=reason):
        ctx.type.validate(ctx.props)
    ctx = configured()
    ctx.type.validate(ctx.props)


def test_configuration_must_be_referred_to() -> None:
    ctx = configured()
    with pytest.raises(PropertyError, match="must refer to a launch configuration"):
        ctx.type.validate_among(ctx.props, among())
    ctx.type.validate_among(group(InstanceId="s").props, among())
    props = ctx.props
    props.data["LaunchConfigurationName"] = Unknown("conf")
    ctx.type.validate_among(props, among(Sibling("conf", CONFIGURATION.kind, {})))


def test_update_policy_is_checked() -> None:
    with pytest.raises(PropertyError, match="is no duration"):
        group().type.validate_update_policy(
            {"AutoScalingRollingUpdate": {"MinInstancesInService": 0, "MaxBatchSize": 1, "PauseTime": "x"}}
        )
