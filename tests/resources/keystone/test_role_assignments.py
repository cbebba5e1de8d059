from typing import Any

import pytest

from tests.support.context import FakeContext, gone

KINDS = [("OS::Keystone::UserRoleAssignment", "user"), ("OS::Keystone::GroupRoleAssignment", "group")]


def context(kind: Any, holder: Any) -> Any:
    roles = [{"role": "r1", "project": "p1"}, {"role": "r2", "domain": "d1"}]
    ctx = FakeContext(kind, properties={holder: "x1", "roles": roles})
    for who in ("x1", "x2"):
        for path in (f"/projects/p1/{holder}s/{who}/roles/r1", f"/domains/d1/{holder}s/{who}/roles/r2"):
            ctx.cloud.on("PUT", path).on("DELETE", path)
    return ctx


@pytest.mark.parametrize(("kind", "holder"), KINDS)
async def test_roles_are_given(kind: Any, holder: Any) -> None:
    ctx = context(kind, holder)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == ctx.resource.id
    assert ctx.cloud.calls == []
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [
        ("PUT", f"/projects/p1/{holder}s/x1/roles/r1"),
        ("PUT", f"/domains/d1/{holder}s/x1/roles/r2"),
    ]


@pytest.mark.parametrize(("kind", "holder"), KINDS)
async def test_reference_is_the_name(kind: Any, holder: Any) -> None:
    ctx = context(kind, holder)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.type.reference(ctx.resource) == "thing"


@pytest.mark.parametrize(("kind", "holder"), KINDS)
async def test_roles_move_to_another_holder(kind: Any, holder: Any) -> None:
    ctx = context(kind, holder)
    await ctx.type.update(ctx, ctx.props, ctx.load({holder: "x2", "roles": [{"role": "r2", "domain": "d1"}]}))
    assert ctx.cloud.asked() == [
        ("DELETE", f"/projects/p1/{holder}s/x1/roles/r1"),
        ("DELETE", f"/domains/d1/{holder}s/x1/roles/r2"),
        ("PUT", f"/domains/d1/{holder}s/x2/roles/r2"),
    ]


@pytest.mark.parametrize(("kind", "holder"), KINDS)
async def test_roles_are_taken_where_they_still_are(kind: Any, holder: Any) -> None:
    ctx = context(kind, holder)
    ctx.cloud.on("DELETE", f"/projects/p1/{holder}s/x1/roles/r1", gone("no such holder"))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [
        ("DELETE", f"/projects/p1/{holder}s/x1/roles/r1"),
        ("DELETE", f"/domains/d1/{holder}s/x1/roles/r2"),
    ]
