"""What broken templates are told: every mistake once, with file, line, column, path, value and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.engine.validation.findings import MOST, Finding, Findings, findings
from stackd.resources.heat.none import NoneResource
from stackd.resources.index import Index
from stackd.resources.registry import Registry, Types, load_registry
from tests.support.templates import hot

REGISTRY = load_registry()
BROKEN = Path(__file__).parents[2] / "template" / "broken"
FILES = {path.name: path.read_text() for path in BROKEN.glob("*.yaml")}


def found(name: str) -> Findings:
    return findings(FILES[name], files=FILES, name=name, registry=REGISTRY)


def of(text: str | bytes | dict[str, Any], *more: Any, **options: Any) -> Findings:
    return findings(text, *more, registry=REGISTRY, **options)


def place(finding: Finding) -> tuple[str, int, int]:
    return finding.file, finding.line, finding.column


INNER = "resources.site<nested-middle.yaml>.resources.rack<nested_stack>.resources[0]<nested-inner.yaml>"

# For each template: line and column, path, the end of the message, value, a part of the remedy.
TOLD: dict[str, list[tuple[tuple[int, int], str, str, Any, str]]] = {
    "misspelt-property.yaml": [
        ((6, 7), "resources.password.properties.lenght", "Unknown Property lenght", "lenght", "mean length?"),
    ],
    "wrong-type.yaml": [
        (
            (8, 11),
            "resources.network.type",
            "could not be found.",
            "OS::Neutron::Network",
            "OS::Neutron::Net?",
        ),
        (
            (6, 15),
            "resources.password.properties.length",
            "'a dozen' is not an integer",
            "a dozen",
            "type integer",
        ),
    ],
    "missing-parameter.yaml": [
        (
            (12, 19),
            "resources.choice.properties.value.list_join[1][1]",
            "The Parameter (flavor) was not provided.",
            {"get_param": "flavor"},
            "mean flavour?",
        ),
    ],
    "circle.yaml": [
        (
            (3, 3),
            "resources.first",
            "{first -> second -> third -> first}",
            ["first", "second", "third"],
            "Remove one",
        ),
        ((7, 3), "resources.second.properties", "Property value not assigned", None, "Give value a value."),
    ],
    "bad-condition.yaml": [
        (
            (5, 13),
            "conditions.is_large",
            "{'equal': [{'get_param': 'size'}, 'large']}",
            {"equal": [{"get_param": "size"}, "large"]},
            "mean equals?",
        ),
        (
            (12, 16),
            "resources.other.condition",
            'Invalid condition "is_larger"',
            "is_larger",
            "mean is_large?",
        ),
    ],
    "later-function.yaml": [
        (
            (6, 7),
            "resources.part.properties.length",
            "is not an integer",
            {"str_split": ["/", "12/24", 0]},
            "str_split needs heat_template_version 2015-10-15 or later.",
        ),
        (
            (11, 14),
            "resources.zones.properties.value.Fn::Join",
            "The function Fn::Join is not supported in this version of HOT.",
            {"Fn::Join": ["", ["a", "b"]]},
            "Fn::Join is a function of heat_template_version 2013-05-23",
        ),
    ],
    "bad-constraint.yaml": [
        (
            (6, 9),
            "parameters.name.constraints[0]",
            "Range constraint invalid for string",
            {"range": {"min": 1, "max": 9}},
            "Correct the constraint",
        ),
        ((13, 11), "parameters.mode.type", "Invalid type (strnig)", "strnig", "mean string?"),
        (
            (9, 14),
            "parameters.size.default",
            "Invalid default 12 (12 is out of range (min: 1, max: 9))",
            12,
            "Correct the default",
        ),
    ],
    "unknown-attribute.yaml": [
        (
            (8, 32),
            "resources.shown.properties.value.get_attr",
            "The Referenced Attribute (word valeu) is incorrect.",
            "valeu",
            "mean value?",
        ),
        (
            (11, 30),
            "outputs.word.value.get_attr",
            "The Referenced Attribute (word text) is incorrect.",
            "text",
            "has the attributes show, value.",
        ),
    ],
}


@pytest.mark.parametrize("name", TOLD)
def test_every_mistake_is_told_with_place_path_value_and_remedy(name: str) -> None:
    told = found(name).errors
    assert len(told) == len(TOLD[name]), told
    for error, (where, path, message, value, remedy) in zip(told, TOLD[name], strict=True):
        assert place(error) == (name, *where)
        assert (error.path, error.value) == (path, value)
        assert error.message.endswith(message)
        assert remedy in error.remedy


def test_mistakes_two_levels_down_name_their_file_and_the_way_there() -> None:
    length, attribute = found("nested.yaml").errors
    assert place(length) == ("nested-inner.yaml", 6, 15)
    assert length.path == f"{INNER}.resources.label.properties.length"
    assert length.message == f"Property error: {length.path}: 1000 is out of range (min: 1, max: 512)"
    assert length.value == 1000
    assert place(attribute) == ("nested-inner.yaml", 9, 31)
    assert attribute.message == f"{INNER}.outputs.label.value.get_attr: " + (
        "The Referenced Attribute (label values) is incorrect."
    )


def test_repeated_key_is_a_warning() -> None:
    told = found("repeated-key.yaml")
    [warning] = told.warnings
    assert told.errors == ()
    assert place(warning) == ("repeated-key.yaml", 7, 7)
    assert warning.message == "The key 'length' is repeated; the last one counts."
    assert "type" not in warning.to_data()


def test_repeated_keys_are_found_in_json_and_in_environments_and_nested_templates() -> None:
    text = (
        '{"heat_template_version": "2021-04-16", "resources": {},\n "resources": {"n": {"type": "n.yaml"}}}'
    )
    nested = "heat_template_version: 2021-04-16\ndescription: a\ndescription: b\n"
    environment = "parameters:\n  a: 1\n  a: 2\n"
    told = of(text, environment, {"n.yaml": nested}, name="t.json")
    assert [place(each) for each in told.warnings] == [
        ("environment", 3, 3),
        ("t.json", 2, 2),
        ("n.yaml", 3, 1),
    ]


def test_mistakes_of_every_section_come_together_in_the_order_of_checks() -> None:
    told = found("many.yaml").errors
    assert [error.path for error in told] == [
        "paramters",
        "resources.no_type",
        "parameters.count.type",
        "resources.wrong_key.dependson",
        "resources.joined.properties.value.list_join",
        "resources.uses.depends_on[1]",
        "resources.uses.properties.value.list_join[1][1]",
        "resources.wrong_key.properties.length",
        "outputs.empty",
    ]
    assert all(error.line and error.remedy for error in told)


def test_member_of_a_group_is_blamed_once_and_where_it_is_defined() -> None:
    text = """\
