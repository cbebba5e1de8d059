from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError
from tests.support.context import FakeContext, gone

KIND = "AWS::EC2::VPC"
NAME = "app-thing-abcdefghijkl"


def vpc(physical: str | None = "net", stored: Any = None, **properties: Any) -> FakeContext:
    return FakeContext(KIND, physical=physical, properties=properties, stored=stored or {})


async def test_network_and_router_have_one_name() -> None:
    ctx = vpc(None, CidrBlock="10.0.0.0/16", Tags=[{"Key": "a", "Value": "b"}])
    ctx.cloud.on("POST", "/networks", {"network": {"id": "net", "status": "BUILD"}})
    ctx.cloud.on("GET", "/routers", {"routers": []}).on("POST", "/routers", {"router": {"id": "r"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "net"
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"network": {"name": NAME}}, {"router": {"name": NAME}}]
    assert ctx.data == {"router_id": "r"}
    await ctx.type.configure(ctx, ctx.props)
    assert len(ctx.cloud.sent("POST")) == 2


@pytest.mark.parametrize("stored", [{"router_id": "r"}, {}])
async def test_router_goes_before_the_network_also_if_its_id_was_never_stored(stored: Any) -> None:
    ctx = vpc(stored=stored)
    ctx.cloud.on("GET", "/routers", {"routers": [{"id": "r", "name": NAME}]})
    ctx.cloud.on("DELETE", "/routers/r").on("DELETE", "/networks/net")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/routers/r"), ("DELETE", "/networks/net")]


async def test_router_that_is_gone_keeps_no_network() -> None:
    ctx = vpc(stored={"router_id": "r"})
    ctx.cloud.on("DELETE", "/routers/r", gone()).on("DELETE", "/networks/net")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked()[-1] == ("DELETE", "/networks/net")


async def test_ports_that_keep_the_network_are_named() -> None:
    ctx = vpc(stored={"router_id": "r"})
    ctx.cloud.on("DELETE", "/routers/r").on("DELETE", "/networks/net", CloudConflict("in use", status=409))
    ctx.cloud.on("GET", "/ports", {"ports": [{"id": "p", "name": "left", "device_owner": "compute:nova"}]})
    with pytest.raises(CloudConflict, match=r"Ports in the way: left p"):
        await ctx.type.delete(ctx, ctx.props)


def test_dedicated_hosts_are_refused() -> None:
    ctx = vpc(InstanceTenancy="dedicated")
    with pytest.raises(PropertyError, match="Dedicated"):
        ctx.type.validate(ctx.props)
    ctx.type.validate(ctx.load({"InstanceTenancy": "default"}))
