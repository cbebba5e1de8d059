from typing import Any

import pytest

from tests.support.context import FakeContext, gone

KIND = "OS::Keystone::Project"


async def test_project_is_made_in_its_domain() -> None:
    ctx = FakeContext(KIND, properties={"parent": "p0", "tags": ["a"], "enabled": False})
    ctx.cloud.on("POST", "/projects", {"project": {"id": "p1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "p1"
    assert ctx.cloud.sent("POST")[0]["project"] == {
        "name": ctx.physical_name,
        "stackd_resource": "thing-uuid",
        "domain_id": "default",
        "enabled": False,
        "parent_id": "p0",
        "tags": ["a"],
    }


async def test_update_sends_what_differs() -> None:
    ctx = FakeContext(KIND, physical="p1")
    ctx.cloud.on("PATCH", "/projects/p1", {})
    old, new = ctx.load({"name": "a", "description": "b", "tags": ["c"]}), ctx.load({"enabled": False})
    await ctx.type.update(ctx, old, new)
    assert ctx.cloud.sent("PATCH") == [
        {"project": {"name": ctx.physical_name, "description": "", "tags": [], "enabled": False}}
    ]


async def test_update_without_a_difference_asks_nothing() -> None:
    ctx = FakeContext(KIND, physical="p1")
    await ctx.type.update(ctx, ctx.props, ctx.props)
    assert ctx.cloud.calls == []


async def test_delete_removes_the_default_security_group_first() -> None:
    ctx = FakeContext(KIND, physical="p1")
    ctx.cloud.on("GET", "/security-groups", {"security_groups": [{"id": "g1"}, {"id": "g2"}]})
    ctx.cloud.on("DELETE", "/security-groups/g1", gone()).on("DELETE", "/security-groups/g2")
    ctx.cloud.on("DELETE", "/projects/p1")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.calls[0].params == {"project_id": "p1", "name": "default"}
    assert [path for _, path in ctx.cloud.asked()] == [
        "/security-groups/g1",
        "/security-groups/g2",
        "/projects/p1",
    ]


async def test_delete_without_a_network_service_deletes_the_project_only() -> None:
    ctx = FakeContext(KIND, physical="p1")
    ctx.cloud.lacks = frozenset({"network"})
    ctx.cloud.on("DELETE", "/projects/p1")
    await ctx.type.delete(ctx, ctx.props)
    assert [call.path for call in ctx.cloud.calls] == ["/projects/p1"]


@pytest.mark.parametrize(("properties", "name"), [({}, "app-thing-abcdefghijkl"), ({"name": "x"}, "x")])
async def test_interrupted_creation_is_found_by_our_mark(properties: Any, name: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    theirs = {"id": "p0", "name": name}
    ours = {"id": "p1", "name": name, "stackd_resource": "thing-uuid"}
    ctx.cloud.on("GET", "/projects", {"projects": [theirs, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[0].params == {"name": name, "domain_id": "default"}