heat_template_version: 2021-04-16
resources:
  many:
    type: OS::Heat::ResourceGroup
    properties:
      count: 5
      resource_def:
        type: OS::Heat::RandomString
        properties:
          length: 0
          size: 1
"""
    told = of(text).errors
    base = "resources.many<nested_stack>.resources[0].properties"
    assert [(error.path, error.line, error.column) for error in told] == [
        (f"{base}.size", 11, 11),
        (f"{base}.length", 10, 19),
    ]


def test_group_in_a_group_is_blamed_where_it_is_defined() -> None:
    text = """\
heat_template_version: 2021-04-16
resources:
  many:
    type: OS::Heat::ResourceGroup
    properties:
      resource_def:
        type: OS::Heat::ResourceGroup
        properties:
          resource_def:
            type: OS::Heat::RandomString
            properties:
              length: 0
"""
    [error] = of(text).errors
    assert (error.line, error.column) == (12, 23)


def test_nested_template_that_cannot_be_read_is_told_with_its_own_place() -> None:
    files = {"n.yaml": "heat_template_version: 2021-04-16\nresources:\n  a: [b\n"}
    [error] = of(hot(resources={"x": {"type": "n.yaml"}}), files=files).errors
    assert place(error) == ("n.yaml", 3, 6)
    assert error.message.startswith("Error parsing template n.yaml")
    assert error.path == "resources.x<n.yaml>"


def test_outputs_of_nested_templates_are_read_strictly() -> None:
    nested = "heat_template_version: 2021-04-16\noutputs:\n  o:\n    value: 1\n    descripton: x\n"
    [error] = of(hot(resources={"x": {"type": "n.yaml"}}), files={"n.yaml": nested}).errors
    assert error.message == '"descripton" is not a valid keyword inside a output definition'
    assert (place(error), error.remedy) == (("n.yaml", 5, 5), "Did you mean description?")
    assert of(nested).errors == ()


def test_template_is_held_against_the_type_that_it_stands_in_for() -> None:
    nested = (
        "heat_template_version: 2021-04-16\nparameters:\n  length: {type: string}\n  extra: {type: string}\n"
    )
    environment = {"resource_registry": {"OS::Heat::RandomString": "n.yaml"}}
    resource = {"type": "OS::Heat::RandomString", "properties": {"length": 3, "extra": "x"}}
    told = of(hot(resources={"x": resource}), environment, {"n.yaml": nested}).errors
    assert [error.message for error in told] == [
        "Property length type mismatch between facade OS::Heat::RandomString (Integer) and provider (String)",
        "Provider requires property extra unknown in facade OS::Heat::RandomString",
        "Attribute value for facade OS::Heat::RandomString missing in provider",
    ]


def test_use_of_an_output_that_a_nested_template_lacks_is_a_warning() -> None:
    nested = "heat_template_version: 2021-04-16\nresources: {}\noutputs:\n  said: {value: 1}\n"
    uses = [["x", "said"], ["x", "show"], ["x", "resource.a"], ["x", "sad"]]
    outputs = {str(index): {"value": {"get_attr": use}} for index, use in enumerate(uses)}
    told = of(hot(resources={"x": {"type": "n.yaml"}}, outputs=outputs), files={"n.yaml": nested})
    assert told.errors == ()
    assert [(each.path, each.remedy) for each in told.warnings] == [
        ("outputs.3.value.get_attr", "Did you mean said?")
    ]


def test_groups_have_the_attributes_of_their_members() -> None:
    group = {"type": "OS::Heat::ResourceGroup", "properties": {"resource_def": {"type": "OS::Heat::Value"}}}
    group["properties"]["resource_def"]["properties"] = {"value": 1}  # type: ignore[index]
    outputs = {name: {"value": {"get_attr": ["g", name]}} for name in ("refs", "value", "resource.0.value")}
    assert of(hot(resources={"g": group}, outputs=outputs)).errors == ()


def test_value_of_a_parameter_is_blamed_in_the_environment_that_gives_it() -> None:
    parameters = {"n": {"type": "number", "constraints": [{"range": {"max": 5}}]}}
    told = of(
        hot(parameters=parameters), files={"e.yaml": "parameters:\n  n: 7\n"}, environment_files=["e.yaml"]
    )
    [error] = told.errors
    assert (place(error), error.value) == (("e.yaml", 2, 6), 7)
    assert error.message == "Parameter 'n' is invalid: 7 is out of range (min: None, max: 5)"


def test_hidden_values_are_not_shown() -> None:
    parameters = {"n": {"type": "string", "hidden": True, "constraints": [{"length": {"max": 3}}]}}
    use = {"type": "OS::Heat::RandomString", "properties": {"length": {"get_param": "n"}}}
    [error] = of(hot(parameters=parameters), {"parameters": {"n": "hushhush"}}).errors
    assert (error.value, "hush" in error.message) == ("******", False)
    loose = {"n": {"type": "string", "hidden": True}}
    [error] = of(hot(parameters=loose, resources={"r": use}), {"parameters": {"n": "hushhush"}}).errors
    assert "hush" not in str(error)
    server = {"type": "OS::Nova::Server", "properties": {"flavor": "f", "networks": [], "admin_pass": [1]}}
    [error] = of(hot(resources={"s": server})).errors
    assert error.value == "******"


def test_missing_values_count_only_when_the_template_is_to_be_complete() -> None:
    template = hot(parameters={"a": {"type": "string"}, "b": {"type": "number"}})
    assert of(template).errors == ()
    told = of(template, complete=True).errors
    assert [(error.type, error.path) for error in told] == [
        ("UserParameterMissing", "parameters.a"),
        ("UserParameterMissing", "parameters.b"),
    ]


def test_mistakes_of_template_and_environment_are_told_together() -> None:
    told = of("heat_template_version: 2021-04-16\nresorces: {}\n", "parametrs: {}\n").errors
    assert [(error.file, error.line) for error in told] == [("environment", 1), ("", 2)]


def test_output_of_an_attribute_of_what_a_condition_leaves_out_names_the_condition() -> None:
    template = hot(outputs={"o": {"value": {"get_attr": ["r", "value"]}}})
    template["conditions"] = {"never": False}
    template["resources"] = {"r": {"type": "OS::Heat::Value", "condition": "never"}}
    [error] = of(template).errors
    assert error.remedy == "Name a resource whose condition holds."


def test_output_of_an_attribute_of_nothing_is_refused() -> None:
    [error] = of(hot(outputs={"o": {"value": {"get_attr": ["wrod", "value"]}}})).errors
    path = "outputs.o.value.get_attr"
    assert (error.path, error.value) == (path, "wrod")
    assert error.message == f'{path}: The specified reference "wrod" (in unknown) is incorrect.'


def test_condition_that_nothing_asks_for_is_only_warned_about() -> None:
    wrong = {"a": {"not": "nothing"}}
    told = of(hot(conditions=wrong))
    assert (told.errors, len(told.warnings)) == ((), 1)
    told = of(hot(conditions=wrong, resources={"r": {"type": "OS::Heat::None", "condition": "a"}}))
    assert [error.message for error in told.errors] == ['resources.r.condition: Invalid condition "nothing"']
    assert told.warnings == ()


def test_output_of_a_resource_that_there_is_not_is_a_warning() -> None:
    template = hot(
        resources={"word": {"type": "OS::Heat::None"}}, outputs={"o": {"value": {"get_resource": "wrod"}}}
    )
    told = of(template)
    assert told.errors == ()
    assert [(each.path, each.remedy) for each in told.warnings] == [("outputs.o.value", "Did you mean word?")]


def test_errors_are_bounded_and_the_others_counted() -> None:
    wrong = {"type": "OS::Heat::RandomString", "properties": {"size": 1}}
    told = of(hot(resources={f"r{number}": wrong for number in range(MOST + 20)}))
    assert (len(told.errors), told.omitted) == (MOST, 20)


def test_good_template_has_nothing_to_tell() -> None:
    good = {"type": "OS::Heat::RandomString", "properties": {"length": 4}}
    assert of(hot(resources={"a": good})) == Findings()


@pytest.mark.parametrize("text", ["", "[", "- a", "a: 1", "heat_template_version: 1999-01-01", b"\xff"])
def test_what_is_no_template_is_one_error(text: str | bytes) -> None:
    told = findings(text, registry=REGISTRY)
    assert len(told.errors) == 1
    assert told.errors[0].remedy


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("OS::Nova::Sever", "Did you mean OS::Nova::Server?"),
        ("Acme::DNS::Record", "`stackd types` and `GET /resource_types` list the known ones"),
    ],
)
def test_unknown_type_says_what_was_meant_or_where_types_are_listed(name: str, remedy: str) -> None:
    text = f"heat_template_version: 2018-08-31\nresources:\n  a: {{type: {name}}}\n"
    listed = findings(text, registry=REGISTRY).errors
    assert [each.remedy[: len(remedy)] for each in listed] == [remedy]


def test_unknown_type_says_that_heat_knows_it() -> None:
    few = Registry(Types(Index(), [NoneResource]))
    text = "heat_template_version: 2018-08-31\nresources:\n  a: {type: OS::Nova::Server}\n"
    (only,) = findings(text, registry=few).errors
    assert only.remedy.startswith("Heat knows this type, this server does not. `stackd types` lists")
