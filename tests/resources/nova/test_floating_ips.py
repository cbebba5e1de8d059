from typing import Any

import pytest

from stackd.errors import ResourceFailure
from stackd.resources.follows import Sibling
from tests.support.context import FakeContext, among, followed, gone

ADDRESS, ASSOCIATION = "OS::Nova::FloatingIP", "OS::Nova::FloatingIPAssociation"
ENDS = {"server_id": "s", "floating_ip": "f"}
PORTS = {
    "interfaceAttachments": [
        {"port_id": "six", "fixed_ips": [{"ip_address": "2001:db8::1"}]},
        {"port_id": "p", "fixed_ips": [{"ip_address": "10.0.0.5"}]},
    ]
}


def association(physical: str | None = "f:p") -> FakeContext:
    return FakeContext(ASSOCIATION, physical=physical, properties=ENDS)


@pytest.mark.parametrize(("pool", "network"), [("public", "net-1"), (None, "net-2")])
async def test_address_is_one_of_the_pool_or_of_the_only_external_network(pool: Any, network: str) -> None:
    ctx = FakeContext(ADDRESS, properties={"pool": pool}, finds={("neutron.network", "public"): "net-1"})
    ctx.cloud.on("GET", "/networks", {"networks": [{"id": "net-2"}]})
    made = {"id": "f", "floating_ip_address": "172.24.4.9", "floating_network_id": network}
    ctx.cloud.on("POST", "/floatingips", {"floatingip": made})
    await ctx.type.create(ctx, ctx.props)
    body = {"description": ctx.physical_name, "floating_network_id": network}
    assert ctx.cloud.sent("POST") == [{"floatingip": body}]
    assert ctx.type.reference(ctx.resource) == "f"
    assert ctx.shown(made) == {"ip": "172.24.4.9", "pool": network}


async def test_lost_address_is_found_by_its_description() -> None:
    ctx = FakeContext(ADDRESS)
    ours = {"id": "f", "description": ctx.physical_name}
    ctx.cloud.on("GET", "/floatingips", {"floatingips": [ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]


async def test_association_leads_to_the_first_port_that_can_be_translated_to() -> None:
    ctx = association(None)
    ctx.cloud.on("GET", "/servers/s/os-interface", PORTS).on("PUT", "/floatingips/f")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.physical_id == "f:p"
    assert ctx.type.reference(ctx.resource) == ctx.physical_name
    assert ctx.cloud.sent("PUT") == [{"floatingip": {"port_id": "p"}}]


async def test_server_without_such_a_port_fails() -> None:
    ctx = association(None)
    ctx.cloud.on("GET", "/servers/s/os-interface", {"interfaceAttachments": []})
    with pytest.raises(ResourceFailure, match="no address"):
        await ctx.type.create(ctx, ctx.props)


async def test_update_frees_a_former_address() -> None:
    ctx = association()
    ctx.cloud.on("GET", "/servers/s/os-interface", PORTS)
    ctx.cloud.on("GET", "/floatingips/f", {"floatingip": {"port_id": "p"}})
    ctx.cloud.on("PUT", "/floatingips/f").on("PUT", "/floatingips/g")
    await ctx.type.update(ctx, ctx.props, ctx.load({**ENDS, "floating_ip": "g"}))
    assert ctx.cloud.asked() == [("PUT", "/floatingips/f"), ("PUT", "/floatingips/g")]
    assert ctx.cloud.sent("PUT") == [{"floatingip": {"port_id": None}}, {"floatingip": {"port_id": "p"}}]
    assert ctx.physical_id == "g:p"


@pytest.mark.parametrize("answer", [{"floatingip": {"port_id": "another"}}, gone()])
async def test_address_that_leads_elsewhere_or_is_gone_is_left_alone(answer: Any) -> None:
    ctx = association()
    ctx.cloud.on("GET", "/floatingips/f", answer)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == []


def test_association_follows_what_may_be_on_the_way_out() -> None:
    ways = [
        Sibling("interface", "OS::Neutron::RouterInterface", {"router": "r", "subnet": "s"}),
        Sibling("gateway", "OS::Neutron::RouterGateway", {"router_id": "r", "network": "n"}),
        Sibling("port", "OS::Neutron::Port", {"network": "n"}),
    ]
    ctx = association()
    assert followed(ctx, ctx.props, among(*ways)) == {"interface", "gateway"}
