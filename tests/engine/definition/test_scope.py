"""What references resolve to, before and after their resources exist."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from stackd.engine.definition.scope import StackScope, attribute_key
from stackd.engine.definition.types import ResolvedType
from stackd.errors import InvalidTemplateAttribute
from stackd.records import Action, Resource
from stackd.resources.attributes import attr
from stackd.resources.base import NestedType, ResourceType
from stackd.resources.schema import Properties
from stackd.template.functions.refs import select
from stackd.template.unknown import Unknown
from tests.support.records import a_resource, a_stack


class Plain(ResourceType[Properties]):
    type_name = "T"
    attributes: ClassVar = {"address": attr("An address."), "nets": attr("Networks.", "map")}


class Nested(NestedType[Properties]):
    type_name = "N"


def a_scope(kind: ResourceType[Any], row: Resource | None, **facade: Any) -> StackScope:
    return StackScope(None, {}, {"r": ResolvedType("T", "T", kind)}, {"r": row}, facade)  # type: ignore[arg-type]


def made(**fields: Any) -> Resource:
    return a_resource(a_stack(), "r", **({"action": Action.CREATE, "physical_id": "p"} | fields))


def test_reference_is_unknown_until_there_is_an_object() -> None:
    assert a_scope(Plain(), None).reference("r") == Unknown("r")
    assert a_scope(Plain(), made(action=Action.INIT)).reference("r") == Unknown("r")
    assert a_scope(Plain(), made()).reference("r") == "p"


def test_attribute_is_unknown_until_there_is_an_object() -> None:
    assert a_scope(Plain(), None).attribute("r", "address", (0,)) == Unknown("r", ("address", 0))
    assert a_scope(Plain(), None).all_attributes("r") == Unknown("r", ("*",))


def test_unknown_attribute_is_refused_before_there_is_an_object() -> None:
    with pytest.raises(InvalidTemplateAttribute, match=r"\(r adress\) is incorrect") as caught:
        a_scope(Plain(), None).attribute("r", "adress", ())
    assert caught.value.remedy == "T has: address, nets."


@pytest.mark.parametrize("name", ["show", "address"])
def test_show_is_an_attribute_of_every_type(name: str) -> None:
    assert a_scope(Plain(), made(attributes={name: 1})).attribute("r", name, ()) == 1


def test_nested_types_have_whatever_attributes_their_members_have() -> None:
    key = attribute_key("attributes", ("ip", 0))
    row = made(attributes={key: [1, 2], "refs": ["a", "b"]})
    scope = a_scope(Nested(), row)
    assert scope.attribute("r", "attributes", ("ip", 0)) == [1, 2]
    assert scope.attribute("r", "refs", (1,)) == "b"
    assert scope.attribute("r", "whatever", ()) is None
    assert scope.all_attributes("r") == {"refs": ["a", "b"]}


def test_scope_sees_a_row_the_moment_it_changes() -> None:
    rows: dict[str, Resource | None] = {"r": None}
    scope = StackScope(None, {}, {"r": ResolvedType("T", "T", Plain())}, rows)  # type: ignore[arg-type]
    assert scope.reference("r") == Unknown("r")
    rows["r"] = made(physical_id="q")
    assert scope.reference("r") == "q"


def test_facade_answers_with_what_the_outer_resource_says() -> None:
    scope = a_scope(Plain(), None, metadata={"a": 1})
    assert (scope.facade("metadata"), scope.facade("update_policy")) == ({"a": 1}, None)


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"a": [{"b": 1}]}, ("a", 0, "b"), 1),
        ({"a": [1, 2]}, ("a", "1"), None),
        ({"1": "x"}, (1,), None),
        ({"a": 1}, ("b",), None),
        ([1], (5,), None),
        ([1], ("x",), None),
        ("text", ("a",), None),
        ("text", (0,), "t"),
        (None, ("a",), None),
        ("text", (), "text"),
    ],
)
def test_path_leads_into_maps_and_lists_and_otherwise_nowhere(value: Any, path: Any, found: Any) -> None:
    assert select(value, path) == found


def test_path_into_the_unknown_stays_unknown() -> None:
    assert select({"a": Unknown("r")}, ("a", "b")) == Unknown("r", ("b",))


class Computing(ResourceType[Properties]):
    type_name = "C"
    attributes: ClassVar = {
        "secret": attr("A secret.", "map", compute=lambda resource: resource.data.get("secret"))
    }


def test_computed_attribute_is_worked_out_from_what_is_stored() -> None:
    scope = a_scope(Computing(), made(data={"secret": {"a": [1, 2]}}))
    assert scope.attribute("r", "secret", ("a", 1)) == 2
    assert scope.all_attributes("r") == {"secret": {"a": [1, 2]}}


def test_computed_attribute_is_unknown_where_a_plan_says_so() -> None:
    row = made(data={"secret": {"a": 1}}, attributes={"secret": Unknown("r", ("secret",))})
    assert a_scope(Computing(), row).attribute("r", "secret", ("a",)) == Unknown("r", ("secret", "a"))
    assert a_scope(Computing(), row).all_attributes("r") == {"secret": Unknown("r", ("secret",))}
