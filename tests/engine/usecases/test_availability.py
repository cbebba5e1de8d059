"""Types whose service the caller's cloud does not have are refused with the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stackd.clients.cloud import Cloud
from stackd.db import stacks
from stackd.engine.usecases import resource_types, validate
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import CloudForbidden, ResourceTypeUnavailable, Transient
from tests.support.engine import World, world
from tests.support.templates import hot

VOLUME = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}


@pytest.fixture
def cloud_without_volumes(stackd_world: World) -> World:
    for service in stackd_world.cloud.store.find("identity.services"):
        if service.data["name"].startswith("cinder"):
            service.data["enabled"] = False
    return stackd_world


@pytest.mark.parametrize("depth", [0, 1])
async def test_stack_with_a_type_whose_service_is_missing_is_refused(
    cloud_without_volumes: World, depth: int
) -> None:
    member = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": VOLUME}}
    async with cloud_without_volumes.process() as process:
        with pytest.raises(ResourceTypeUnavailable) as refused:
            await process.create("s", hot({"it": [VOLUME, member][depth]}))
        assert refused.value.message == (
            "HEAT-E99001 Service cinder is not available for resource type OS::Cinder::Volume, "
            "reason: cinder volumev3 endpoint is not in service catalog."
        )
        assert await stacks.named(process.db, "s", None) is None


async def test_each_service_is_sought_once_for_all_types_that_need_it(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[str] = []
    has_service = Cloud.has_service

    async def noted(self: Cloud, kind: str) -> bool:
        sought.append(kind)
        return await has_service(self, kind)

    monkeypatch.setattr(Cloud, "has_service", noted)
    kinds = ["OS::Neutron::Net", "OS::Neutron::Port", "OS::Cinder::Volume", "OS::Heat::Value"]
    async with stackd_world.process() as process:
        request = StackRequest(template=hot({kind.rpartition(":")[2]: {"type": kind} for kind in kinds}))
        await validate.validate(process.engine, process.caller, request, nested=False)
    assert sorted(sought) == ["network", "volume"]


async def test_update_to_such_a_type_is_refused_and_changes_nothing(cloud_without_volumes: World) -> None:
    async with cloud_without_volumes.process() as process:
        stack = await process.done(await process.create("s", hot({"n": {"type": "OS::Neutron::Net"}})))
        with pytest.raises(ResourceTypeUnavailable):
            await process.update(stack, hot({"v": VOLUME}))
        assert await process.stack(stack) == stack
        assert cloud_without_volumes.counts() == {"networks": 1}


LACKING = {
    "OS::Neutron::Net": ("neutron", "neutron network endpoint is not in service catalog."),
    "OS::Neutron::RouterGateway": ("neutron", "neutron network endpoint is not in service catalog."),
    "OS::Nova::KeyPair": ("nova", "nova compute endpoint is not in service catalog."),
    "AWS::EC2::Instance": ("nova", "nova compute endpoint is not in service catalog."),
    "AWS::EC2::EIP": ("nova", "nova compute endpoint is not in service catalog."),
    "AWS::S3::Bucket": ("swift", "swift object-store endpoint is not in service catalog."),
    "OS::Heat::SwiftSignalHandle": ("swift", "swift object-store endpoint is not in service catalog."),
    "OS::Aodh::EventAlarm": ("aodh", "aodh alarming endpoint is not in service catalog."),
    "OS::Aodh::CombinationAlarm": ("aodh", "aodh alarming endpoint is not in service catalog."),
    "OS::Glance::WebImage": ("glance", "glance image endpoint is not in service catalog."),
    "OS::Blazar::Lease": ("blazar", "blazar reservation endpoint is not in service catalog."),
    "OS::Ironic::Port": ("ironic", "ironic baremetal endpoint is not in service catalog."),
    "OS::Octavia::Quota": ("octavia", "octavia load-balancer endpoint is not in service catalog."),
    "OS::Designate::Zone": ("designate", "designate dns endpoint is not in service catalog."),
}
HIDDEN = {"OS::Neutron::RouterGateway", "OS::Aodh::CombinationAlarm"}
NEEDING_NOTHING = {
    "OS::Sahara::Cluster",
    "OS::Heat::SoftwareConfig",
    "OS::Nova::FloatingIP",
    "AWS::EC2::SecurityGroup",
}


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[World]:
    """A cloud with nothing but Keystone in its catalog."""
    async with world(tmp_path, services=["keystone"]) as made:
        yield made


def checked(kind: str) -> StackRequest:
    return StackRequest(template=hot({"a": {"type": kind}}))


async def test_every_service_is_missed_by_its_own_name(bare: World) -> None:
    async with bare.process(user="admin") as process:
        engine, caller = process.engine, process.caller
        for kind, (service, reason) in LACKING.items():
            start = f"HEAT-E99001 Service {service} is not available for resource type {kind}, reason: "
            with pytest.raises(ResourceTypeUnavailable) as refused:
                await validate.validate(engine, caller, checked(kind), nested=False)
            assert refused.value.message == start + reason
            await validate.validate(engine, caller, checked(kind), nested=False, ignored=["99001"])
            if kind in HIDDEN:
                continue
            with pytest.raises(ResourceTypeUnavailable) as refused:
                await resource_types.show(engine, caller, kind)
            assert refused.value.message == f"{start}Service endpoint not in service catalog."
            assert await resource_types.generate_template(engine, caller, kind)
        for kind in NEEDING_NOTHING:
            await validate.validate(engine, caller, checked(kind), nested=False)
        listed = {each.name for each in await resource_types.listed(engine, caller)}
        assert {each.partition("::")[2].partition("::")[0] for each in listed} == {
            *("AutoScaling", "CloudFormation", "CloudWatch", "EC2", "ElasticLoadBalancing", "Heat", "IAM"),
            *("Keystone", "RDS"),
        }
        assert {each for each in listed if each.startswith("AWS::EC2")} == {
            "AWS::EC2::InternetGateway",
            "AWS::EC2::SecurityGroup",
        }


def extensions(*aliases: str) -> dict[str, Any]:
    """A rule by which the network service has these extensions."""
    body = {"extensions": [{"alias": each} for each in aliases]}
    return {"service": "network", "path": "/extensions$", "effect": "status", "status": 200, "body": body}


TRUNK, QOS, ROUTER = "OS::Neutron::Trunk", "OS::Neutron::QoSPolicy", "OS::Neutron::Router"


async def test_type_whose_extension_is_missing_is_refused_and_not_listed(stackd_world: World) -> None:
    stackd_world.cloud.faults.replace([extensions("router", "qos")])
    async with stackd_world.process(user="admin") as process:
        engine, caller = process.engine, process.caller
        start = f"HEAT-E99001 Service neutron is not available for resource type {TRUNK}, reason: "
        with pytest.raises(ResourceTypeUnavailable) as refused:
            await process.create("s", hot({"t": {"type": TRUNK, "properties": {"port": "p"}}}))
        assert (
            refused.value.message == f"{start}Required extension trunk in neutron service is not available."
        )
        with pytest.raises(ResourceTypeUnavailable) as refused:
            await resource_types.show(engine, caller, TRUNK)
        assert refused.value.message == f"{start}Service endpoint not in service catalog."
        names = [each.name for each in await resource_types.listed(engine, caller, pattern="OS::Neutron")]
        assert {QOS, ROUTER, "OS::Neutron::Net"} < set(names)
        assert TRUNK not in names
        await process.done(await process.create("s", hot({"r": {"type": ROUTER}})))
    asked = stackd_world.cloud.faults.rules[0].fired
    assert asked == 1


async def test_types_whose_service_does_not_say_what_it_has_are_not_listed(stackd_world: World) -> None:
    rule = {"service": "network", "path": "/extensions$", "effect": "status", "status": 403}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        names = [each.name for each in await resource_types.listed(process.engine, process.caller)]
        assert ROUTER not in names
        assert "OS::Neutron::Net" in names
        with pytest.raises(CloudForbidden):
            await process.create("s", hot({"r": {"type": ROUTER}}))


async def test_service_that_is_away_is_asked_what_it_has_once_in_ten_seconds(stackd_world: World) -> None:
    away = {"service": "network", "path": "/extensions$", "effect": "status", "status": 503}
    stackd_world.cloud.faults.replace([away])

    def asked() -> int:
        return stackd_world.cloud.faults.rules[0].fired

    async with stackd_world.process() as process:
        for _ in range(3):
            names = [each.name for each in await resource_types.listed(process.engine, process.caller)]
            assert ROUTER not in names
            assert "OS::Neutron::Net" in names
        tries = asked()
        assert tries == 5
        with pytest.raises(Transient):
            await process.create("s", hot({"r": {"type": ROUTER}}))
        assert asked() == tries
        await asyncio.sleep(11)
        stackd_world.cloud.faults.replace([])
        await process.done(await process.create("s", hot({"r": {"type": ROUTER}})))


async def test_what_the_service_says_of_one_request_is_not_told_to_others(stackd_world: World) -> None:
    away = {"service": "network", "path": "/extensions$", "effect": "status", "status": 503}
    stackd_world.cloud.faults.replace([away])
    async with stackd_world.process() as process:
        errors = []
        for _ in range(3):
            with pytest.raises(Transient) as refused:
                await process.create("s", hot({"r": {"type": ROUTER}}))
            errors.append(refused.value)
    assert errors[0].request_id
    assert [each.request_id for each in errors[1:]] == ["", ""]
    assert len({id(each) for each in errors}) == 3


async def test_service_that_one_project_asks_too_often_is_asked_for_others(stackd_world: World) -> None:
    often = {"service": "network", "path": "/extensions$", "effect": "status", "status": 429}
    stackd_world.cloud.faults.replace([often])
    async with stackd_world.process() as process:
        with pytest.raises(Transient):
            await process.create("s", hot({"r": {"type": ROUTER}}))
        stackd_world.cloud.faults.replace([])
        await process.done(await process.create("s", hot({"r": {"type": ROUTER}})))
