"""What follows from the declaration of a type of a REST API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.errors import PropertyError, ResourceFailure, ResourceInError
from stackd.resources.attributes import attr
from stackd.resources.entity import Entity, Readiness
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same, without_nulls
from stackd.resources.schema import IN_PLACE, Properties, prop
from tests.support.context import FakeContext
from tests.support.records import a_resource, a_stack

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


class DeskProps(Properties):
    """Properties of a desk."""

    name: str | None = prop("Name.", update=IN_PLACE)
    owner: str | None = prop("Who sits at it.", update=IN_PLACE)
    colour: str | None = prop("Colour.", update=IN_PLACE)
    drawers: list[Any] | None = prop("Drawers.", update=IN_PLACE)
    height: int | None = prop("Height in cm.", update=IN_PLACE)
    value_specs: dict[str, Any] = prop("Further fields.", default={}, update=IN_PLACE)
    tags: list[str] | None = prop("Tags.", update=IN_PLACE)


@resource_type("ACME::Office::Desk")
class Desk(RestResource[DeskProps]):
    """A desk."""

    entity = Entity("office", "/desks", "desk", "desks", update="PATCH", tags=True)
    readiness = Readiness(ready=("free",), working=("ordered",), field="state")
    fields: ClassVar = same("name", "colour") | {
        "owner": Field("owner_id", cleared=KEEP),
        "drawers": Field("drawers", cleared=[]),
        "height": Field("height_mm", convert=lambda cm: cm * 10),
    }
    attributes: ClassVar = {"colour": attr("Colour."), "who": attr("Who sits at it.", source="owner_id")}


def desk(kind: type[RestResource[Any]] = Desk, physical: str | None = "d", **properties: Any) -> FakeContext:
    ctx = FakeContext("OS::Heat::None", physical=physical, properties=properties)
    ctx.type = kind()
    return ctx


async def changed(old: dict[str, Any], new: dict[str, Any]) -> list[Any]:
    ctx = desk()
    ctx.cloud.on("PATCH", "/desks/d").on("PUT", "/desks/d/tags")
    await ctx.type.update(ctx, ctx.load(old), ctx.load(new))
    return [call.body for call in ctx.cloud.calls]


async def test_create_sends_what_has_a_value_by_the_names_of_the_api() -> None:
    ctx = desk(physical=None, owner="me", colour="", height=70, value_specs={"x": 1})
    ctx.cloud.on("POST", "/desks", {"desk": {"id": "d"}})
    await ctx.type.create(ctx, ctx.props)
    body = {"name": ctx.physical_name, "owner_id": "me", "height_mm": 700, "x": 1}
    assert (ctx.physical_id, ctx.cloud.sent("POST")) == ("d", [{"desk": body}])


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        ({"name": "a"}, {"name": "b"}, {"name": "b"}),
        ({"name": "a"}, {}, {"name": "app-thing-abcdefghijkl"}),
        ({"colour": "red"}, {}, {"colour": None}),
        ({"drawers": [1]}, {}, {"drawers": []}),
        ({}, {"height": 80}, {"height_mm": 800}),
        ({"value_specs": {"a": 1, "b": 2}}, {"value_specs": {"a": 1, "b": 3}}, {"b": 3}),
    ],
)
async def test_update_sends_what_differs(old: Any, new: Any, body: Any) -> None:
    assert await changed(old, new) == [{"desk": body}]


@pytest.mark.parametrize(("old", "new"), [({"owner": "me"}, {}), ({"colour": "red"}, {"colour": "red"})])
async def test_update_without_anything_to_send_asks_nothing(old: Any, new: Any) -> None:
    assert await changed(old, new) == []


async def test_tags_are_a_collection_of_their_own() -> None:
    assert await changed({"tags": ["a"]}, {"tags": ["b"]}) == [{"tags": ["b"]}]
    assert await changed({"tags": ["a"]}, {}) == [{"tags": []}]


async def test_interrupted_create_is_found_by_its_name() -> None:
    ctx = desk(physical=None)
    ours, other = {"id": "d", "name": ctx.physical_name}, {"id": "e", "name": "x"}
    ctx.cloud.on("GET", "/desks", {"desks": [other, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[0].params == {"name": ctx.physical_name}


async def test_mark_tells_objects_of_one_name_apart() -> None:
    class Marked(Desk):
        entity = Entity("office", "/desks", "desk", "desks", mark="resource", list_query={"all": "1"})

    ctx = desk(Marked, None, name="same")
    ours, other = {"id": "d", "name": "same", "resource": "thing-uuid"}, {"id": "e", "name": "same"}
    ctx.cloud.on("GET", "/desks", {"desks": [other, ours]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[0].params == {"all": "1", "name": "same"}


async def test_object_without_name_and_mark_cannot_be_found() -> None:
    class Nameless(Desk):
        entity = Entity("office", "/desks", "desk", "desks", name_field="")

    ctx = desk(Nameless, None)
    assert await ctx.type.find(ctx, ctx.props) == []


def test_collection_inside_another_object_is_found_by_the_property_or_the_stored_id() -> None:
    members = Entity("load-balancer", "/pools/{pool}/members", "member", "members")
    pool = a_resource(a_stack(), properties={"pool": "a b"})
    assert members.of(pool).path == "/pools/a%20b/members"
    assert members.of(replace(pool, data={"pool": "7"})).at("m") == "/pools/7/members/m"
    with pytest.raises(ResourceFailure, match="It is not known in which pool the object is"):
        members.of(replace(pool, properties={}))


async def test_object_is_ready_when_its_status_says_so() -> None:
    kind = Desk()
    assert kind.takes_time
    assert kind.status_field == "state"
    assert not kind.ready({"state": "ordered"})
    assert kind.ready({"state": "free"})
    with pytest.raises(ResourceInError):
        kind.ready({"state": "broken"})


@pytest.mark.parametrize(("survives", "status", "broken"), [(0, "ok", 1), (1, "ok", 0), (1, "ERROR", 1)])
def test_failed_object_is_replaced_unless_it_survives(survives: int, status: str, broken: int) -> None:
    class Kept(Desk):
        pass

    Kept.survives = bool(survives)
    assert Kept().broken({"state": status}) == bool(broken)


def test_names_of_properties_are_refused_in_value_specs() -> None:
    ctx = desk(value_specs={"colour": "red", "tenant_id": "t"})
    with pytest.raises(PropertyError, match="colour, tenant_id not allowed in value_specs"):
        ctx.type.validate(ctx.props)


def test_field_of_no_property_is_a_mistake_of_the_type() -> None:
    with pytest.raises(TypeError, match="no property is called wheels"):

        class Wrong(Desk):
            fields: ClassVar = same("wheels")


def test_properties_are_the_class_in_the_brackets() -> None:
    assert Desk.properties is DeskProps


def test_attributes_that_show_a_property_follow_from_the_fields() -> None:
    assert Desk.shown_by["owner"] == {"who"}
    assert Desk.shown_by["colour"] == {"colour"}
    assert Desk.shown_by["height"] == frozenset()


def nulls_in_maps(value: Any) -> bool:
    if isinstance(value, dict):
        return any(each is None or nulls_in_maps(each) for each in value.values())
    return isinstance(value, list) and any(nulls_in_maps(each) for each in value)


@given(plain)
def test_without_nulls_leaves_none_in_any_map(value: Any) -> None:
    assert not nulls_in_maps(without_nulls(value))


@given(plain)
def test_without_nulls_twice_is_the_same(value: Any) -> None:
    once = without_nulls(value)
    assert without_nulls(once) == once
