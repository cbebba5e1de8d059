"""Types whose service the caller's cloud does not have are refused with the request."""

from __future__ import annotations

import pytest

from stackd.db import stacks
from stackd.errors import ResourceTypeUnavailable
from tests.support.engine import World
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
            "HEAT-E99001 Service volume is not available for resource type OS::Cinder::Volume, "
            "reason: Service endpoint not in service catalog."
        )
        assert await stacks.named(process.db, "s", None) is None


async def test_update_to_such_a_type_is_refused_and_changes_nothing(cloud_without_volumes: World) -> None:
    async with cloud_without_volumes.process() as process:
        stack = await process.done(await process.create("s", hot({"n": {"type": "OS::Neutron::Net"}})))
        with pytest.raises(ResourceTypeUnavailable):
            await process.update(stack, hot({"v": VOLUME}))
        assert await process.stack(stack) == stack
        assert cloud_without_volumes.counts() == {"networks": 1}
