"""Segments and provider networks: what each type of network has."""

from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

SEGMENT, NET = "OS::Neutron::Segment", "OS::Neutron::ProviderNet"


def context(kind: str, network_type: Any, physical: Any = None, number: Any = None) -> FakeContext:
    given = {"network_type": network_type, "physical_network": physical, "segmentation_id": number}
    shown = {name: value for name, value in given.items() if value is not None}
    return FakeContext(kind, properties={**shown, **({"network": "n1"} if kind == SEGMENT else {})})


@pytest.mark.parametrize("kind", [SEGMENT, NET])
@pytest.mark.parametrize(
    ("network_type", "physical", "number", "complaint"),
    [
        ("local", None, 5, "segmentation_id is prohibited for local"),
        ("flat", "physnet1", 5, "segmentation_id is prohibited for flat"),
        ("vxlan", "physnet1", 5, "physical_network is prohibited for vxlan"),
        ("gre", Unknown("x"), 5, "physical_network is prohibited for gre"),
        ("local", "physnet1", None, "physical_network is prohibited for local"),
    ],
)
def test_what_a_network_does_not_have_is_refused(
    kind: str, network_type: Any, physical: Any, number: Any, complaint: str
) -> None:
    ctx = context(kind, network_type, physical, number)
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    ("network_type", "physical", "number", "complaint"),
    [
        ("vlan", None, 5, "physical_network is required for vlan"),
        ("flat", None, None, "physical_network is required for flat"),
        ("vlan", "physnet1", 4095, "4095 is out of range"),
    ],
)
def test_segment_is_complete(network_type: Any, physical: Any, number: Any, complaint: str) -> None:
    ctx = context(SEGMENT, network_type, physical, number)
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize("kind", [SEGMENT, NET])
@pytest.mark.parametrize(
    ("network_type", "physical", "number"),
    [
        ("local", None, None),
        ("flat", "physnet1", None),
        ("vlan", "physnet1", 4094),
        ("vlan", "physnet1", None),
        ("geneve", None, 70000),
        (Unknown("type"), "physnet1", Unknown("number")),
    ],
)
def test_what_fits_is_accepted(kind: str, network_type: Any, physical: Any, number: Any) -> None:
    ctx = context(kind, network_type, physical, number)
    assert ctx.type.validate(ctx.props) is None


async def test_provider_network_is_sent_in_the_words_of_the_service() -> None:
    ctx = context(NET, "vlan", "physnet1", "101")
    ctx.cloud.on("POST", "/networks", {"network": {"id": "n1", "status": "ACTIVE"}})
    ctx.cloud.on("PUT", "/networks/n1", {})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {
            "network": {
                "name": ctx.physical_name,
                "provider:network_type": "vlan",
                "provider:physical_network": "physnet1",
                "provider:segmentation_id": 101,
                "router:external": False,
                "admin_state_up": True,
                "shared": True,
            }
        }
    ]
    await ctx.type.update(ctx, ctx.props, ctx.load({"network_type": "flat", "physical_network": "physnet1"}))
    change = {"provider:network_type": "flat", "provider:segmentation_id": None}
    assert ctx.cloud.sent("PUT") == [{"network": change}]


async def test_segments_of_a_provider_network_are_listed() -> None:
    ctx = FakeContext(NET, physical="n1")
    segments = [{"id": "b", "name": "b"}, {"id": "a", "name": None}]
    ctx.cloud.on("GET", "/segments", {"segments": segments})
    assert [each["id"] for each in await ctx.attribute("segments")] == ["a", "b"]
