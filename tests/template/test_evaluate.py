"""Evaluation is lazy, total in the face of unknown values, and bounded."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.errors import InvalidTemplateReference, TemplateError, UserParameterMissing
from stackd.template import (
    VERSIONS,
    StackIdentity,
    Unknown,
    bind_parameters,
    dependencies,
    evaluate,
    has_unknown,
    load_environment,
    load_template,
    referenced_attributes,
    resolve_conditions,
    validate_static,
)
from tests.support.counting import counted
from tests.support.templates import hot_text as hot
from tests.support.waiting import worker_time
from tests.template.helpers import DataScope, cause, cfn, run

RESOURCES = {"a": {"type": "T"}, "off": {"type": "T", "condition": "no"}}
CONDITIONS = {"no": False, "yes": True}


def in_stack(value: Any, scope: DataScope | None = None, version: str = "2021-04-16") -> Any:
    has_conditions = VERSIONS[f"heat_template_version.{version}"].has_conditions
    sections: dict[str, Any] = {"resources": {"a": {"type": "T"}}}
    if has_conditions:
        sections = {"resources": RESOURCES, "conditions": CONDITIONS}
    return run(value, version, scope=scope, **sections)


SCOPE_DATA: dict[str, Any] = {"ids": {"a": "id-a"}, "attributes": {"a": {"ips": ["1.1.1.1"], "m": {"k": 7}}}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"get_resource": "a"}, "id-a"),
        ({"get_attr": ["a", "ips", 0]}, "1.1.1.1"),
        ({"get_attr": ["a", "m", "k"]}, 7),
        ({"get_attr": ["a"]}, SCOPE_DATA["attributes"]["a"]),
        ({"get_attr": ["a", "none"]}, None),
        ({"list_join": ["", ["x", {"get_resource": "a"}]]}, "xid-a"),
    ],
)
def test_references_are_answered_by_the_scope(value: Any, expected: Any) -> None:
    assert in_stack(value, DataScope(**SCOPE_DATA)) == expected


def test_oldest_version_selects_inside_the_attribute_itself() -> None:
    scope = DataScope(**SCOPE_DATA)
    assert in_stack({"get_attr": ["a", "ips", 0]}, scope, "2013-05-23") == "1.1.1.1"
    assert in_stack({"get_attr": ["a", "ips", "0"]}, scope, "2013-05-23") is None
    assert in_stack({"get_attr": ["a", "ips", 9]}, scope, "2013-05-23") is None


@pytest.mark.parametrize(
    "value",
    [
        {"get_resource": "a"},
        {"get_attr": ["a", "x", 1]},
        {"list_join": [",", [{"get_attr": ["a", "x"]}]]},
        {"str_replace": {"template": "$x", "params": {"$x": {"get_resource": "a"}}}},
        {"str_split": [",", {"get_attr": ["a", "x"]}, 0]},
        {"repeat": {"template": "%", "for_each": {"%": {"get_attr": ["a", "x"]}}}},
        {"digest": ["md5", {"get_resource": "a"}]},
        {"map_replace": [{"k": {"get_resource": "a"}}, {}]},
        {"filter": [["x"], [{"get_resource": "a"}]]},
        {"contains": [{"get_resource": "a"}, ["x"]]},
        {"list_concat": [["x"], {"get_attr": ["a", "x"]}]},
        {"map_merge": [{"k": 1}, {"get_attr": ["a", "x"]}]},
        {"make_url": {"host": {"get_resource": "a"}}},
        {"yaql": {"expression": "$.data", "data": {"get_resource": "a"}}},
        {"get_file": {"get_resource": "a"}},
        {"get_param": {"get_resource": "a"}},
    ],
)
def test_unknown_flows_through_every_function(value: Any) -> None:
    result = in_stack(value)
    assert isinstance(result, Unknown)
    assert result.resource == "a"


def test_what_is_known_of_lists_and_maps_stays_known() -> None:
    result = in_stack({"map_merge": [{"k": 1, "r": {"get_resource": "a"}}, {"k": 2}]})
    assert result == {"k": 2, "r": Unknown("a")}
    assert in_stack({"list_concat": [["x"], [{"get_resource": "a"}]]}) == ["x", Unknown("a")]


@pytest.mark.parametrize("name", ["off", "missing"])
def test_reference_to_a_resource_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InvalidTemplateReference, match=f'The specified reference "{name}"'):
        in_stack({"get_resource": name})


def test_branch_that_is_not_chosen_may_hold_anything() -> None:
    assert in_stack({"if": ["yes", 1, {"list_join": 5}]}) == 1
    assert in_stack({"if": ["no", {"get_resource": "missing"}, {"if": [None, 2, 3]}]}) == 2


@pytest.mark.parametrize("condition", ["true", "maybe", 1, ["yes"], {"a": 1}])
def test_if_refuses_what_is_no_condition(condition: Any) -> None:
    with pytest.raises(TemplateError, match="Invalid condition"):
        in_stack({"if": [condition, 1, 2]})


def test_omitted_value_is_dropped_or_null() -> None:
    omitted = {"if": ["no", 1]}
    assert in_stack({"a": omitted, "b": [omitted, 2]}) == {"b": [2]}
    assert in_stack(omitted) is None
    assert in_stack({"list_join": [",", ["a"], omitted]}) == "a"


def test_file_is_returned_verbatim_and_a_missing_one_named() -> None:
    assert run({"get_file": "f"}, scope=DataScope(files={"f": "text\n"})) == "text\n"
    with pytest.raises(TemplateError, match='No content found in the "files" section for get_file path: g'):
        run({"get_file": "g"})


def test_facade_gives_what_the_containing_resource_has() -> None:
    scope = DataScope(facades={"metadata": {"k": 1}, "deletion_policy": "Retain"})
    assert run({"resource_facade": "metadata"}, scope=scope) == {"k": 1}
    assert cause({"resource_facade": "other"}) is ValueError


def test_error_names_path_place_and_remedy() -> None:
    text = hot("outputs:\n  o:\n    value:\n      list: [{list_join: [1, [a]]}]\n")
    template = load_template(text, file="t.yaml")
    with pytest.raises(TemplateError) as caught:
        evaluate(template.outputs["o"].value, DataScope(), template=template)
    error = caught.value
    assert error.message.startswith("outputs.o.value.list[0].list_join: ")
    assert (error.place.file, error.place.line, error.place.column) == ("t.yaml", 5, 14)
    assert error.remedy == "Write {list_join: [delimiter, list, list, …]}."


def test_message_does_not_show_a_hidden_parameter() -> None:
    schemas = {"secret": {"type": "number", "hidden": True}}
    with pytest.raises(TemplateError) as caught:
        run({"list_join": [",", [{"get_param": "secret"}]]}, given={"secret": 918273}, parameters=schemas)
    assert "918273" not in str(caught.value)
    assert "******" in caught.value.message


def test_result_does_not_share_structure_with_the_parameter() -> None:
    schemas = {"j": {"type": "json", "default": {"l": [1]}}}
    value = [{"get_param": "j"}, {"get_param": "j"}]
    first, second = run(value, parameters=schemas)
    first["l"].append(2)
    assert second == {"l": [1]}


def deep_replace(levels: int) -> Any:
    value: Any = "x" * 50
    for _ in range(levels):
        value = {"str_replace": {"template": "$" * 50, "params": {"$": value}}}
    return value


@pytest.mark.parametrize(
    "value",
    [
        deep_replace(12),
        {"repeat": {"template": "%a", "for_each": {f"%{c}": ["x"] * 100 for c in "abcd"}}},
        {"list_join": ["x" * 10_000, ["y"] * 10_000]},
        {"repeat": {"template": "a" * 1000, "for_each": {"a": ["b" * 100_000]}}},
        {"str_replace": {"template": "a" * 100_000, "params": {f"p{i}": "x" for i in range(20_000)}}},
    ],
)
def test_explosion_is_refused_before_it_happens(value: Any) -> None:
    tracemalloc.start()
    try:
        with counted() as steps, pytest.raises(TemplateError, match="the result is too large"):
            run(value)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert steps.count < 2_000_000
    assert peak < 20_000_000


def test_yaql_error_is_reported_and_endless_expression_stopped() -> None:
    with pytest.raises(TemplateError, match="yaql: "):
        run({"yaql": {"expression": "$.data.missing", "data": {"a": 1}}})
    endless = "range(200).select(range(200).select(range(200).select(range(200).len())))"
    with worker_time(0.2), counted() as steps, pytest.raises(TemplateError):
        run({"yaql": {"expression": endless}})
    assert steps.count < 20_000  # another process computes
    assert run({"yaql": {"expression": "$.data.a", "data": {"a": 1}}}) == 1


def test_bad_yaql_is_found_without_evaluating() -> None:
    template = load_template(hot("outputs: {o: {value: {yaql: {expression: '$.['}}}}"))
    [error] = validate_static(template, {})
    assert "Bad expression" in error.message


CFN_MAPPINGS = {"Mappings": {"M": {"k": {"s": "v"}}}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::FindInMap": ["M", "k", "s"]}, "v"),
        ({"Fn::Join": ["-", ["a", None, {"Ref": "AWS::StackName"}]]}, "a--web"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Replace": [{"$x": 1}, "v$x"]}, "v1"),
        ({"Fn::Base64": "text"}, "text"),
        ({"Fn::GetAZs": ""}, ["nova"]),
        ({"Fn::If": ["c", "y", "n"]}, "y"),
        ({"Ref": "r"}, "id-r"),
        ({"Ref": "AWS::Region"}, "ap-southeast-1"),
        ({"Ref": "AWS::StackId"}, "arn:openstack:heat::p1:stacks/web/s1"),
        ({"Fn::GetAtt": ["r", "x"]}, 5),
    ],
)
def test_cloudformation_functions(value: Any, expected: Any) -> None:
    template = cfn(
        {"r": {"Type": "T"}},
        Conditions={"c": {"Fn::And": [{"Fn::Not": [{"Fn::Equals": ["1", 1]}]}, True]}},
        Outputs={"o": {"Value": value}},
        **CFN_MAPPINGS,
    )
    parameters = bind_parameters(template, load_environment(None), StackIdentity("p1", "web", "s1"))
    scope = DataScope(parameters, ids={"r": "id-r"}, attributes={"r": {"x": 5}})
    assert evaluate(template.outputs["o"].value, scope, template=template) == expected


NAMES = sorted({name for version in VERSIONS.values() for name in version.recognised})
CONDITION_NAMES = sorted({name for version in VERSIONS.values() for name in version.condition_functions})
LEAVES = st.sampled_from(
    ["a", "off", "yes", "no", "p", "j", "x", "", 0, 1, -1, 2.5, True, False, None, ",", "md5"]
)
# yaql is left out: each expression is a round trip to another process.
CALLS = st.sampled_from([name for name in (*NAMES, *CONDITION_NAMES) if name != "yaql"])
KEYS = st.sampled_from(
    ["template", "params", "for_each", "a", "x", "keys", "values", "host", "port", "query"]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.dictionaries(CALLS, inner, min_size=1, max_size=1)
        | st.dictionaries(CALLS, st.lists(inner, min_size=2, max_size=3), min_size=1, max_size=1)
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(VALUES, st.sampled_from(sorted(VERSIONS)), VALUES)
def test_no_template_raises_anything_but_template_errors(value: Any, name: str, condition: Any) -> None:
    version = VERSIONS[name]
    section, keys = version.sections, version.resource_keys
    data: dict[str, Any] = {
        version.key: version.date,
        section["parameters"]: {
            "p": {version.parameter_keys["type"]: "string" if version.dialect == "hot" else "String"}
        },
        section["resources"]: {
            "a": {keys["type"]: "T", keys["properties"]: {"v": value}},
            "b": {keys["type"]: "T", keys["metadata"]: {"w": value}},
        },
        section["outputs"]: {"o": {version.output_keys["value"]: value}},
    }
    if version.has_conditions:
        data[section["conditions"]] = {"yes": True, "no": condition}
    with suppress(TemplateError):
        template = load_template(data)
        parameters = bind_parameters(
            template, load_environment({"parameters": {"p": "x"}}), StackIdentity(), allow_missing=True
        )
        assert all(isinstance(error, TemplateError) for error in validate_static(template, parameters))
        conditions = resolve_conditions(template, parameters)
        assert dependencies(template, conditions).keys() == {"a", "b"}
        assert referenced_attributes(template, conditions).keys() <= {"a", "b"}
        result = evaluate(template.outputs["o"].value, DataScope(parameters), template=template)
        assert has_unknown(result) in (True, False)


def test_parameter_that_is_not_known_leaves_conditions_and_choices_open() -> None:
    template = load_template(
        hot(
            "parameters: {p: {type: string}}\n"
            "conditions: {c: {equals: [{get_param: p}, x]}, d: {or: [c, true]}}\n"
            "resources:\n"
            "  a: {type: T, condition: c}\n"
            "  b: {type: T, properties: {v: {if: [c, {get_resource: a}, 1]}}}\n"
        )
    )
    parameters = bind_parameters(template, load_environment(None), StackIdentity(), allow_missing=True)
    conditions = resolve_conditions(template, parameters)
    assert isinstance(conditions["c"], Unknown)
    assert conditions["d"] is True
    assert dependencies(template, conditions) == {"a": frozenset(), "b": frozenset({"a"})}
    value = evaluate(template.resources["b"].properties, DataScope(parameters), template=template)
    assert value == {"v": Unknown("", ("parameters", "p"))}


def test_missing_parameter_is_named() -> None:
    with pytest.raises(UserParameterMissing, match=r"The Parameter \(x\) was not provided"):
        run({"get_param": "x"})
