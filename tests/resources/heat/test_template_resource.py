from typing import Any

import pytest

from stackd.errors import InvalidTemplateAttribute, NotFound, PropertyError, TemplateError
from stackd.resources.base import Members
from stackd.resources.heat.template_resource import check_facade, template_resource
from stackd.template.template import load_template
from stackd.template.unknown import Unknown
from tests.support.context import make_resource, type_named

TEMPLATE = """
heat_template_version: 2016-10-14
parameters:
  size: {type: number, default: 1, constraints: [{range: {min: 1, max: 9}}]}
  name: {type: string, description: A name}
  zones: {type: comma_delimited_list, default: []}
  extra: {type: json, default: {}}
  fast: {type: boolean, default: false}
resources:
  inner: {type: OS::Heat::Value, properties: {value: 1}}
outputs:
  address: {value: 1, description: Where it is}
  deep: {value: 1}
"""


@pytest.fixture
def kind() -> Any:
    return template_resource(load_template(TEMPLATE), "box.yaml")


def members(**outputs: Any) -> Any:
    return Members(
        {"inner": make_resource("inner")},
        {"inner": "inner-id"},
        outputs,
        lambda name, path: f"{name}:{'.'.join(map(str, path))}",
    )


def test_parameters_are_properties_that_change_in_place(kind: Any) -> None:
    shown = {name: schema.shown() for name, schema in kind.properties.schema.items()}
    assert shown["size"] == {
        "type": "number",
        "required": False,
        "update_allowed": True,
        "immutable": False,
        "constraints": [{"range": {"min": 1, "max": 9}}],
    }
    assert shown["name"]["required"]
    assert shown["name"]["description"] == "A name"
    assert [shown[name]["type"] for name in ("zones", "extra", "fast")] == ["list", "map", "boolean"]
    assert kind.attributes["address"].description == "Where it is"
    assert kind.type_name == "box.yaml"


def test_a_default_of_the_environment_makes_a_property_optional() -> None:
    kind = template_resource(load_template(TEMPLATE), "box.yaml", {"name": "x"})
    assert not kind.properties.schema["name"].required


def test_constraints_of_parameters_hold_for_properties(kind: Any) -> None:
    with pytest.raises(PropertyError, match="10 is out of range"):
        kind.properties.load({"name": "n", "size": 10})


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ({"name": "n"}, {"name": "n"}),
        ({"name": "n", "zones": None, "fast": None}, {"name": "n", "zones": "", "fast": False}),
        ({"name": "n", "size": "2", "fast": "true"}, {"name": "n", "size": 2, "fast": True}),
        ({"name": "n", "zones": ["a", None, 1]}, {"name": "n", "zones": "a,,1"}),
        ({"name": "n", "zones": []}, {"name": "n", "zones": ""}),
        ({"name": "n", "zones": "a,b"}, {"name": "n", "zones": "a,b"}),
        (
            {"name": "n", "zones": [{"Name": "a", "Value": 1}, {"Name": "b"}]},
            {"name": "n", "zones": ".member.0.Name=a,.member.0.Value=1,.member.1.Name=b"},
        ),
        ({"name": "n", "extra": {"a": [1]}}, {"name": "n", "extra": {"a": [1]}}),
        ({"name": "n", "extra": '{"a": 1}'}, {"name": "n", "extra": '{"a": 1}'}),
        (
            {"name": Unknown("a"), "zones": [Unknown("b"), "c"]},
            {"name": Unknown("a"), "zones": [Unknown("b"), "c"]},
        ),
    ],
)
def test_properties_become_parameters(kind: Any, given: Any, passed: Any) -> None:
    child = kind.child(make_resource(), kind.properties.load(given), members(), {})
    assert child.parameters == passed
    assert child.source == "box.yaml"
    assert child.template == TEMPLATE


def test_attributes_are_outputs_or_lie_inside(kind: Any) -> None:
    box = make_resource("box")
    inside = members(address="1.2.3.4", deep={"a": [{"b": 1}]})
    assert kind.read(box, "address", (), inside) == "1.2.3.4"
    assert kind.read(box, "deep", ("a", 0, "b"), inside) == 1
    assert kind.read(box, "resource.inner", (), inside) == "inner-id"
    assert kind.read(box, "resource.inner.value", ("x",), inside) == "inner:value.x"
    assert kind.read(box, "deep", (), members()) is None
    with pytest.raises(InvalidTemplateAttribute, match="box nothing"):
        kind.read(box, "nothing", (), inside)
    with pytest.raises(NotFound):
        kind.read(box, "resource.other", (), inside)


@pytest.mark.parametrize(
    ("stored", "reference"),
    [
        ({}, "box"),
        ({"physical_id": "stack-1"}, "stack-1"),
        ({"physical_id": "stack-1", "data": {"arn": "arn:x"}}, "arn:x"),
        ({"physical_id": "stack-1", "data": {"arn": "arn:x"}, "attributes": {"OS::stack_id": "own"}}, "own"),
    ],
)
def test_the_reference_is_what_the_template_says_else_the_arn(kind: Any, stored: Any, reference: Any) -> None:
    assert kind.reference(make_resource("box", **stored)) == reference


def facade(text: Any) -> Any:
    return template_resource(load_template("heat_template_version: 2016-10-14\n" + text), "p.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("parameters: {}", "Required property value for facade OS::Heat::Value missing in provider"),
        (
            "parameters: {value: {type: string}, type: {type: number, default: 1}}",
            "type mismatch between facade OS::Heat::Value",
        ),
        (
            "parameters: {value: {type: json}, other: {type: string}}\noutputs: {value: {value: 1}}",
            "Provider requires property other unknown",
        ),
        ("parameters: {value: {type: json}}", "Attribute value for facade OS::Heat::Value missing"),
    ],
)
def test_a_template_that_cannot_stand_in_for_a_type_is_refused(text: Any, problem: Any) -> None:
    with pytest.raises(TemplateError, match=problem):
        check_facade(facade(text), type_named("OS::Heat::Value"), "OS::Heat::Value")


def test_a_template_with_the_same_face_is_accepted() -> None:
    text = "parameters: {length: {type: number, default: 1}}\noutputs: {value: {value: 1}}"
    check_facade(facade(text), type_named("OS::Heat::RandomString"), "OS::Heat::RandomString")
