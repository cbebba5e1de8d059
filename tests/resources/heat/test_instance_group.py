from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.base import Members
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, make_resource

CONFIGURATION = make_resource(
    "conf",
    "AWS::AutoScaling::LaunchConfiguration",
    physical_id="s-conf-1",
    properties={"ImageId": "i", "InstanceType": "m"},
)
NOBODY = Members({}, {}, {}, lambda name, path: None, sibling=lambda reference: CONFIGURATION)


def group(**properties: Any) -> FakeContext:
    given = {"AvailabilityZones": ["nova"], "LaunchConfigurationName": "s-conf-1", "Size": 2} | properties
    return FakeContext("OS::Heat::InstanceGroup", name="grp", physical="child", properties=given)


async def test_size_is_the_number_of_members() -> None:
    ctx = group(Size=3)
    assert ctx.type.count(ctx.props) == 3
    await ctx.put_data(**ctx.type.data_after(ctx.resource, ctx.props, NOBODY))
    members = ctx.type.child(ctx.resource, ctx.props, NOBODY, {}).template["resources"]
    assert set(members) == set(ctx.data["member_names"])
    [definition] = {str(each): each for each in members.values()}.values()
    assert definition["properties"]["Tags"] == [{"Key": "metering.groupname", "Value": "child"}]
    assert [
        each.child.template["resources"]
        for each in ctx.type.batches(ctx.resource, None, ctx.props, NOBODY, {})
    ] == [members]


def test_size_that_is_not_known_yet_is_not_counted() -> None:
    ctx = group()
    props = ctx.props
    props.data["Size"] = Unknown("x")
    assert ctx.type.count(props) is None
    ctx.type.validate(props)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Size": -1}, "Size is a number of members, 0 or more"),
    ],
)
def test_rules(properties: Any, reason: str) -> None:
    ctx = group(**properties)
    with pytest.raises(PropertyError, match=reason):
        ctx.type.validate(ctx.props)


def test_configuration_must_be_referred_to() -> None:
    ctx = group()
    with pytest.raises(PropertyError, match="must refer to a launch configuration"):
        ctx.type.validate_among(ctx.props, among(Sibling("conf", CONFIGURATION.kind, {})))


def test_update_policy_is_checked() -> None:
    with pytest.raises(PropertyError, match="At least one instance changes at a time"):
        group().type.validate_update_policy(
            {"RollingUpdate": {"MinInstancesInService": 0, "MaxBatchSize": 0, "PauseTime": "PT0S"}}
        )
