from typing import Any

from stackd.errors import CloudConflict
from tests.support.context import FakeContext, gone

KIND = "OS::Nova::Flavor"
NAME = "app-thing-abcdefghijkl"


def flavor(physical: str | None = "f", **properties: Any) -> FakeContext:
    return FakeContext(KIND, physical=physical, properties={"ram": 64, "vcpus": 1} | properties)


async def test_a_public_flavor() -> None:
    ctx = flavor(None, extra_specs={"hw:x": True})
    ctx.cloud.on("POST", "/flavors", {"flavor": {"id": "f"}}).on("POST", "/flavors/f/os-extra_specs")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {
            "flavor": {
                "name": NAME,
                "id": None,
                "ram": 64,
                "vcpus": 1,
                "disk": 0,
                "swap": 0,
                "rxtx_factor": 1.0,
                "OS-FLV-EXT-DATA:ephemeral": 0,
                "os-flavor-access:is_public": True,
            }
        },
        {"extra_specs": {"hw:x": "true"}},
    ]


async def test_a_private_flavor_is_for_the_named_projects_or_the_own_one() -> None:
    for tenants, let_in in ((["b", "a"], ["a", "b"]), ([], ["project-id"])):
        ctx = flavor(is_public=False, tenants=tenants)
        ctx.cloud.on("POST", "/flavors/f/action", CloudConflict("is in"), None)
        await ctx.type.configure(ctx, ctx.props)
        assert ctx.cloud.sent("POST") == [{"addTenantAccess": {"tenant": each}} for each in let_in]


async def test_an_update_changes_specs_and_projects() -> None:
    ctx = flavor(is_public=False, tenants=["a", "b"], extra_specs={"x": "1"})
    new = ctx.load({**ctx.properties, "tenants": ["b", "c"], "extra_specs": {"y": "2"}})
    specs = "/flavors/f/os-extra_specs"
    ctx.cloud.on("GET", specs, {"extra_specs": {"x": "1", "z": "9"}}).on("POST", specs)
    ctx.cloud.on("DELETE", f"{specs}/x").on("DELETE", f"{specs}/z").on(
        "POST", "/flavors/f/action", None, gone()
    )
    await ctx.type.update(ctx, ctx.props, new)
    assert ctx.cloud.sent("POST") == [
        {"extra_specs": {"y": "2"}},
        {"addTenantAccess": {"tenant": "c"}},
        {"removeTenantAccess": {"tenant": "a"}},
    ]


async def test_it_is_found_by_name_and_read() -> None:
    ctx = flavor(None)
    listed = {"flavors": [{"id": "f", "name": NAME}, {"id": "g", "name": "other"}]}
    ctx.cloud.on("GET", "/flavors/detail", listed)
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["f"]
    live = {"os-flavor-access:is_public": True, "extra_specs": {"a": "b"}}
    assert ctx.type.attribute_values(ctx.resource, live) == {"is_public": True, "extra_specs": {"a": "b"}}
