"""What administrators make: flavors, availability zones, their profiles, and quotas."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resources.octavia.balancing import LB
from tests.support.context import FakeContext

# type, path, key, id, properties, what is sent of them, a change in place
OPERATED = [
    (
        *("FlavorProfile", "flavorprofiles", "flavorprofile", "x"),
        {"flavor_data": "{}", "provider_name": "amphora"},
        {"flavor_data": "{}", "provider_name": "amphora"},
        {"flavor_data": '{"a": 1}'},
    ),
    (
        *("Flavor", "flavors", "flavor", "x"),
        {"flavor_profile": "fp"},
        {"flavor_profile_id": "fp", "enabled": True},
        {"enabled": False, "name": "large"},
    ),
    (
        *("AvailabilityZoneProfile", "availabilityzoneprofiles", "availability_zone_profile", "x"),
        {"availability_zone_data": "{}"},
        {"availability_zone_data": "{}"},
        {"provider_name": "other"},
    ),
    (
        *("AvailabilityZone", "availabilityzones", "availability_zone", "app-thing-abcdefghijkl"),
        {"availability_zone_profile": "ap"},
        {"availability_zone_profile_id": "ap", "enabled": True},
        {"description": "east"},
    ),
]


@pytest.mark.parametrize(("kind", "path", "key", "identity", "given", "sent", "change"), OPERATED)
async def test_life(
    kind: str, path: str, key: str, identity: str, given: Any, sent: Any, change: Any
) -> None:
    ctx = FakeContext(LB + kind, properties=given)
    made = {"id": identity} if key != "availability_zone" else {}
    ctx.cloud.on("POST", f"/lbaas/{path}", {key: {"name": ctx.physical_name, **sent, **made}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{key: {"name": ctx.physical_name, **sent}}]
    assert ctx.physical_id == identity
    shown = {name: value for name, value in sent.items() if name.endswith("profile_id")}
    assert ctx.shown(await ctx.live()) == shown
    plural = f"{key}s" if "_" in key else path
    ctx.cloud.on("GET", f"/lbaas/{path}", {plural: [{"name": ctx.physical_name, **made}]})
    assert [each["name"] for each in await ctx.type.find(ctx, ctx.props)] == [ctx.physical_name]
    ctx.cloud.on("PUT", f"/lbaas/{path}/{identity}").on("DELETE", f"/lbaas/{path}/{identity}")
    await ctx.type.update(ctx, ctx.props, ctx.load(given | change))
    assert ctx.cloud.sent("PUT") == [{key: change}]
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked("DELETE") == [("DELETE", f"/lbaas/{path}/{identity}")]


def test_another_name_is_another_zone() -> None:
    ctx = FakeContext(LB + "AvailabilityZone", properties={"availability_zone_profile": "ap"})
    old, new = ctx.props, ctx.load({"availability_zone_profile": "ap", "name": "b"})
    assert ctx.type.needs_replace(old, new, frozenset({"name"}))
    assert ctx.type.needs_replace(old, new, frozenset({"enabled"})) is None


async def test_quota_is_set_changed_and_given_back() -> None:
    ctx = FakeContext(LB + "Quota", properties={"project": "p", "pool": 3, "member": -1})
    path = "/lbaas/quotas/p"
    ctx.cloud.on("PUT", path).on("DELETE", path)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "p"
    ctx.cloud.on("GET", path, {"quota": {"pool": 3, "member": -1, "listener": 9}})
    assert await ctx.type.find(ctx, ctx.props) == [{"id": "p"}]
    await ctx.type.update(ctx, ctx.props, ctx.load({"project": "p", "pool": 4}))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"quota": {"pool": 3, "member": -1}}, {"quota": {"pool": 4}}]
    assert ctx.cloud.asked("DELETE") == [("DELETE", path)]
