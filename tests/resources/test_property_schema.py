"""What each type of property takes, what becomes of it, and in which words anything else is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.errors import PropertyError
from stackd.resources.constraints import between, length, matches, one_of
from stackd.resources.property_schema import PropertySchema, convert, convert_all
from stackd.resources.schema import IMMUTABLE, IN_PLACE, Properties, Support, prop
from stackd.template.constraints import Modulo
from stackd.template.unknown import Unknown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(Unknown("r")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
TYPES = ("string", "integer", "number", "boolean", "list", "map", "any")


def converted(kind: str, value: Any, **more: Any) -> tuple[Any, list[str]]:
    """The value that a property of a type has, and the complaints."""
    errors: list[PropertyError] = []
    result = convert(PropertySchema("p", kind, **more), value, "p", errors)
    return result, [error.message for error in errors]


@pytest.mark.parametrize(
    ("kind", "given_value", "expected"),
    [
        ("string", "a", "a"),
        ("string", True, "True"),
        ("string", 5, "5"),
        ("integer", 5, 5),
        ("integer", True, 1),
        ("integer", 5.9, 5),
        ("integer", "-7", -7),
        ("number", 5, 5),
        ("number", 1.5, 1.5),
        ("number", "7", 7),
        ("number", "1.50", 1.5),
        ("number", "1e3", 1000.0),
        ("boolean", True, True),
        ("boolean", "tRUE", True),
        ("boolean", "False", False),
        ("list", [1, "a"], [1, "a"]),
        ("list", (1,), [1]),
        ("map", {"a": 1}, {"a": 1}),
        ("any", {"a": [None]}, {"a": [None]}),
        ("any", 1.5, 1.5),
    ],
)
def test_value_is_converted(kind: str, given_value: Any, expected: Any) -> None:
    result, complaints = converted(kind, given_value)
    assert (result, complaints) == (expected, [])
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given_value", "complaint"),
    [
        ("string", 1.5, "Value must be a string; got 1.5"),
        ("string", {"a": "b"}, "Value must be a string; got {'a': 'b'}"),
        ("string", ["a"], "Value must be a string; got ['a']"),
        ("integer", "many", "Value 'many' is not an integer"),
        ("integer", "1.5", "Value '1.5' is not an integer"),
        ("integer", [1], "Value '[1]' is not an integer"),
        ("integer", float("inf"), "Value 'inf' is not an integer"),
        ("number", "abc", "could not convert string to float: 'abc'"),
        ("boolean", "yes", '"yes" is not a valid boolean'),
        ("boolean", 1, '"1" is not a valid boolean'),
        ("boolean", "1", '"1" is not a valid boolean'),
        ("list", "a,b", '"a,b" is not a list'),
        ("list", {"class": "digits"}, "\"{'class': 'digits'}\" is not a list"),
        ("list", 5, '"5" is not a list'),
        ("map", "{a", '"{a" is not a map'),
        ("map", [1], '"[1]" is not a map'),
        ("map", 5, '"5" is not a map'),
    ],
)
def test_value_is_refused(kind: str, given_value: Any, complaint: str) -> None:
    assert converted(kind, given_value) == (None, [complaint])


@pytest.mark.parametrize(
    ("kind", "empty", "default"),
    [
        ("string", "", "d"),
        ("integer", 0, 4),
        ("number", 0, 2.5),
        ("boolean", False, True),
        ("list", [], [1]),
        ("map", {}, {"a": 1}),
    ],
)
def test_null_is_the_default_or_else_empty(kind: str, empty: Any, default: Any) -> None:
    assert converted(kind, None) == (empty, [])
    assert converted(kind, None, default=default) == (default, [])


def test_null_of_any_type_stays_null() -> None:
    assert converted("any", None) == (None, [])
    assert converted("any", None, default=5) == (None, [])


@pytest.mark.parametrize(
    ("kind", "given_value", "expected"),
    [
        ("list", "a,b", ["a", "b"]),
        ("list", "", []),
        ("list", ["a"], ["a"]),
        ("map", '{"a": [1]}', '{"a": [1]}'),
        ("map", [1, {"a": None}], '[1, {"a": null}]'),
        ("map", {"a": 1}, {"a": 1}),
        ("map", [Unknown("r")], [Unknown("r")]),
    ],
)
def test_property_that_stands_for_a_parameter_takes_more(kind: str, given_value: Any, expected: Any) -> None:
    assert converted(kind, given_value, convertible=True) == (expected, [])


@pytest.mark.parametrize("falsy", [0, False, "", [], {}])
def test_default_takes_the_place_of_null_only(falsy: Any) -> None:
    kinds = {int: "integer", bool: "boolean", str: "string", list: "list", dict: "map"}
    defaults = {int: 7, bool: True, str: "d", list: [1], dict: {"a": 1}}
    assert converted(kinds[type(falsy)], falsy, default=defaults[type(falsy)]) == (falsy, [])


@pytest.mark.parametrize(
    ("kind", "constraint", "bad", "complaint"),
    [
        ("string", length(1), None, "length (0) is out of range (min: 1, max: None)"),
        ("string", length(None, 2), "abc", "length (3) is out of range (min: None, max: 2)"),
        ("integer", between(1, 512), 513, "513 is out of range (min: 1, max: 512)"),
        ("integer", between(0), "-1", "-1 is out of range (min: 0, max: None)"),
        ("number", Modulo(2, 1), 4, "4 is not a multiple of 2 with an offset of 1"),
        ("string", one_of("a", "b"), "z", '"z" is not an allowed value ["a", "b"]'),
        ("integer", one_of(1, 2), 7, "7 is not an allowed value [1, 2]"),
        ("list", one_of("a"), ["a", "zz"], '["a", "zz"] is not an allowed value ["a"]'),
        ("string", matches("[a-y]+"), "az", '"az" does not match pattern "[a-y]+"'),
    ],
)
def test_constraint_sees_the_converted_value(kind: str, constraint: Any, bad: Any, complaint: str) -> None:
    assert converted(kind, bad, constraints=(constraint,))[1] == [complaint]


@given(st.sampled_from(TYPES), JSON, st.booleans())
def test_any_value_is_converted_or_refused_and_converted_values_stay(
    kind: str, value: Any, convertible: bool
) -> None:
    result, complaints = converted(kind, value, convertible=convertible)
    if not complaints and result == result:  # what is no number differs from itself
        again = converted(kind, result, convertible=convertible)
        assert repr(again) == repr((result, []))


class Inner(Properties):
    """A map with keys of its own."""

    size: int = prop("Size.", default=3)
    name: str | None = prop("Name.", required=True)


class Outer(Properties):
    """What is read in each of the ways there are."""

    text: str | None = prop("Text.", required=True, constraints=[length(1)])
    number: int = prop("Number.", default=4)
    plain: str | None = prop("Plain.")
    later: str | None = prop("Not yet.", implemented=False)
    inner: Inner | None = prop("Inner.")
    many: list[Inner] | None = prop("Many.")
    new: str | None = prop("New.", required=False)
    old: str | None = prop("Old.", support=Support("DEPRECATED"), moved_to="new")


def complaints(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """Where and what is wrong, in the order of the report."""
    errors: list[PropertyError] = []
    convert_all(Outer.schema, raw, "properties", errors)
    return [(error.path, error.message) for error in errors]


def test_value_then_default_then_missing() -> None:
    props = Outer.load({"text": "a"})
    assert (props.text, props.number, props.plain) == ("a", 4, None)
    assert complaints({}) == [("properties", "Property text not assigned")]


def test_null_satisfies_required_but_not_the_constraints() -> None:
    assert complaints({"text": None}) == [
        ("properties.text", "length (0) is out of range (min: 1, max: None)")
    ]


def test_value_that_is_not_known_yet_satisfies_everything() -> None:
    assert complaints({"text": Unknown("r"), "inner": {"name": Unknown("r")}, "many": [Unknown("r")]}) == []


def test_complaints_come_in_order_with_their_paths() -> None:
    raw = {
        "nothing": 1,
        "number": "x",
        "later": "x",
        "inner": {"siez": 1},
        "many": [{"name": "a"}, {"name": ["b"]}, 5],
    }
    assert complaints(raw) == [
        ("properties.nothing", "Unknown Property nothing"),
        ("properties", "Property text not assigned"),
        ("properties.number", "Value 'x' is not an integer"),
        ("properties.later", "Property later not implemented yet"),
        ("properties.inner.siez", "Unknown Property siez"),
        ("properties.inner", "Property name not assigned"),
        ("properties.many[1].name", "Value must be a string; got ['b']"),
        ("properties.many[2]", '"5" is not a map'),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"old": "x"}, "x"),
        ({"new": "y"}, "y"),
        ({"old": None, "new": "y"}, "y"),
        ({"old": "x", "new": None}, "x"),
    ],
)
def test_former_name_hands_its_value_over(raw: dict[str, Any], expected: str) -> None:
    props = Outer.load({"text": "a", **raw})
    assert (props.new, props.old or None) == (expected, None)


def test_former_and_present_name_exclude_each_other() -> None:
    both = "Cannot define the following properties at the same time: new, old."
    assert complaints({"text": "a", "old": "x", "new": "y"}) == [("properties", both)]


class Flags(Properties):
    """A property of each update behaviour."""

    here: str | None = prop("Here.", update=IN_PLACE)
    fixed: str | None = prop("Fixed.", update=IMMUTABLE)
    other: str | None = prop("Other.")


def test_value_that_converts_to_the_same_is_no_change() -> None:
    assert Flags.load({"here": "5"}).changed(Flags.load({"here": 5})) == frozenset()


def test_flags_shown_are_those_that_decide() -> None:
    shown = {name: each.shown() for name, each in Flags.schema.items()}
    assert {name: (view["update_allowed"], view["immutable"]) for name, view in shown.items()} == {
        "here": (True, False),
        "fixed": (False, True),
        "other": (False, False),
    }


class Nested(Properties):
    inner: list[dict[str, Any]] = prop("Maps.", default=[{"a": [1]}])
    odd: int = prop("A default that is not valid.", default="many")


def test_default_that_is_a_list_or_map_belongs_to_each_resource_alone() -> None:
    first, second = Nested.load({"odd": 1}), Nested.load({"odd": 1})
    first.inner[0]["a"].append(2)
    assert second.inner == Nested.load({"odd": 1}).inner == [{"a": [1]}]


def test_default_that_is_not_valid_is_reported_where_it_is_needed() -> None:
    with pytest.raises(PropertyError, match="not an integer"):
        Nested.load({})
