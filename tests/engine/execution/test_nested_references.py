"""Nested stacks whose parameters and members refer to siblings that do not exist yet."""

from typing import Any

import pytest

from stackd.records import Status
from tests.support.engine import World

INNER = """
heat_template_version: 2018-08-31
parameters:
  network: {type: string}
resources:
  port:
    type: OS::Neutron::Port
    properties: {network: {get_param: network}}
"""
NETWORK = {"network": {"get_resource": "net"}}


@pytest.mark.parametrize(
    "holder",
    [
        {"type": "inner.yaml", "properties": NETWORK},
        {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"resource_def": {"type": "OS::Neutron::Port", "properties": NETWORK}},
        },
    ],
)
async def test_a_nested_stack_gets_what_a_sibling_will_be(
    stackd_world: World, holder: dict[str, Any]
) -> None:
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {"net": {"type": "OS::Neutron::Net"}, "holder": holder},
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template, files={"inner.yaml": INNER}))
        assert stack.status is Status.COMPLETE, stack.reason
        (network,) = stackd_world.objects("networks")
        assert [port["network_id"] for port in stackd_world.objects("ports")] == [network["id"]]
