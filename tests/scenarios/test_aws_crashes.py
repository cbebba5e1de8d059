"""A VPC with all that belongs to it, and each answer of the cloud lost together with the process in turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stackd.records import Stack, Status
from tests.scenarios.ledger import Objects, shape
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.engine import world


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


_WEB = {"IpProtocol": "tcp", "FromPort": "80", "ToPort": "80"}
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Vpc": _resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": _resource("EC2::Subnet", CidrBlock="10.0.0.0/24", VpcId=_ref("Vpc")),
        "Gateway": _resource("EC2::InternetGateway"),
        "Attached": _resource(
            "EC2::VPCGatewayAttachment", VpcId=_ref("Vpc"), InternetGatewayId=_ref("Gateway")
        ),
        "Table": _resource("EC2::RouteTable", VpcId=_ref("Vpc")),
        "Route": _resource(
            "EC2::SubnetRouteTableAssociation", RouteTableId=_ref("Table"), SubnetId=_ref("Subnet")
        ),
        "Web": _resource("EC2::SecurityGroup", GroupDescription="Web", SecurityGroupIngress=[_WEB]),
        "Interface": _resource("EC2::NetworkInterface", SubnetId=_ref("Subnet"), GroupSet=[_ref("Web")]),
        "Address": _resource("EC2::EIP", Domain="vpc"),
        "Reached": _resource(
            "EC2::EIPAssociation",
            AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]},
            NetworkInterfaceId=_ref("Interface"),
        ),
        "Disk": _resource("EC2::Volume", AvailabilityZone="nova", Size=1),
        "Bucket": _resource("S3::Bucket", AccessControl="PublicRead"),
        "User": _resource("IAM::User"),
        "Keys": _resource("IAM::AccessKey", UserName=_ref("User")),
    },
    "Outputs": {
        "Access": {"Value": _ref("Keys")},
        "Secret": {"Value": {"Fn::GetAtt": ["Keys", "SecretAccessKey"]}},
    },
}
WISH = Wish(1, instead=TEMPLATE)


CALLS = 21
"""Calls that change something in the cloud, of which each makes or connects one object."""


async def _standing(path: Path, death: Death | None = None) -> list[str]:
    """What stands of the stack after a death on the way there; nothing is left of it in the end."""
    async with world(path, ready_after=0.005) as made:
        story = Story(made, 1)
        stack = await story.fulfil([WISH], [death] if death else [])
        assert stack is not None
        assert stack.status is Status.COMPLETE, (death, stack.reason)
        there = story.made()
        assert _pairs(there) == [_outputs(stack)], death
        lines = sorted(f"{len(rows)} {kind}" for kind, rows in there.items()) + shape(there)
        await story.fulfil([Wish(0)])
        assert story.made() == {}, death
        return lines


def _pairs(there: Objects) -> list[tuple[str, str]]:
    """The key pairs that Keystone has."""
    blobs = [json.loads(each["blob"]) for each in there["identity.credentials"]]
    return [(each["access"], each["secret"]) for each in blobs]


def _outputs(stack: Stack) -> tuple[str, str]:
    """The key pair that the stack shows."""
    outputs = stack.outputs or {}
    return outputs["Access"]["value"], outputs["Secret"]["value"]


async def _survives(path: Path, *deaths: Death) -> None:
    undisturbed = await _standing(_place(path, "undisturbed"))
    for death in deaths:
        assert await _standing(_place(path, str(death.number)), death) == undisturbed, death


def _place(path: Path, name: str) -> Path:
    place = path / name
    place.mkdir()
    return place


async def test_nothing_is_lost_or_made_twice(tmp_path: Path) -> None:
    await _survives(tmp_path, *(Death("called", number) for number in (9, 16)))


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["written", "call", "called"])
async def test_nothing_is_lost_or_made_twice_whenever_the_process_dies(tmp_path: Path, kind: str) -> None:
    most = CALLS if kind != "written" else 2 * CALLS
    await _survives(tmp_path, *(Death(kind, number) for number in range(1, most + 1)))
