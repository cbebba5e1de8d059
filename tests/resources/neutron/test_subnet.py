from typing import Any

import pytest

from stackd.errors import CloudConflict, CloudForbidden, PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "OS::Neutron::Subnet"
PLAIN = {"network": "n1", "cidr": "10.0.0.0/24"}


async def created_with(properties: Any) -> Any:
    ctx = FakeContext(KIND, properties=properties)
    ctx.cloud.on("POST", "/subnets", {"subnet": {"id": "s1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "s1"
    return ctx.cloud.sent("POST")[0]["subnet"]


async def updated(old: Any, new: Any) -> list[Any]:
    ctx = FakeContext(KIND, physical="s1")
    ctx.cloud.on("PUT", "/subnets/s1", {})
    await ctx.type.update(ctx, ctx.load(PLAIN | old), ctx.load(PLAIN | new))
    return [body["subnet"] for body in ctx.cloud.sent("PUT")]


async def test_plain_subnet_leaves_the_gateway_to_the_service() -> None:
    body = await created_with(PLAIN)
    assert body == {
        "name": "app-thing-abcdefghijkl",
        "network_id": "n1",
        "cidr": "10.0.0.0/24",
        "ip_version": 4,
        "enable_dhcp": True,
        "dns_nameservers": [],
    }


async def test_former_name_of_network_still_works() -> None:
    assert (await created_with({"network_id": "n1", "cidr": "10.0.0.0/24"}))["network_id"] == "n1"


@pytest.mark.parametrize("none", ["", "~", None])
async def test_empty_gateway_means_none(none: Any) -> None:
    body = await created_with({**PLAIN, "gateway_ip": none})
    assert body["gateway_ip"] is None


async def test_automatic_gateway_is_not_sent() -> None:
    assert "gateway_ip" not in await created_with({**PLAIN, "gateway_ip": "auto"})


async def test_all_of_a_pooled_ipv6_subnet_is_sent() -> None:
    body = await created_with(
        {
            "network": "n1",
            "subnetpool": "p1",
            "prefixlen": 64,
            "ip_version": 6,
            "ipv6_ra_mode": "slaac",
            "ipv6_address_mode": "slaac",
            "segment": "g1",
            "host_routes": [{"destination": "::/0", "nexthop": "fe80::1"}],
            "allocation_pools": [{"start": "2001:db8::10", "end": "2001:db8::20"}],
            "value_specs": {"service_types": ["x"]},
        }
    )
    assert body["subnetpool_id"] == "p1"
    assert body["segment_id"] == "g1"
    assert body["prefixlen"] == 64
    assert body["host_routes"] == [{"destination": "::/0", "nexthop": "fe80::1"}]
    assert body["allocation_pools"] == [{"start": "2001:db8::10", "end": "2001:db8::20"}]
    assert body["service_types"] == ["x"]


async def test_removed_values_are_cleared() -> None:
    before = {
        "gateway_ip": "10.0.0.9",
        "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.4"}],
        "host_routes": [{"destination": "10.1.0.0/24", "nexthop": "10.0.0.3"}],
        "dns_nameservers": ["8.8.8.8"],
    }
    assert await updated(before, {}) == [
        {"gateway_ip": None, "allocation_pools": [], "host_routes": [], "dns_nameservers": []}
    ]


async def test_update_to_automatic_gateway_changes_nothing() -> None:
    assert await updated({"gateway_ip": "10.0.0.9"}, {"gateway_ip": "auto"}) == []


async def test_segment_is_given_later() -> None:
    assert await updated({}, {"segment": "g1"}) == [{"segment_id": "g1"}]


async def test_tags_are_set_after_creation() -> None:
    ctx = FakeContext(KIND, physical="s1", properties={**PLAIN, "tags": ["a", "b"]})
    ctx.cloud.on("PUT", "/subnets/s1/tags", {})
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"tags": ["a", "b"]}]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({}, "At least one of .* subnetpool, cidr"),
        ({"cidr": "10.0.0.0/24", "subnetpool": "p"}, "at the same time: subnetpool, cidr"),
        ({"cidr": "10.0.0.0/24", "prefixlen": 24}, "at the same time: prefixlen, cidr"),
        ({"cidr": Unknown("a"), "subnetpool": Unknown("b")}, "at the same time"),
        ({"cidr": "10.0.0.0/24", "ipv6_ra_mode": "slaac"}, "not supported for ipv4"),
        (
            {
                "cidr": "2001:db8::/64",
                "ip_version": 6,
                "ipv6_ra_mode": "slaac",
                "ipv6_address_mode": "dhcpv6-stateful",
            },
            "must be equal",
        ),
        ({"cidr": "10.0.0.0/24", "gateway_ip": "elsewhere"}, '"elsewhere" is in invalid format'),
    ],
)
def test_contradictions_are_refused(properties: Any, complaint: Any) -> None:
    ctx = FakeContext(KIND, properties={"network": "n1", **properties})
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize("gateway", ["", "~", "auto", "10.0.0.1", "fe80::1", Unknown("port")])
def test_gateways_in_all_forms_are_accepted(gateway: Any) -> None:
    ctx = FakeContext(KIND, properties={**PLAIN, "gateway_ip": gateway})
    assert ctx.type.validate(ctx.props) is None


@pytest.mark.parametrize(
    ("kind", "path", "query"),
    [
        (KIND, "/subnets/s1", {"fixed_ips": "subnet_id=s1"}),
        ("OS::Neutron::Net", "/networks/s1", {"network_id": "s1"}),
    ],
)
async def test_ports_that_keep_it_from_going_are_named(kind: Any, path: Any, query: Any) -> None:
    ctx = FakeContext(kind, physical="s1")
    ports = [
        {"id": "p1", "name": "web", "device_owner": "compute:nova", "device_id": "v1"},
        {"id": "p2", "name": "", "device_owner": "", "device_id": ""},
        *({"id": f"q{number}"} for number in range(5)),
    ]
    ctx.cloud.on("DELETE", path, CloudConflict("One or more ports are in use.", status=409))
    ctx.cloud.on("GET", "/ports", {"ports": ports})
    with pytest.raises(CloudConflict) as raised:
        await ctx.type.delete(ctx, ctx.load(PLAIN if kind == KIND else {}))
    assert raised.value.message == (
        "One or more ports are in use. Ports in the way: web p1 (compute:nova of v1), p2 (unused), "
        "q0 (unused), q1 (unused), q2 (unused) and 2 more."
    )
    assert raised.value.status == 409
    assert ctx.cloud.calls[-1].params == query


@pytest.mark.parametrize("answer", [{"ports": []}, CloudForbidden("no")])
async def test_conflict_is_as_it_was_where_no_port_can_be_seen(answer: Any) -> None:
    ctx = FakeContext(KIND, physical="s1")
    ctx.cloud.on("DELETE", "/subnets/s1", CloudConflict("In use."))
    ctx.cloud.on("GET", "/ports", answer)
    with pytest.raises(CloudConflict, match=r"^In use\.$"):
        await ctx.type.delete(ctx, ctx.load(PLAIN))
