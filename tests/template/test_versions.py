"""The table of versions holds what the reference implementation has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stackd.errors import InvalidTemplateSection, InvalidTemplateVersion, NotFound, TemplateError
from stackd.template import VERSIONS, list_functions, list_versions, load_template, validate_static
from stackd.template.versions import Beyond
from tests.template.helpers import template_with

ORACLE: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "data/functions.json").read_text())


def test_versions_are_those_of_the_reference() -> None:
    assert VERSIONS.keys() == ORACLE.keys()


@pytest.mark.parametrize("name", ORACLE)
def test_version_has_the_functions_keys_and_policies_of_the_reference(name: str) -> None:
    version, expected = VERSIONS[name], ORACLE[name]
    beyond = version.beyond
    sections = {section for section in expected["sections"] if section != "__undefined__"}
    assert version.functions.keys() - beyond.functions == set(expected["functions"])
    conditions = version.condition_functions.keys() - beyond.condition_functions
    assert conditions == set(expected["condition_functions"])
    assert sorted(version.removed) == sorted(expected["removed_functions"])
    assert set(version.sections.values()) >= sections
    assert set(version.sections.values()) - sections - beyond.sections <= {
        "AWSTemplateFormatVersion",
        "HeatTemplateFormatVersion",
    }
    assert set(version.resource_keys.values()) - beyond.resource_keys == set(expected["resource_keys"])
    assert set(version.output_keys.values()) - beyond.output_keys == set(expected["output_keys"])
    assert dict(version.deletion_policies) == expected["deletion_policies"]


@pytest.mark.parametrize("name", ORACLE)
def test_what_goes_beyond_the_reference_is_new_and_only_in_cloudformation(name: str) -> None:
    version, expected = VERSIONS[name], ORACLE[name]
    beyond = version.beyond
    assert (beyond == Beyond()) is (version.dialect == "hot")
    assert beyond.functions <= version.functions.keys() - set(expected["functions"])
    assert beyond.condition_functions <= (
        version.condition_functions.keys() - set(expected["condition_functions"])
    )
    assert beyond.sections <= set(version.sections.values()) - set(expected["sections"])
    assert beyond.resource_keys <= set(version.resource_keys.values()) - set(expected["resource_keys"])
    assert beyond.output_keys <= set(version.output_keys.values()) - set(expected["output_keys"])


def test_list_of_versions_is_sorted_and_names_aliases() -> None:
    shown = list_versions()
    assert [entry["version"] for entry in shown] == sorted(ORACLE)
    for entry in shown:
        assert entry["type"] == ORACLE[entry["version"]]["type"]
        assert entry["aliases"] == ORACLE[entry["version"]]["aliases"]


@pytest.mark.parametrize("name", ORACLE)
def test_list_of_functions_names_each_once_with_a_line(name: str) -> None:
    plain = [entry["functions"] for entry in list_functions(name)]
    both = [entry["functions"] for entry in list_functions(name, with_conditions=True)]
    beyond = VERSIONS[name].beyond
    functions = {*ORACLE[name]["functions"], *beyond.functions}
    assert plain == sorted(functions)
    conditions = {*ORACLE[name]["condition_functions"], *beyond.condition_functions}
    assert both == sorted(functions | conditions)
    assert all(entry["description"] for entry in list_functions(name, with_conditions=True))


def test_functions_are_found_by_alias() -> None:
    by_alias = list_functions("heat_template_version.rocky", with_conditions=False)
    assert by_alias == list_functions("heat_template_version.2018-08-31", with_conditions=False)


@pytest.mark.parametrize("name", ["heat_template_version.1999-01-01", "nonsense", ""])
def test_functions_of_an_unknown_version_are_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        list_functions(name, with_conditions=False)


@pytest.mark.parametrize("name", ORACLE)
def test_smallest_template_of_each_version_loads(name: str) -> None:
    key, value = name.split(".")
    assert load_template({key: value}).version is VERSIONS[name]


@pytest.mark.parametrize("alias", ["newton", "ocata", "pike", "queens", "rocky", "wallaby"])
def test_alias_is_a_version(alias: str) -> None:
    assert alias in load_template({"heat_template_version": alias}).version.aliases


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "The template version is invalid: Template version was not provided"),
        ({"heat_template_version": 20130523}, "Template version was not provided"),
        (
            {"heat_template_version": "2013-05-23", "AWSTemplateFormatVersion": "2010-09-09"},
            "Ambiguous versions (heat_template_version, AWSTemplateFormatVersion)",
        ),
        ({"AWSTemplateFormatVersion": "1"}, '"AWSTemplateFormatVersion" should be: 2010-09-09'),
        ({"heat_template_version": "1"}, "should be one of: 2013-05-23, 2014-10-16, 2015-04-30"),
    ],
)
def test_wrong_version_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTemplateVersion) as caught:
        load_template(data)
    assert message in caught.value.message


def test_text_without_any_version_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"Template format version not found\."):
        load_template("resources: {}")


@pytest.mark.parametrize(
    ("key", "value", "section"),
    [
        ("heat_template_version", "2013-05-23", "conditions"),
        ("heat_template_version", "2021-04-16", "Resources"),
        ("heat_template_version", "2021-04-16", "mappings"),
        ("HeatTemplateFormatVersion", "2012-12-12", "Conditions"),
        ("AWSTemplateFormatVersion", "2010-09-09", "parameter_groups"),
    ],
)
def test_section_of_another_dialect_is_refused(key: str, value: str, section: str) -> None:
    with pytest.raises(InvalidTemplateSection, match=f"The template section is invalid: {section}"):
        load_template({key: value, section: {}})


@pytest.mark.parametrize("name", [name for name, entry in ORACLE.items() if entry["removed_functions"]])
def test_removed_function_is_refused_when_validated_and_literal_otherwise(name: str) -> None:
    for removed in ORACLE[name]["removed_functions"]:
        template = template_with({removed: ["a"]}, name.split(".")[1])
        errors = validate_static(template, {})
        assert [error.message for error in errors] == [
            f"outputs.o.value.{removed}: The template version is invalid: "
            f"The function {removed} is not supported in this version of HOT."
        ]


@pytest.mark.parametrize("function", ["list_join", "str_replace", "get_attr", "get_resource", "if"])
def test_ordinary_function_is_refused_in_a_condition(function: str) -> None:
    data = {
        "heat_template_version": "2021-04-16",
        "conditions": {"c": {"equals": [{function: ["a", []]}, 1]}},
    }
    with pytest.raises(TemplateError, match=f'The function "{function}" is invalid in this context'):
        load_template(data)


@pytest.mark.parametrize("function", ["equals", "not", "and", "or", "Fn::GetAtt", "Fn::If", "Fn::FindInMap"])
def test_name_that_is_no_function_here_is_literal(function: str) -> None:
    template = template_with({function: ["a", "b"]})
    assert template.outputs["o"].value == {function: ["a", "b"]}


def test_map_with_a_second_key_is_literal() -> None:
    assert template_with({"get_param": "x", "other": 1}).outputs["o"].value == {"get_param": "x", "other": 1}
