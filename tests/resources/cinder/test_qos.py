from typing import Any

import pytest

from stackd.errors import CloudError, CloudNotFound
from tests.support.context import FakeContext, gone

SPECS, ASSOCIATION = "OS::Cinder::QoSSpecs", "OS::Cinder::QoSAssociation"


def specs(physical: str | None = "q", **properties: Any) -> FakeContext:
    return FakeContext(SPECS, physical=physical, properties={"specs": {"a": 1, "b": "2"}} | properties)


def association(*volume_types: str) -> FakeContext:
    properties = {"qos_specs": "q", "volume_types": list(volume_types)}
    return FakeContext(ASSOCIATION, physical="q", properties=properties)


def asked(ctx: FakeContext) -> list[tuple[str, Any]]:
    return [(call.path.rpartition("/")[2], call.params["vol_type_id"]) for call in ctx.cloud.calls]


async def test_specs_stand_beside_the_name() -> None:
    ctx = specs(None)
    ctx.cloud.on("POST", "/qos-specs", {"qos_specs": {"id": "q"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"qos_specs": {"a": "1", "b": "2", "name": ctx.physical_name}}]


async def test_update_removes_and_sets_specs() -> None:
    ctx = specs()
    live = {"id": "q", "consumer": "both", "specs": {"a": "1", "b": "2", "foreign": "x"}}
    ctx.cloud.on("GET", "/qos-specs/q", {"qos_specs": live})
    ctx.cloud.on("PUT", "/qos-specs/q/delete_keys").on("PUT", "/qos-specs/q")
    await ctx.type.update(ctx, ctx.props, ctx.load({"specs": {"b": "3"}}))
    assert ctx.cloud.sent("PUT") == [
        {"keys": ["a", "foreign"]},
        {"qos_specs": {"consumer": "back-end", "b": "3"}},
    ]


async def test_update_that_was_done_already_changes_nothing() -> None:
    ctx = specs()
    live = {"id": "q", "consumer": "back-end", "specs": {"a": "1", "b": "2"}}
    ctx.cloud.on("GET", "/qos-specs/q", {"qos_specs": live})
    await ctx.type.update(ctx, ctx.load({"specs": {}}), ctx.props)
    assert ctx.cloud.asked() == []
    wanted = {"a": "1", "b": "2", "consumer": "back-end"}
    assert ctx.type.observed(ctx.props, live) == {"specs": (wanted, wanted)}


async def test_specs_leave_all_volume_types_before_they_go() -> None:
    ctx = specs()
    ctx.cloud.on("GET", "/qos-specs/q/disassociate_all", None, gone()).on("DELETE", "/qos-specs/q")
    await ctx.type.delete(ctx, ctx.props)
    assert [(call.method, call.path) for call in ctx.cloud.calls] == [
        ("GET", "/qos-specs/q/disassociate_all"),
        ("DELETE", "/qos-specs/q"),
    ]
    with pytest.raises(CloudNotFound):  # which the engine takes for done
        await ctx.type.delete(ctx, ctx.props)


async def test_association_gives_specs_to_types_and_takes_them() -> None:
    ctx = association("b", "a")
    ctx.cloud.on("GET", "/qos-specs/q/associate").on("GET", "/qos-specs/q/disassociate", gone(), None)
    await ctx.type.configure(ctx, ctx.props)
    await ctx.type.update(ctx, ctx.props, ctx.load({"qos_specs": "q", "volume_types": ["b", "c"]}))
    await ctx.type.delete(ctx, ctx.props)
    assert asked(ctx) == [
        ("associate", "a"),
        ("associate", "b"),
        ("disassociate", "a"),
        ("associate", "c"),
        ("disassociate", "a"),
        ("disassociate", "b"),
    ]


async def test_type_with_other_specs_is_refused_by_the_service() -> None:
    ctx = association("a")
    ctx.cloud.on("GET", "/qos-specs/q/associate", CloudError("has others", status=400))
    with pytest.raises(CloudError, match="has others"):
        await ctx.type.configure(ctx, ctx.props)


@pytest.mark.parametrize(("holder", "freed"), [(None, []), ("q", []), ("r", ["/qos-specs/r/disassociate"])])
async def test_specs_come_back_to_types_that_have_others_by_now(holder: str | None, freed: list[str]) -> None:
    ctx = association("a")
    ctx.cloud.on("GET", "/types/a", {"volume_type": {"id": "a", "qos_specs_id": holder}})
    ctx.cloud.on("GET", "/qos-specs/r/disassociate").on("GET", "/qos-specs/q/associate")
    await ctx.type.undo_replace(ctx, ctx.props)
    paths = [call.path for call in ctx.cloud.calls]
    assert paths == ["/types/a", *freed, "/qos-specs/q/associate"]
