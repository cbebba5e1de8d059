"""Sections, definitions, conditions and the graph of a template."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import (
    CircularDependency,
    InvalidTemplateReference,
    InvalidTemplateSection,
    TemplateError,
    UserParameterMissing,
)
from stackd.template import (
    Conditions,
    Limits,
    Reference,
    Template,
    Unknown,
    bind_parameters,
    dependencies,
    enabled_resources,
    load_environment,
    load_template,
    referenced_attributes,
    references,
    resolve_conditions,
    validate_static,
)
from tests.support.counting import counted
from tests.support.templates import hot_text as hot
from tests.template.helpers import IDENTITY


def load(**sections: Any) -> Template:
    return load_template({"heat_template_version": "2021-04-16", **sections})


def conditions_of(template: Template, **given: Any) -> Conditions:
    environment = load_environment({"parameters": given})
    return resolve_conditions(template, bind_parameters(template, environment, IDENTITY))


def needs(resources: dict[str, Any], **sections: Any) -> dict[str, set[str]]:
    template = load(resources=resources, **sections)
    return {name: set(found) for name, found in dependencies(template, conditions_of(template)).items()}


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (None, "Each resource must contain a type key."),
        ({}, "Each resource must contain a type key."),
        ({"properties": {}}, "Each resource must contain a type key."),
        ("x", "\"resources\" must contain a map of resource maps. Found a [<class 'str'>] instead"),
        ({"type": 1}, "Resource r type type must be string"),
        ({"type": {"get_param": "x"}}, "Resource r type type must be string"),
        ({"type": "T", "foo": 1}, '"foo" is not a valid keyword inside a resource definition'),
        ({"type": "T", "properties": []}, "Resource r properties type must be object"),
        ({"type": "T", "metadata": 1}, "Resource r metadata type must be object"),
        ({"type": "T", "depends_on": 1}, "Resource r depends_on type must be list or string"),
        ({"type": "T", "depends_on": [1]}, "Resource r depends_on must be a list of strings"),
        ({"type": "T", "deletion_policy": "Burn"}, 'Invalid deletion policy "Burn"'),
        ({"type": "T", "condition": [1]}, "Resource r condition type must be string_or_boolean"),
        (
            {"type": "T", "external_id": "x", "depends_on": "a"},
            "Invalid dependency with external T resource: x",
        ),
        (
            {"type": "T", "properties": {"value": {"list_join": [1]}}},
            'resources.r.properties.value.list_join: Incorrect arguments to "list_join"',
        ),
    ],
)
def test_wrong_resource_is_refused(resource: Any, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        load(resources={"r": resource})
    assert caught.value.message.startswith(message)
    assert caught.value.path.startswith("resources.r")


def test_key_of_a_later_version_is_named_as_such() -> None:
    data = {"heat_template_version": "2013-05-23", "resources": {"r": {"type": "T", "condition": True}}}
    with pytest.raises(TemplateError, match=r"Invalid keyword\(s\) inside a resource definition: condition"):
        load_template(data)


def test_cloudformation_ignores_unknown_keys() -> None:
    data = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"r": {"Type": "T", "Foo": 1}}}
    assert load_template(data).resources["r"].type == "T"


def test_name_with_a_slash_is_refused() -> None:
    with pytest.raises(TemplateError, match="may not contain"):
        load(resources={"a/b": {"type": "T"}})


def test_definition_holds_what_the_template_says() -> None:
    body = {
        "type": "T",
        "properties": {"p": 1},
        "depends_on": "b",
        "deletion_policy": "retain",
        "update_policy": {"u": 1},
        "description": "d",
    }
    found = load(resources={"a": body, "b": {"type": "T"}}).resources["a"]
    assert (found.name, found.type, found.properties, found.depends_on) == ("a", "T", {"p": 1}, ("b",))
    assert (found.deletion_policy, found.update_policy, found.description) == ("Retain", {"u": 1}, "d")
    assert found.raw == body


def test_external_resource_is_retained_and_needs_nothing() -> None:
    body = {"type": "T", "external_id": "x", "properties": {"v": {"get_resource": "b"}}}
    assert load(resources={"a": body}).resources["a"].deletion_policy == "Retain"
    assert needs({"a": body, "b": {"type": "T"}}) == {"a": set(), "b": set()}


def test_deletion_policy_may_come_from_a_parameter_or_the_facade() -> None:
    template = load(
        parameters={"p": {"type": "string", "default": "snapshot"}},
        resources={
            "a": {"type": "T", "deletion_policy": {"get_param": "p"}},
            "b": {"type": "T", "deletion_policy": {"resource_facade": "deletion_policy"}},
        },
    )
    found = enabled_resources(template, conditions_of(template), facade={"deletion_policy": "Retain"})
    assert [found[name].deletion_policy for name in "ab"] == ["Snapshot", "Retain"]
    with pytest.raises(TemplateError, match="Invalid deletion policy"):
        enabled_resources(template, conditions_of(template, p="x"))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("x", "Output validation error: Output definitions must be a map. Found a str instead"),
        ({}, "Output validation error: outputs.o: Each output definition must contain a value key."),
        ({"value": 1, "condition": 5}, 'outputs.o.condition: Invalid condition "5"'),
    ],
)
def test_wrong_output_is_refused(output: Any, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        load(outputs={"o": output})
    assert caught.value.message == message


def test_unknown_key_of_an_output_is_tolerated_and_kept() -> None:
    assert load(outputs={"o": {"value": 1, "foo": 2}}).outputs["o"].unknown_keys == ("foo",)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("x", "Parameter Groups error: parameter_groups: The parameter_groups should be a list."),
        ([{"label": "g"}], "parameter_groups.g: The parameters must be provided for each parameter group."),
        ([{"label": "g", "parameters": "p"}], "The parameters of parameter group should be a list."),
        ([{"parameters": ["p"]}, {"parameters": ["p"]}], "must be assigned to one parameter group only."),
        ([{"parameters": ["q"]}], "The grouped parameter q does not reference a valid parameter."),
    ],
)
def test_wrong_parameter_group_is_refused(groups: Any, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        load(parameters={"p": {"type": "string"}}, parameter_groups=groups)
    assert message in caught.value.message


@pytest.mark.parametrize("definition", ["yes", 1, None, [], {"a": 1, "b": 2}])
def test_condition_that_is_no_condition_is_refused(definition: Any) -> None:
    with pytest.raises(TemplateError, match='The definition of condition "c" is invalid'):
        load(conditions={"c": definition})


def test_conditions_section_must_be_a_map() -> None:
    with pytest.raises(TemplateError, match=r"must be a map\. Found a NoneType instead"):
        load(conditions=None)


def test_conditions_use_each_other_and_parameters() -> None:
    template = load(
        parameters={"p": {"type": "string", "default": "x"}},
        conditions={
            "a": {"equals": [{"get_param": "p"}, "x"]},
            "b": {"and": ["a", {"not": "c"}]},
            "c": {"or": [False, {"contains": [{"get_param": "p"}, ["y"]]}]},
        },
    )
    assert dict(conditions_of(template)) == {"a": True, "b": True, "c": False}
    assert dict(conditions_of(template, p="y")) == {"a": False, "b": False, "c": True}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"a": {"not": "b"}, "b": {"not": "a"}}, 'Circular definition for condition "a"'),
        ({"a": {"not": "zz"}}, 'Invalid condition "zz"'),
        ({"a": {"get_param": "OS::stack_name"}}, 'The definition of condition "a" is invalid'),
        ({f"c{i}": {"not": f"c{i + 1}"} for i in range(3000)}, "nested too deeply"),
    ],
)
def test_condition_that_cannot_be_decided_is_refused(conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        conditions_of(load(conditions=conditions))
    assert message in caught.value.message


def test_requirements_come_from_properties_metadata_and_depends_on() -> None:
    found = needs(
        {
            "a": {"type": "T"},
            "b": {"type": "T", "properties": {"v": [{"list_join": ["", [{"get_attr": ["a", "x"]}]]}]}},
            "c": {"type": "T", "metadata": {"v": {"get_resource": "a"}}, "depends_on": ["b", "off"]},
            "d": {"type": "T", "update_policy": {"v": {"get_resource": "a"}}},
            "off": {"type": "T", "condition": False},
        }
    )
    assert found == {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": set()}


def test_only_the_chosen_branch_is_required() -> None:
    value = {"if": ["c", {"get_resource": "a"}, {"get_resource": "b"}]}
    resources = {"a": {"type": "T"}, "b": {"type": "T"}, "r": {"type": "T", "properties": {"v": value}}}
    assert needs(resources, conditions={"c": True})["r"] == {"a"}
    assert needs(resources, conditions={"c": False})["r"] == {"b"}


def test_computed_name_is_resolved_for_the_graph() -> None:
    resources = {
        "a": {"type": "T"},
        "r": {"type": "T", "properties": {"v": {"get_resource": {"get_param": "p"}}}},
    }
    parameters = {"p": {"type": "string", "default": "a"}}
    assert needs(resources, parameters=parameters)["r"] == {"a"}


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        ({"type": "T", "properties": {"v": {"get_resource": "zz"}}}, "r.Properties.v"),
        ({"type": "T", "properties": {"v": {"get_attr": ["zz", "x"]}}}, "r.Properties.v"),
        ({"type": "T", "depends_on": "zz"}, "r"),
    ],
)
def test_reference_to_nothing_is_refused_with_its_place(resource: Any, where: str) -> None:
    with pytest.raises(InvalidTemplateReference) as caught:
        needs({"r": resource})
    assert caught.value.message == f'The specified reference "zz" (in {where}) is incorrect.'


def test_circle_is_named() -> None:
    with pytest.raises(CircularDependency) as caught:
        needs(
            {
                "a": {"type": "T", "depends_on": "b"},
                "b": {"type": "T", "depends_on": "c"},
                "c": {"type": "T", "depends_on": "a"},
                "d": {"type": "T", "depends_on": "a"},
            }
        )
    assert caught.value.message == "Circular Dependency Found: {a -> b -> c -> a}"


def test_resource_that_needs_itself_is_a_circle() -> None:
    with pytest.raises(CircularDependency, match="a -> a"):
        needs({"a": {"type": "T", "properties": {"v": {"get_resource": "a"}}}})


def test_referenced_attributes_are_collected_with_their_paths() -> None:
    template = load(
        resources={
            "a": {"type": "T"},
            "b": {"type": "T", "properties": {"v": {"get_attr": ["a", "m", "k", 0]}}},
        },
        outputs={
            "o": {"value": {"get_attr": ["a", "x"]}},
            "all": {"value": {"get_attr": ["b"]}},
            "off": {"value": {"get_attr": ["a", "hidden"]}, "condition": False},
        },
    )
    assert referenced_attributes(template, conditions_of(template)) == {
        "a": {("m", "k", 0), ("x",)},
        "b": {("*",)},
    }


def test_references_of_a_node_name_resource_attribute_and_place() -> None:
    template = load(resources={"a": {"type": "T"}}, outputs={"o": {"value": [{"get_attr": ["a", "m", "k"]}]}})
    found = references(template.outputs["o"].value, conditions=conditions_of(template))
    assert found == {Reference("a", "m", ("k",), ("outputs", "o", "value", 0))}


def test_static_validation_finds_every_mistake_at_once() -> None:
    text = hot(
        "parameters:\n  r: {type: string, default: x}\n"
        "  p: {type: string, default: zz, constraints: [{length: {max: 1}}]}\n"
        "resources: {r: {type: T, properties: {a: {get_param: q}, b: {Ref: r}}}}\n"
        "outputs: {o: {value: {make_url: {nope: 1}}}, o2: {value: {if: [c, 1, 2]}}}\n"
    )
    template = load_template(text)
    errors = validate_static(template, {})
    messages = " | ".join(error.message for error in errors)
    for expected in (
        "Invalid default zz",
        "Duplicate names {'r'}",
        "The Parameter (q) was not provided.",
        "The function Ref is not supported in this version of HOT.",
        'outputs.o.value.make_url: Invalid arguments to "make_url": nope',
        'outputs.o2.value.if: Invalid condition "c"',
    ):
        assert expected in messages
    assert any(isinstance(error, UserParameterMissing) for error in errors)
    assert all(error.path for error in errors)


def test_invalid_condition_of_a_resource_names_its_path() -> None:
    template = load(resources={"a": {"type": "T", "condition": "zz"}})
    [error] = validate_static(template, {})
    assert error.message == 'resources.a.condition: Invalid condition "zz"'


def test_ref_to_nothing_is_refused() -> None:
    data = {"AWSTemplateFormatVersion": "2010-09-09", "Outputs": {"o": {"Value": {"Ref": "zz"}}}}
    [error] = validate_static(load_template(data), {})
    assert error.message == 'The specified reference "zz" (in unknown) is incorrect.'


def chain(length: int) -> str:
    lines = [
        f"  r{n}: {{type: T, properties: {{a: x{n}, b: [{{get_resource: r{n - 1}}}, {{get_param: p}}]}}}}"
        for n in range(1, length)
    ]
    return hot(
        "parameters: {p: {type: string, default: x}}\nresources:\n  r0: {type: T}\n" + "\n".join(lines)
    )


def test_steps_of_loading_grow_with_the_template() -> None:
    def steps_of(length: int) -> int:
        with counted() as steps:
            template = load_template(chain(length), limits=Limits())
            found = dependencies(template, conditions_of(template))
        assert found[f"r{length - 1}"] == {f"r{length - 2}"}
        assert not any(isinstance(name, Unknown) for name in found)
        return steps.count

    assert steps_of(1000) < 2.2 * steps_of(500)


@pytest.mark.parametrize("version", ["2013-05-23", "2015-10-15", "2021-04-16"])
@pytest.mark.parametrize("section", ["outputs", "resources"])
def test_empty_key_stands_for_nothing_that_a_version_lacks(version: str, section: str) -> None:
    body = {"type": "OS::Heat::None", "value": 1, "": False}
    data = {"heat_template_version": version, section: {"x": body}}
    if section == "outputs":
        assert load_template(data).outputs["x"].unknown_keys == ("type", "")
    else:
        with pytest.raises(TemplateError, match="is not a valid keyword"):
            load_template(data)


def test_empty_section_name_is_refused_as_such() -> None:
    with pytest.raises(InvalidTemplateSection, match=r"The template section is invalid: $"):
        load_template({"heat_template_version": "2021-04-16", "": ["x"]})
