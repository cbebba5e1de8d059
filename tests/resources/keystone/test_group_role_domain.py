from typing import Any

import pytest

from tests.support.context import FakeContext

PARTS = [
    ("OS::Keystone::Group", "group", {"description": "d"}, {"domain_id": "default", "description": "d"}),
    ("OS::Keystone::Role", "role", {"domain": "d1"}, {"domain_id": "d1"}),
    ("OS::Keystone::Domain", "domain", {"enabled": False}, {"enabled": False}),
]


@pytest.mark.parametrize(("kind", "key", "properties", "body"), PARTS)
async def test_object_is_made_and_deleted(kind: Any, key: Any, properties: Any, body: Any) -> None:
    ctx = FakeContext(kind, properties=properties)
    ctx.cloud.on("POST", f"/{key}s", {key: {"id": "x1"}}).on("DELETE", f"/{key}s/x1")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {key: {"name": ctx.physical_name, "stackd_resource": "thing-uuid", **body}}
    ]
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked("DELETE") == [("DELETE", f"/{key}s/x1")]


@pytest.mark.parametrize(("kind", "key", "properties", "body"), PARTS)
async def test_name_is_changed_in_place(kind: Any, key: Any, properties: Any, body: Any) -> None:
    ctx = FakeContext(kind, properties=properties, physical="x1")
    ctx.cloud.on("PATCH", f"/{key}s/x1", {})
    await ctx.type.update(ctx, ctx.props, ctx.load({**properties, "name": "new"}))
    assert ctx.cloud.sent("PATCH") == [{key: {"name": "new"}}]


@pytest.mark.parametrize(("kind", "key", "properties", "body"), PARTS)
async def test_interrupted_creation_is_found_by_our_mark(
    kind: Any, key: Any, properties: Any, body: Any
) -> None:
    ctx = FakeContext(kind, properties=properties)
    ours = {"id": "x1", "name": ctx.physical_name, "stackd_resource": "thing-uuid"}
    ctx.cloud.on("GET", f"/{key}s", {f"{key}s": [ours, {"id": "x2", "name": ctx.physical_name}]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]


async def test_group_exchanges_roles() -> None:
    ctx = FakeContext("OS::Keystone::Group", physical="g1")
    old, new = ({"roles": [{"role": role, "domain": "d1"}]} for role in ("a", "b"))
    ctx.cloud.on("PUT", "/domains/d1/groups/g1/roles/a").on("PUT", "/domains/d1/groups/g1/roles/b")
    ctx.cloud.on("DELETE", "/domains/d1/groups/g1/roles/a")
    await ctx.type.configure(ctx, ctx.load(old))
    await ctx.type.update(ctx, ctx.load(old), ctx.load(new))
    assert ctx.cloud.asked() == [
        ("PUT", "/domains/d1/groups/g1/roles/a"),
        ("DELETE", "/domains/d1/groups/g1/roles/a"),
        ("PUT", "/domains/d1/groups/g1/roles/b"),
    ]
