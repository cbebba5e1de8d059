"""The rules of lint: each finds what it is for, and lets what is right pass."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.errors import StackdError
from stackd.lint import RULES, Severity, lint
from stackd.lint.secrets import is_secret_name
from stackd.resources.base import ResourceType
from stackd.resources.registry import Registry, load_registry
from stackd.resources.schema import Support
from stackd.template.parse import parse_text
from stackd.template.template import load_template
from tests.support.templates import hot_text as hot

REGISTRY = load_registry()
SERVER = (
    "{type: OS::Nova::Server, properties: {flavor: f, image: i, networks: [{port: {get_resource: p}}]}%s}"
)
ROUTED = """
  net: {type: OS::Neutron::Net}
  sub: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.0.0.0/24}}
  way: {type: OS::Neutron::RouterInterface, properties: {router: r, subnet: {get_resource: sub}}}
  p: {type: OS::Neutron::Port, properties: {network: {get_resource: net}}}
  ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public, port_id: {get_resource: p}}}
"""


def found(text: str, registry: Registry = REGISTRY) -> list[tuple[str, str]]:
    return [(issue.rule.id, issue.error.path) for issue in lint(load_template(text), registry)]


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----"
# rule → (text with the fault, its path, text without it)
CASES: dict[str, tuple[str, str, str]] = {
    "private-key": (
        hot(f"resources: {{s: {{type: OS::Heat::Value, properties: {{value: ['{KEY}']}}}}}}"),
        "resources.s.properties.value[0]",
        hot("resources: {s: {type: OS::Heat::Value, properties: {value: '-----BEGIN PUBLIC KEY-----'}}}"),
    ),
    "secret-in-text": (
        hot("resources: {u: {type: OS::Keystone::User, properties: {password: hunter2}}}"),
        "resources.u.properties.password",
        hot("resources: {u: {type: OS::Keystone::User, properties: {password: {get_param: p}}}}"),
    ),
    "secret-default": (
        hot("parameters: {db_password: {type: string, hidden: true, default: hunter2}}"),
        "parameters.db_password.default",
        hot("parameters: {db_password: {type: string, hidden: true, default: ''}}"),
    ),
    "secret-not-hidden": (
        hot("parameters: {apiKey: {type: string}}"),
        "parameters.apiKey",
        hot("parameters: {apiKey: {type: string, hidden: true}, password_length: {type: number}}"),
    ),
    "secret-in-output": (
        hot("parameters: {s: {type: string, hidden: true}}\noutputs: {o: {value: [{get_param: s}]}}"),
        "outputs.o.value[0]",
        hot("parameters: {s: {type: string}}\noutputs: {o: {value: [{get_param: s}]}}"),
    ),
    "unused-parameter": (
        hot("parameters: {a: {type: string}}"),
        "parameters.a",
        hot(
            "parameters: {a: {type: string}}\nconditions: {c: {equals: [{get_param: a}, b]}}\n"
            "outputs: {o: {value: {if: [c, 1, 2]}}}"
        ),
    ),
    "unused-condition": (
        hot("parameters: {a: {type: string}}\nconditions: {c: {equals: [{get_param: a}, b]}}"),
        "conditions.c",
        hot(
            "conditions: {c: {not: d}, d: true}\n"
            "resources: {n: {type: OS::Heat::None, condition: {and: [c, d]}}}"
        ),
    ),
    "constant-condition": (
        hot(
            "parameters: {a: {type: string}}\n"
            "conditions: {c: {or: [{equals: [{get_param: a}, b]}, {equals: [1, 1]}]}}"
        ),
        "conditions.c",
        hot(
            "parameters: {a: {type: string}}\n"
            "conditions: {c: {or: [{equals: [{get_param: a}, b]}, {equals: [1, 2]}]}}"
        ),
    ),
    "impossible-comparison": (
        hot(
            "parameters: {a: {type: string, constraints: [{allowed_values: [x, y]}]}}\n"
            "conditions: {c: {not: {equals: [z, {get_param: a}]}}}"
        ),
        "conditions.c.not",
        hot(
            "parameters: {a: {type: number, constraints: [{allowed_values: [1, 2]}]}}\n"
            "conditions: {c: {equals: ['1', {get_param: a}]}}"
        ),
    ),
    "literal-function": (
        hot("resources: {v: {type: OS::Heat::Value, properties: {value: {'Fn::Sub': a}}}}"),
        "resources.v.properties.value",
        hot("resources: {v: {type: OS::Heat::Value, properties: {value: {a: b}}}}"),
    ),
    "repeated-key": (
        hot("resources:\n  a: {type: OS::Heat::None}\n  a: {type: OS::Heat::None}"),
        "",
        hot("resources:\n  a: {type: OS::Heat::None}\n  b: {type: OS::Heat::None}"),
    ),
    "deprecated-property": (
        hot("resources: {s: {type: OS::Nova::Server, properties: {flavor: f, networks: [{uuid: n}]}}}"),
        "resources.s.properties.networks[0].uuid",
        hot("resources: {s: {type: OS::Nova::Server, properties: {flavor: f, networks: [{network: n}]}}}"),
    ),
    "missing-route": (
        hot(f"resources:{ROUTED}  s: {SERVER % ''}"),
        "resources.s",
        hot(f"resources:{ROUTED}  s: {SERVER % ', depends_on: way'}"),
    ),
    "fixed-name": (
        hot("resources: {k: {type: OS::Nova::KeyPair, properties: {name: mine}}}"),
        "resources.k.properties.name",
        hot("resources: {k: {type: OS::Nova::KeyPair, properties: {name: {get_param: k}}}}"),
    ),
    "repeated-dependency": (
        hot(
            "resources:\n  a: {type: OS::Heat::None}\n"
            "  b: {type: OS::Heat::None, depends_on: [a], properties: {x: {get_resource: a}}}"
        ),
        "resources.b.depends_on[0]",
        hot("resources:\n  a: {type: OS::Heat::None}\n  b: {type: OS::Heat::None, depends_on: [a]}"),
    ),
    "old-function": (
        hot("outputs: {o: {value: {'Fn::Join': ['-', [a]]}}}", "2013-05-23"),
        "outputs.o.value",
        hot("outputs: {o: {value: {list_join: ['-', [a]]}}}", "2013-05-23"),
    ),
    "old-version": (hot("", "2016-04-08"), "heat_template_version", hot("", "2016-10-14")),
    "no-description": (
        hot("description: d\noutputs: {o: {value: 1}}"),
        "outputs.o",
        hot("description: d\noutputs: {o: {value: 1, description: e}}"),
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_rule_finds_the_fault_and_only_that(rule: str) -> None:
    faulty, path, right = CASES[rule]
    assert [where for name, where in found(faulty) if name == rule] == [path]
    assert [where for name, where in found(right) if name == rule] == []


def test_every_rule_is_tested_and_says_what_it_is_for() -> None:
    assert sorted(RULES.keys() - CASES.keys()) == ["deprecated-type"]
    assert [rule.id for rule in RULES.values() if not rule.summary.endswith(".")] == []


def test_deprecated_type_is_found() -> None:
    class Old(ResourceType[Any]):
        """An old one."""

        type_name = "My::Old"
        support = Support("DEPRECATED", "3.0", "Use My::New.")

    registry = dataclasses.replace(REGISTRY, types=MappingProxyType({"My::Old": Old()}))
    issue = next(
        each
        for each in lint(load_template(hot("resources: {o: {type: My::Old}}")), registry)
        if each.rule.id == "deprecated-type"
    )
    assert (issue.error.message, issue.error.remedy) == ("My::Old is deprecated since 3.0.", "Use My::New.")


def test_rules_can_be_ignored_and_less_grave_ones_left_out() -> None:
    template = load_template(hot("parameters: {token: {type: string}}", "2015-04-30"))
    assert {each.rule.id for each in lint(template, REGISTRY)} == {
        "no-description",
        "old-version",
        "secret-not-hidden",
        "unused-parameter",
    }
    left = lint(template, REGISTRY, ignore=["unused-parameter"], level=Severity.WARNING)
    assert [each.rule.id for each in left] == ["secret-not-hidden"]


def test_fault_has_its_place() -> None:
    error = lint(load_template(hot("parameters:\n  a: {type: string}")), REGISTRY)[1].error
    assert (error.place.line, error.remedy) == (3, "Remove it.")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("password", True),
        ("dbPassword", True),
        ("DB_PASSWORD", True),
        ("private_key", True),
        ("SSHPrivateKey", True),
        ("auth_token", True),
        ("key_name", False),
        ("password_length", False),
        ("secret_id", False),
        ("compass", False),
        ("tokenizer", False),
    ],
)
def test_names_of_secrets(name: str, expected: bool) -> None:
    assert is_secret_name(name) is expected


def test_computed_name_of_a_parameter_may_mean_any() -> None:
    text = hot(
        "parameters: {a: {type: string}, b: {type: string}}\n"
        "outputs: {o: {value: {get_param: {get_param: a}}}}"
    )
    assert "unused-parameter" not in [name for name, _ in found(text)]


def test_texts_and_rules_of_cloudformation_use_parameters_and_conditions() -> None:
    text = """
