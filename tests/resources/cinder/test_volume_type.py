from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

KIND = "OS::Cinder::VolumeType"


def volume_type(physical: str | None = "t", **properties: Any) -> FakeContext:
    return FakeContext(KIND, physical=physical, properties={"name": "gold"} | properties)


async def test_private_type_is_made_and_lets_projects_in() -> None:
    ctx = volume_type(None, is_public=False, projects=["b", "a"], metadata={"x": 1})
    ctx.cloud.on("POST", "/types", {"volume_type": {"id": "t"}}).on("POST", "/types/t/extra_specs")
    ctx.cloud.on("POST", "/types/t/action", CloudConflict("is in"), None)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {"volume_type": {"name": "gold", "os-volume-type-access:is_public": False}},
        {"extra_specs": {"x": "1"}},
        {"addProjectAccess": {"project": "a"}},
        {"addProjectAccess": {"project": "b"}},
    ]


async def test_access_goes_before_a_type_becomes_public_and_comes_after() -> None:
    private, public = {"is_public": False, "projects": ["a"]}, {"is_public": True}
    ctx = volume_type()
    ctx.cloud.on("GET", "/types/t", {"volume_type": {"is_public": False}})
    ctx.cloud.on("PUT", "/types/t").on("POST", "/types/t/action", gone(), None)
    await ctx.type.update(ctx, *(ctx.load({"name": "gold", **each}) for each in (private, public)))
    await ctx.type.update(ctx, *(ctx.load({"name": "gold", **each}) for each in (public, private)))
    assert [call.body for call in ctx.cloud.calls if call.method != "GET"] == [
        {"removeProjectAccess": {"project": "a"}},
        {"volume_type": {"is_public": True}},
        {"volume_type": {"is_public": False}},
        {"addProjectAccess": {"project": "a"}},
    ]


async def test_type_that_became_public_before_a_crash_has_no_access_to_change() -> None:
    ctx = volume_type(is_public=False, projects=["a"])
    ctx.cloud.on("GET", "/types/t", {"volume_type": {"is_public": True}}).on("PUT", "/types/t")
    await ctx.type.update(ctx, ctx.props, ctx.load({"name": "gold"}))
    assert ctx.cloud.asked() == [("PUT", "/types/t")]


async def test_description_that_is_taken_away_is_emptied() -> None:
    ctx = volume_type(description="d")
    ctx.cloud.on("PUT", "/types/t")
    await ctx.type.update(ctx, ctx.props, ctx.load({"name": "gold"}))
    assert ctx.cloud.sent("PUT") == [{"volume_type": {"description": ""}}]


async def test_extra_specs_become_exactly_those_of_the_template() -> None:
    ctx = volume_type(metadata={"a": "1"})
    specs = "/types/t/extra_specs"
    ctx.cloud.on("GET", specs, {"extra_specs": {"a": "1", "z": "9"}})
    ctx.cloud.on("DELETE", f"{specs}/a").on("DELETE", f"{specs}/z").on("POST", specs)
    await ctx.type.update(ctx, ctx.props, ctx.load({"name": "gold", "metadata": {"b": "2"}}))
    await ctx.type.update(ctx, ctx.props, ctx.load({"name": "gold"}))
    assert ctx.cloud.sent("POST") == [{"extra_specs": {"b": "2"}}]
    assert len(ctx.cloud.asked("DELETE")) == 4


def test_projects_are_for_private_types_only() -> None:
    ctx = volume_type(projects=["a"])
    with pytest.raises(PropertyError, match="only if it is not public") as refused:
        ctx.type.validate(ctx.props)
    assert refused.value.path == "properties.projects"
    for is_public in (False, Unknown("other", ("value",))):
        ctx.type.validate(ctx.load({"name": "gold", "projects": ["a"], "is_public": is_public}))


async def test_lost_type_is_found_by_its_name_and_drift_is_seen() -> None:
    ctx = volume_type(metadata={"a": 1})
    listed = [{"id": "t", "name": "gold"}, {"id": "u", "name": "other"}]
    ctx.cloud.on("GET", "/types", {"volume_types": listed})
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["t"]
    assert ctx.cloud.calls[0].params == {"is_public": "None"}
    live = {"id": "t", "name": "tin", "is_public": True, "description": None, "extra_specs": {}}
    assert ctx.type.observed(ctx.props, live) == {
        "name": ("gold", "tin"),
        "is_public": (True, True),
        "metadata": ({"a": "1"}, {}),
    }
