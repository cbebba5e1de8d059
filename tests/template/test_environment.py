"""Environments: sections, the resource registry, inheritance and merging."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import TemplateError
from stackd.template import (
    Environment,
    load_environment,
    load_template,
    merge_environments,
    patch_environment,
)


def registry(**entries: Any) -> Environment:
    return load_environment({"resource_registry": entries})


@pytest.mark.parametrize("source", [None, "", "  ", "{}", "null", b"", {}])
def test_nothing_is_an_empty_environment(source: Any) -> None:
    assert load_environment(source).to_data() == {
        "parameters": {},
        "parameter_defaults": {},
        "resource_registry": {"resources": {}},
        "event_sinks": [],
        "encrypted_param_names": [],
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[1]", "not a valid YAML mapping"),
        ("text", "not a valid YAML mapping"),
        ({"x": 1}, 'environment has wrong section "x"'),
        ({"parameters": None}, 'environment has empty section "parameters"'),
        ({"parameters": []}, '"parameters" must be a map'),
        ({"event_sinks": {}}, '"event_sinks" must be a list'),
        ({"resource_registry": {"A": 1}}, "The target of A must be"),
        ({"resource_registry": {"resources": {"a": {"hooks": "pre-x"}}}}, 'Invalid hook type "pre-x"'),
        (
            {"resource_registry": {"resources": {"a": {"restricted_actions": "x"}}}},
            "Invalid restricted_action",
        ),
    ],
)
def test_wrong_environment_is_refused(source: Any, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        load_environment(source)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("entries", "asked", "expected"),
    [
        ({}, "T", "T"),
        ({"T": "U"}, "T", "U"),
        ({"T": "t.yaml"}, "T", "t.yaml"),
        ({"T": "U", "U": "u.yaml"}, "T", "u.yaml"),
        ({"OS::Quantum*": "OS::Neutron*"}, "OS::Quantum::Port", "OS::Neutron::Port"),
        ({"OS::*": "OS::Heat::None"}, "OS::Nova::Server", "OS::Heat::None"),
        ({"OS::*": "OS::Heat::None"}, "OS::Heat::None", "OS::Heat::None"),
        ({"A::*": "f.yaml"}, "A::B", "A::B"),
        ({"T": "U", "V": "W", "T*": None}, "T", "T"),
        ({"T": None}, "T", "T"),
        ({"OS::Heat*": "W", "OS::Heat::Value": "E"}, "OS::Heat::Value", "W"),
        ({"OS::Heat::Val*": "L", "OS::Heat*": "S"}, "OS::Heat::Value", "S"),
        ({"T": "T"}, "T", None),
        ({"T": "U", "U": "T"}, "T", None),
        ({"c.yaml": "c.yaml"}, "c.yaml", "c.yaml"),
        ({"T": "U", "resources": {"r": {"T": "V"}}}, "T", "V"),
        ({"T": "U", "resources": {"r*": {"T": "V"}}}, "T", "U"),
        ({"base_url": "http://x/", "T": "U"}, "T", "U"),
    ],
)
def test_type_stands_for_what_the_registry_says(
    entries: dict[str, Any], asked: str, expected: str | None
) -> None:
    assert registry(**entries).resolve_type(asked, "r") == expected


def test_targets_that_do_not_exist_are_passed_over() -> None:
    exists = {"Real", "T"}.__contains__
    assert registry(T="Gone").resolve_type("T", "r", exists=exists) == "T"
    assert registry(X="Gone").resolve_type("X", "r", exists=exists) is None
    assert registry(X="Real").resolve_type("X", "r", exists=exists) == "Real"


def test_users_entries_come_before_the_operators() -> None:
    operator = registry(T="O", S="O", resources={"r": {"T": "OR"}})
    environment = registry(T="U").with_base(operator)
    assert environment.resolve_type("T", "r") == "U"
    assert environment.resolve_type("S", "r") == "O"


def test_hooks_and_restrictions_match_by_name_and_pattern() -> None:
    environment = registry(
        resources={
            "web": {"hooks": "pre-create", "restricted_actions": ["update", "replace"]},
            "w*": {"hooks": ["pre-update"]},
            "db": {"hooks": "pre-delete"},
        }
    )
    assert environment.hooks("web") == {"pre-create", "pre-update"}
    assert environment.hooks("other") == frozenset()
    assert environment.restricted_actions("web") == {"update", "replace"}


def test_child_inherits_all_but_parameters_and_what_made_it() -> None:
    parent = load_environment(
        {
            "parameters": {"a": 1},
            "parameter_defaults": {"d": 2},
            "resource_registry": {
                "T": "t.yaml",
                "U": "V",
                "resources": {
                    "g": {"T": "x.yaml", "inner": {"hooks": "pre-create"}},
                    "*": {"other": {"U": "W"}},
                },
            },
        }
    )
    child = parent.child("g", "T")
    assert child.parameters == {}
    assert child.parameter_defaults == {"d": 2}
    assert child.resolve_type("T", "inner") == "T"
    assert child.resolve_type("U", "other") == "W"
    assert child.hooks("inner") == {"pre-create"}


def test_later_environments_win_section_by_section() -> None:
    first = load_environment({"parameters": {"a": 1, "b": 1}, "resource_registry": {"T": "U", "X": "Y"}})
    second = load_environment({"parameters": {"b": 2, "c": None}, "resource_registry": {"T": "V"}})
    merged = merge_environments(first, second)
    assert merged.parameters == {"a": 1, "b": 2}
    assert merged.resource_registry == {"T": "V", "X": "Y"}
    assert merge_environments(first, initial={"b": 9}).parameters == {"b": 1, "a": 1}


SCHEMAS = load_template(
    {
        "heat_template_version": "2021-04-16",
        "parameters": {
            "s": {"type": "string"},
            "l": {"type": "comma_delimited_list"},
            "j": {"type": "json"},
            "n": {"type": "number"},
            "b": {"type": "boolean"},
        },
    }
).parameter_schemas


def merged_value(name: str, old: Any, new: Any, strategy: str) -> Any:
    strategies = {"parameter_merge_strategies": {"default": strategy}}
    first = load_environment({"parameters": {name: old}, **strategies})
    second = load_environment({"parameters": {name: new}, **strategies})
    return merge_environments(first, second, schemas=SCHEMAS).parameters[name]


@pytest.mark.parametrize(
    ("name", "old", "new", "strategy", "expected"),
    [
        ("s", "a", "b", "overwrite", "b"),
        ("s", "a", "b", "merge", "ab"),
        ("l", "a", "b", "merge", "a,b"),
        ("l", ["a"], ["b"], "merge", ["a", "b"]),
        ("j", {"a": {"x": 1}}, {"a": {"y": 2}}, "merge", {"a": {"y": 2}}),
        ("j", {"a": {"x": 1}}, {"a": {"y": 2}}, "deep_merge", {"a": {"x": 1, "y": 2}}),
        ("n", "1", "2", "merge", "12"),
        ("n", 1, 2, "merge", 3),
    ],
)
def test_parameters_merge_by_strategy(name: str, old: Any, new: Any, strategy: str, expected: Any) -> None:
    assert merged_value(name, old, new, strategy) == expected


def test_what_cannot_be_merged_is_refused() -> None:
    with pytest.raises(TemplateError, match="Invalid merge strategy for parameter 'b'"):
        merged_value("b", "true", "false", "merge")


def test_contradicting_strategies_are_refused() -> None:
    first = load_environment({"parameters": {"s": "a"}, "parameter_merge_strategies": {"s": "merge"}})
    second = load_environment({"parameters": {"s": "b"}, "parameter_merge_strategies": {"s": "overwrite"}})
    with pytest.raises(TemplateError, match="Conflicting merge strategy"):
        merge_environments(first, second, schemas=SCHEMAS)


def test_patch_keeps_what_is_stored_unless_cleared_or_undeclared() -> None:
    stored = load_environment({"parameters": {"a": 1, "b": 1, "c": 1}, "resource_registry": {"T": "U"}})
    supplied = load_environment({"parameters": {"b": 2}})
    patched = patch_environment(stored, supplied, clear_parameters=("c",), declared=frozenset("bc"))
    assert patched.parameters == {"b": 2}
    assert patched.resource_registry == {"T": "U"}