AWSTemplateFormatVersion: 2010-09-09
Parameters: {A: {Type: String}, B: {Type: String}, C: {Type: String}, D: {Type: String}}
Rules: {R: {Assertions: [{Assert: {"Fn::Equals": [{Ref: C}, x]}}]}}
Conditions:
  One: {"Fn::Equals": [{Ref: B}, x]}
  Two: {"Fn::Not": [{Condition: One}]}
Resources:
  V: {Type: OS::Heat::Value, Condition: Two, Properties: {value: {"Fn::Sub": "${A} ${!D} ${ W.value }"}}}
  W: {Type: OS::Heat::Value, Properties: {value: 1}}
  X: {Type: OS::Heat::Value, DependsOn: W, Properties: {value: {"Fn::Sub": ["${D}${W}", {D: {Ref: D}}]}}}
"""
    assert [(rule, where) for rule, where in found(text) if rule != "no-description"] == [
        ("repeated-dependency", "Resources.X.DependsOn")
    ]


names = st.sampled_from(["a", "b", "password", "OS::stack_name", "Fn::Sub", "get_param"])
functions = st.sampled_from(
    [
        "get_param",
        "get_attr",
        "get_resource",
        "if",
        "equals",
        "not",
        "and",
        "Ref",
        "Fn::If",
        "list_join",
        "repeat",
    ]
)
leaves = st.one_of(names, st.integers(-1, 2), st.booleans(), st.none())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(names, inner, max_size=2),
        functions.flatmap(lambda name: inner.map(lambda value: {name: value})),
    ),
    max_leaves=8,
)
types = st.sampled_from(
    ["OS::Nova::Server", "OS::Heat::ResourceGroup", "OS::Neutron::RouterInterface", "x.yaml", "X"]
)
resources = st.fixed_dictionaries(
    {"type": types},
    optional={"properties": values, "depends_on": values, "condition": values, "metadata": values},
)
parameters = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "number", "json"])},
    optional={"default": values, "hidden": values, "constraints": values},
)
templates = st.fixed_dictionaries(
    {"heat_template_version": st.sampled_from(["2013-05-23", "2016-10-14", "2021-04-16"])},
    optional={
        "parameters": st.dictionaries(names, st.one_of(parameters, values), max_size=2),
        "conditions": st.dictionaries(names, values, max_size=3),
        "resources": st.dictionaries(names, st.one_of(resources, resources, values), max_size=3),
        "outputs": st.dictionaries(
            names, st.one_of(st.fixed_dictionaries({"value": values}), values), max_size=2
        ),
        "description": values,
    },
)


@given(templates)
@settings(max_examples=150)
def test_lint_raises_nothing_of_its_own(data: dict[str, Any]) -> None:
    try:
        template = load_template(data)
    except StackdError:
        return
    for issue in lint(template, REGISTRY):
        assert issue.error.message


@given(st.text(max_size=60))
@settings(max_examples=100)
def test_lint_of_any_text_that_is_a_template(text: str) -> None:
    try:
        template = load_template(parse_text(f"heat_template_version: 2018-08-31\n{text}"))
    except StackdError:
        return
    assert isinstance(lint(template, REGISTRY), list)
