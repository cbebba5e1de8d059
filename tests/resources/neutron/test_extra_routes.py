"""ExtraRoute and ExtraRouteSet: routes of one router, beside those of others."""

from typing import Any

import pytest

from stackd.errors import CloudNotFound, ResourceFailure
from tests.support.context import FakeContext

ONE, SET = "OS::Neutron::ExtraRoute", "OS::Neutron::ExtraRouteSet"


def hop(number: int) -> dict[str, str]:
    return {"destination": f"10.{number}.0.0/16", "nexthop": "10.8.0.9"}


def with_router(kind: str, properties: Any, *present: Any, **others: Any) -> FakeContext:
    ctx = FakeContext(kind, properties=properties, **others)
    ctx.cloud.on("GET", "/routers/r1", {"router": {"id": "r1", "routes": list(present)}})
    ctx.cloud.on("PUT", "/routers/r1/add_extraroutes", {})
    ctx.cloud.on("PUT", "/routers/r1/remove_extraroutes", {})
    return ctx


def sent(ctx: FakeContext) -> list[tuple[str, Any]]:
    return [
        (call.path.rpartition("/")[2].partition("_")[0], call.body["router"]["routes"])
        for call in ctx.cloud.calls
        if call.method == "PUT"
    ]


async def test_route_is_added_found_and_removed() -> None:
    ctx = with_router(ONE, {"router_id": "r1", **hop(1)}, hop(9))
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "r1:10.1.0.0/16:10.8.0.9"
    assert await ctx.type.find(ctx, ctx.props) == []
    await ctx.type.delete(ctx, ctx.props)
    assert sent(ctx) == [("add", [hop(1)]), ("remove", [hop(1)])]


async def test_route_of_an_interrupted_creation_is_found() -> None:
    ctx = with_router(ONE, {"router_id": "r1", **hop(1)}, hop(9), {**hop(1), "more": 1})
    assert await ctx.type.find(ctx, ctx.props) == [{"id": "r1:10.1.0.0/16:10.8.0.9"}]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [(ONE, {"router_id": "r1", **hop(1)}), (SET, {"router": "r1", "routes": [hop(2), hop(1)]})],
)
async def test_route_of_somebody_else_is_refused(kind: str, properties: Any) -> None:
    ctx = with_router(kind, properties, hop(1))
    with pytest.raises(ResourceFailure, match=r"r1 has the route 10\.1\.0\.0/16 via 10\.8\.0\.9 already"):
        await ctx.type.create(ctx, ctx.props)
    assert ctx.resource.physical_id is None
    assert sent(ctx) == []


async def test_routes_of_a_set_are_added_once_its_id_is_stored() -> None:
    ctx = with_router(SET, {"router": "r1", "routes": [hop(1), hop(2)]})
    await ctx.type.create(ctx, ctx.props)
    assert (ctx.physical_id, sent(ctx)) == ("r1", [])
    await ctx.type.configure(ctx, ctx.props)
    assert sent(ctx) == [("add", [hop(1), hop(2)])]


async def test_set_is_changed_by_what_differs() -> None:
    ctx = with_router(SET, {}, physical="r1")
    old, new = ({"router": "r1", "routes": routes} for routes in ([hop(1), hop(2)], [hop(2), hop(3)]))
    await ctx.type.update(ctx, ctx.load(old), ctx.load(new))
    assert sent(ctx) == [("remove", [hop(1)]), ("add", [hop(2), hop(3)])]


async def test_empty_set_asks_for_nothing() -> None:
    ctx = with_router(SET, {"router": "r1"}, physical="r1")
    await ctx.type.configure(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert sent(ctx) == []


@pytest.mark.parametrize(
    ("kind", "properties"),
    [(ONE, {"router_id": "r1", **hop(1)}), (SET, {"router": "r1", "routes": [hop(1)]})],
)
async def test_replaced_routes_make_way_and_come_back(kind: str, properties: Any) -> None:
    ctx = with_router(kind, properties, hop(1), physical="r1")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert sent(ctx) == [("remove", [hop(1)]), ("add", [hop(1)])]


async def test_routes_of_a_router_that_is_gone_are_gone() -> None:
    ctx = FakeContext(SET, physical="r1", properties={"router": "r1", "routes": [hop(1)]})
    ctx.cloud.on("PUT", "/routers/r1/remove_extraroutes", CloudNotFound("no router"))
    with pytest.raises(CloudNotFound):  # which the engine takes for done
        await ctx.type.delete(ctx, ctx.props)
