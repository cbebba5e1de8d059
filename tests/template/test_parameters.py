"""Parameters are converted, checked, masked and held against earlier values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.errors import (
    ImmutableParameterModified,
    InvalidSchemaError,
    TemplateError,
    UnknownUserParameter,
    UserParameterMissing,
)
from stackd.template import Parameters, bind_parameters, load_environment, load_template, validate_static
from stackd.template.constraints import CustomCheck, CustomConstraint
from tests.support.counting import counted
from tests.support.waiting import worker_time
from tests.template.helpers import IDENTITY


def bind(schemas: dict[str, Any], given: dict[str, Any] | None = None, **more: Any) -> Parameters:
    template = load_template({"heat_template_version": "2021-04-16", "parameters": schemas})
    environment = load_environment(
        {"parameters": given or {}, "parameter_defaults": more.pop("defaults", {})}
    )
    return bind_parameters(template, environment, IDENTITY, **more)


def constrained(kind: str, constraint: dict[str, Any], value: Any) -> str:
    try:
        bind({"p": {"type": kind, "constraints": [constraint]}}, {"p": value})
    except TemplateError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    ("kind", "constraint", "value", "message"),
    [
        ("string", {"length": {"min": 2, "max": 3}}, "a", "length (1) is out of range (min: 2, max: 3)"),
        ("string", {"length": {"min": 2}}, "a", "length (1) is out of range (min: 2, max: None)"),
        (
            "comma_delimited_list",
            {"length": {"max": 1}},
            "a,b",
            "length (2) is out of range (min: None, max: 1)",
        ),
        ("number", {"range": {"min": 1, "max": 5}}, 7, "7 is out of range (min: 1, max: 5)"),
        ("number", {"modulo": {"step": 2, "offset": 1}}, 4, "4 is not a multiple of 2 with an offset of 1"),
        ("string", {"allowed_values": ["x", "y"]}, "v", '"v" is not an allowed value ["x", "y"]'),
        (
            "comma_delimited_list",
            {"allowed_values": ["x", "y"]},
            "x,z",
            '["x", "z"] is not an allowed value ["x", "y"]',
        ),
        ("string", {"allowed_pattern": "[a-z]+"}, "aB", '"aB" does not match pattern "[a-z]+"'),
        ("string", {"allowed_pattern": "a|ab"}, "ab", '"ab" does not match pattern "a|ab"'),
        ("string", {"length": {"min": 2}, "description": "too short"}, "a", "too short"),
        (
            "boolean",
            {"custom_constraint": "x"},
            "maybe",
            "Unrecognized value 'maybe', acceptable values are: ",
        ),
    ],
)
def test_violation_is_told_in_heats_words(kind: str, constraint: Any, value: Any, message: str) -> None:
    assert constrained(kind, constraint, value).startswith(f"Parameter 'p' is invalid: {message}")


@pytest.mark.parametrize(
    ("kind", "constraint", "value"),
    [
        ("string", {"length": {"min": 1, "max": 1}}, "a"),
        ("number", {"range": {"min": "1"}}, "2"),
        ("number", {"modulo": {"step": 2, "offset": 0}, "range": {"min": 100}}, 4),
        ("number", {"allowed_values": ["1", 2.0]}, "2"),
        ("boolean", {"allowed_values": ["yes"]}, "true"),
        ("comma_delimited_list", {"allowed_values": ["x", "y"]}, "y,x,x"),
        ("string", {"allowed_pattern": "ab|a"}, "ab"),
    ],
)
def test_value_within_its_constraint_is_accepted(kind: str, constraint: Any, value: Any) -> None:
    assert constrained(kind, constraint, value) == ""


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("x", "Invalid parameter (p), expected a mapping"),
        ({}, "Missing parameter type for parameter: p"),
        ({"type": "String"}, "Invalid type (String)"),
        ({"type": "string", "x": 1}, "Invalid key 'x' for parameter (p)"),
        ({"type": "string", "tags": "x"}, "Tags property should be a list for parameter: p"),
        ({"type": "number", "constraints": [{"length": {"min": 1}}]}, "Length constraint invalid for number"),
        ({"type": "string", "constraints": [{"description": "d"}]}, "No constraint expressed"),
        ({"type": "string", "constraints": [{"zz": 1}]}, "Invalid key 'zz' for parameter constraints"),
        ({"type": "string", "constraints": [{"length": {}}]}, "A length constraint must have a min value"),
        ({"type": "string", "constraints": [{"length": {"min": 1.5}}]}, "length min must be a whole number"),
        ({"type": "string", "constraints": [{"allowed_pattern": "("}]}, 'Invalid pattern "("'),
        ({"type": "string", "constraints": [{"allowed_pattern": "a" * 5000}]}, "Invalid pattern"),
        ({"type": "number", "constraints": [{"modulo": {"step": 0, "offset": 0}}]}, "step cannot be 0."),
        ({"type": "number", "constraints": [{"modulo": {"step": 2, "offset": 2}}]}, "offset must be smaller"),
        ({"type": "number", "constraints": [{"modulo": {"step": 2, "offset": -1}}]}, "both positive or both"),
    ],
)
def test_wrong_schema_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(InvalidSchemaError) as caught:
        bind({"p": schema})
    assert message in caught.value.message
    assert caught.value.path.startswith("parameters.p")


def test_bad_default_is_found_by_validation() -> None:
    schema = {"type": "string", "default": "zz", "constraints": [{"allowed_values": ["a"]}]}
    template = load_template({"heat_template_version": "2021-04-16", "parameters": {"p": schema}})
    [error] = validate_static(template, {})
    reason = '"zz" is not an allowed value ["a"]'
    assert error.message == f"Parameter 'p' is invalid: Invalid default zz ({reason})"


def test_precedence_is_value_then_default_of_environment_then_of_template() -> None:
    schemas = {name: {"type": "string", "default": "template"} for name in "abc"}
    values = bind(schemas, {"a": "given", "b": None}, defaults={"a": "default", "b": "default", "zz": 1})
    assert [values[name] for name in "abc"] == ["given", "default", "template"]


def test_missing_and_undeclared_parameters_are_refused() -> None:
    with pytest.raises(UserParameterMissing, match=r"The Parameter \(p\) was not provided\."):
        bind({"p": {"type": "string"}}, {"p": None})
    with pytest.raises(UnknownUserParameter, match=r"The Parameter \(q\) was not defined in template\."):
        bind({}, {"q": 1})
    assert "q" not in bind({}, {"q": 1}, strict=False)


def test_shown_values_are_text_and_hidden_ones_masked() -> None:
    values = bind(
        {
            "s": {"type": "string", "default": "x", "hidden": True},
            "n": {"type": "number", "default": "1.50"},
            "b": {"type": "boolean", "default": "on"},
            "l": {"type": "comma_delimited_list", "default": [1, "b"]},
            "j": {"type": "json", "default": {"a": [1]}},
        }
    )
    shown = values.shown()
    assert {name: shown[name] for name in "snblj"} == {
        "s": "******",
        "n": "1.5",
        "b": "True",
        "l": "1,b",
        "j": '{"a": [1]}',
    }
    assert shown["OS::stack_name"] == "web"
    assert values.hidden == {"s"}


HIDDEN_REFUSALS: list[tuple[str, Any, str, str]] = [
    ("string", {"length": {"max": 2}}, "swordfish", "length (******) is out of range (min: None, max: 2)"),
    ("string", {"allowed_values": ["a"]}, "swordfish", '****** is not an allowed value ["a"]'),
    ("string", {"allowed_pattern": "[a-e]*"}, "swordfish", '"******" does not match pattern "[a-e]*"'),
    ("number", {"range": {"min": 3}}, "-77123", "****** is out of range (min: 3, max: None)"),
    (
        "number",
        {"modulo": {"step": 2, "offset": 0}},
        "77123",
        "****** is not a multiple of 2 with an offset of 0",
    ),
    ("string", {"custom_constraint": "net_cidr"}, "swordfish", "its value (******) is not a valid net_cidr"),
    ("string", {"custom_constraint": "no_such"}, "swordfish", "its value (******) is not acceptable"),
    ("number", {"range": {"min": 3}}, "swordfish", "its value (******) is not a valid number"),
    ("json", {"length": {"max": 2}}, "{swordfish", "its value (******) is not a valid json"),
]


@pytest.mark.parametrize(("kind", "constraint", "value", "reason"), HIDDEN_REFUSALS)
def test_violation_of_a_hidden_parameter_shows_the_limits_but_not_the_value(
    kind: str, constraint: dict[str, Any], value: str, reason: str
) -> None:
    schema = {"type": kind, "hidden": True, "constraints": [constraint]}
    with pytest.raises(TemplateError) as caught:
        bind({"p": schema}, {"p": value})
    assert caught.value.message.startswith(f"Parameter 'p' is invalid: {reason}")
    assert value not in str(caught.value)


def test_violation_of_a_hidden_parameter_shows_what_its_author_wrote() -> None:
    constraint = {"length": {"min": 12}, "description": "Twelve characters at least."}
    schema = {"type": "string", "hidden": True, "constraints": [constraint]}
    with pytest.raises(TemplateError) as caught:
        bind({"p": schema}, {"p": "swordfish"})
    assert caught.value.message == "Parameter 'p' is invalid: Twelve characters at least."


def test_wrong_default_of_a_hidden_parameter_shows_the_limits_but_not_the_default() -> None:
    constraint = {"length": {"min": 12}}
    schema = {"type": "string", "hidden": True, "default": "swordfish", "constraints": [constraint]}
    with pytest.raises(TemplateError) as caught:
        bind({"p": schema}, {})
    expected = "Invalid default ****** (length (******) is out of range (min: 12, max: None))"
    assert caught.value.message == f"Parameter 'p' is invalid: {expected}"


def test_immutable_parameter_cannot_change() -> None:
    schemas = {"a": {"type": "number", "immutable": True}, "b": {"type": "string"}}
    assert bind(schemas, {"a": "5", "b": "y"}, previous={"a": 5, "b": "x"})["a"] == 5
    with pytest.raises(ImmutableParameterModified, match="immutable and may not be updated: a"):
        bind(schemas, {"a": 6, "b": "x"}, previous={"a": 5, "b": "x"})


def test_custom_constraints_are_left_to_whoever_knows_the_cloud() -> None:
    schema = {"type": "comma_delimited_list", "constraints": [{"custom_constraint": "nova.keypair"}]}
    values = bind({"keys": schema}, {"keys": "a,b"})
    keypair = CustomConstraint(name="nova.keypair")
    assert values.custom_checks == (CustomCheck(keypair, "a", "keys"), CustomCheck(keypair, "b", "keys"))


def test_cloudformation_parameters_have_their_own_words() -> None:
    schema = {
        "Type": "Number",
        "MinValue": "1",
        "MaxValue": 5,
        "NoEcho": "True",
        "ConstraintDescription": "1 to 5",
    }
    data = {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": {"P": {**schema, "Default": 2}}}
    template = load_template(data)
    assert bind_parameters(template, load_environment(None), IDENTITY).hidden == {"P"}
    assert template.parameter_schemas["P"].type == "number"
    bad = load_environment({"parameters": {"P": 9}})
    with pytest.raises(TemplateError, match="Parameter 'P' is invalid"):
        bind_parameters(template, bad, IDENTITY)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*$", "a*a*a*a*a*b"])
def test_catastrophic_pattern_is_given_up(pattern: str) -> None:
    with worker_time(0.2), counted() as steps:
        assert "p" in constrained("string", {"allowed_pattern": pattern}, "a" * 300 + "!x")
    assert steps.count < 20_000  # another process computes


@settings(max_examples=300)
@given(
    st.sampled_from(["string", "number", "boolean", "comma_delimited_list", "json"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_no_value_raises_anything_but_template_errors(kind: str, value: Any) -> None:
    schema = {"type": kind, "default": "1", "constraints": [{"description": "d", "custom_constraint": "c"}]}
    try:
        shown = bind(
            {"p": schema if kind != "json" else {"type": kind, "default": "1"}}, {"p": value}
        ).shown()
    except TemplateError as error:
        shown = {"p": error.message}
    assert isinstance(shown["p"], str)


def test_number_too_long_for_json_is_told_in_words_for_people() -> None:
    with pytest.raises(TemplateError) as caught:
        bind({"p": {"type": "json"}}, {"p": '{"a": ' + "9" * 6000 + "}"})
    reason = "Value must be valid JSON: A number of more than 4300 digits is not supported."
    assert caught.value.message == f"Parameter 'p' is invalid: {reason}"
