from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.resources.constraints import between, one_of
from stackd.resources.property_schema import walk_values
from stackd.resources.schema import IN_PLACE, Properties, Support, prop
from stackd.template.unknown import Unknown


class Inner(Properties):
    """A map with keys of its own."""

    size: int = prop("Size.", default=3, constraints=[between(1, 9)])
    name: str | None = prop("Name.", find="nova.flavor")


class Outer(Properties):
    """Everything that can be declared."""

    text: str | None = prop("Text.", update=IN_PLACE)
    number: float | None = prop("Number.")
    flag: bool = prop("Flag.", default=True)
    inner: Inner | None = prop("One.")
    many: list[Inner] | None = prop("Many.")
    words: list[str] | None = prop("Words.", element_constraints=[one_of("a", "b")])
    anything: Any = prop("Anything.")
    mapped: dict[str, Any] = prop("Map.", name="map-data", default={})
    old: str | None = prop("Old.", support=Support("HIDDEN"), moved_to="text")


def complaint(**values: Any) -> Any:
    with pytest.raises(PropertyError) as refused:
        Outer.load(values)
    return refused.value.path, refused.value.message


def test_values_are_read_by_their_python_names() -> None:
    props: Any = Outer.load({"inner": {"name": "x"}, "many": [{"size": "4"}], "text": 5, "number": "1.5"})
    assert (props.text, props.number, props.flag, props.mapped) == ("5", 1.5, True, {})
    assert props.inner.size == 3
    assert [each.size for each in props.many] == [4]
    assert props.words is None
    assert props.given == {"inner", "many", "text", "number"}


@pytest.mark.parametrize(
    ("values", "path", "message"),
    [
        ({"text": [1]}, "properties.text", "Value must be a string; got [1]"),
        ({"number": "x"}, "properties.number", "could not convert string to float: 'x'"),
        ({"flag": "yes"}, "properties.flag", '"yes" is not a valid boolean'),
        ({"many": [{"size": 10}]}, "properties.many[0].size", "10 is out of range (min: 1, max: 9)"),
        ({"many": "text"}, "properties.many", '"text" is not a list'),
        ({"inner": [1]}, "properties.inner", '"[1]" is not a map'),
        ({"words": ["a", "z"]}, "properties.words[1]", '"z" is not an allowed value ["a", "b"]'),
        ({"inner": {"siez": 1}}, "properties.inner.siez", "Unknown Property siez"),
    ],
)
def test_a_complaint_says_where_and_what(values: Any, path: Any, message: Any) -> None:
    assert complaint(**values) == (path, message)


def test_unknown_values_pass_unchecked() -> None:
    props: Any = Outer.load({"inner": {"size": Unknown("r")}, "words": [Unknown("r")], "flag": Unknown("r")})
    assert props.inner.size == Unknown("r")
    assert props.flag == Unknown("r")


def test_null_is_the_default_or_empty() -> None:
    props = Outer.load({"text": None, "flag": None, "number": None})
    assert (props.text, props.flag, props.number) == ("", True, 0)
    assert props.given == frozenset()


def test_an_old_name_moves_to_the_new_one() -> None:
    assert Outer.load({"old": "x"}).text == "x"
    assert "at the same time" in complaint(old="x", text="y")[1]


def test_loaded_values_can_be_loaded_again() -> None:
    once = Outer.load({"inner": {"name": "x"}, "words": ["a"], "old": "y"})
    assert Outer.load(once.data).data == once.data


def test_differences_are_by_wire_name() -> None:
    old, new = Outer.load({"text": "a", "map-data": {"x": 1}}), Outer.load({"text": "b"})
    assert new.changed(old) == {"text", "map-data"}
    assert new.changed_from(old, "text", "flag") == {"text": "b"}
    assert new.body("text", "number") == {"text": "b"}


def test_every_place_with_a_name_to_look_up_is_found() -> None:
    data = Outer.load({"inner": {"name": "x"}, "many": [{"name": "y"}, {}]}).data
    found = {path: value for schema, value, path, _, _ in walk_values(Outer.schema, data) if schema.find}
    assert found == {"inner.name": "x", "many[0].name": "y"}


def test_the_api_shows_schemas() -> None:
    assert Outer.schema["many"].shown() == {
        "type": "list",
        "required": False,
        "update_allowed": False,
        "immutable": False,
        "description": "Many.",
        "schema": {
            "*": {
                "type": "map",
                "required": False,
                "update_allowed": False,
                "immutable": False,
                "schema": {name: each.shown() for name, each in Inner.schema.items()},
            }
        },
    }
    assert Inner.schema["name"].shown()["constraints"] == [{"custom_constraint": "nova.flavor"}]
    assert Outer.schema["old"].hidden
