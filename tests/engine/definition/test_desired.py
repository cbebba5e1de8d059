"""Definitions evaluated: what exists, what needs what, and what is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stackd.engine.definition.desired import Desired, build, load_source, loaded_properties
from stackd.engine.validation.resource_rules import validate
from stackd.errors import (
    CircularDependency,
    RequestLimitExceeded,
    TemplateError,
    TemplateErrors,
    all_errors,
)
from stackd.records import Action
from stackd.resources.registry import load_registry
from stackd.template.parameters import StackIdentity
from stackd.template.problems import raise_all
from stackd.template.unknown import Unknown
from tests.support.records import a_resource, a_stack

REGISTRY = load_registry()
IDENTITY = StackIdentity(project_id="p", stack_name="s", stack_id="id")


def desired(
    resources: dict[str, Any], environment: Any = None, files: dict[str, str] | None = None, **sections: Any
) -> Desired:
    template = {"heat_template_version": "2018-08-31", "resources": resources, **sections}
    return build(load_source(template, environment, files or {}), IDENTITY, REGISTRY)


def value(given: Any, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::Value", "properties": {"value": given}, **more}


PORT = {"type": "OS::Neutron::Port", "properties": {"network": {"get_resource": "net"}}}
NET = {"type": "OS::Neutron::Net"}
SUBNET = {
    "type": "OS::Neutron::Subnet",
    "properties": {"network": {"get_resource": "net"}, "cidr": "10.0.0.0/24"},
}


def test_resources_whose_condition_fails_do_not_exist_and_need_not() -> None:
    made = desired(
        {"a": value(1, condition="on"), "b": value(2, depends_on="a")},
        conditions={"on": {"equals": [{"get_param": "env"}, "prod"]}},
        parameters={"env": {"type": "string", "default": "test"}},
    )
    assert set(made.resources) == {"b"}
    assert made.requires == {"b": frozenset()}


def test_references_and_depends_on_are_requirements() -> None:
    made = desired(
        {"a": value(1), "b": value({"get_attr": ["a", "value"]}), "c": value(3, depends_on=["a", "b"])}
    )
    assert made.requires == {"a": frozenset(), "b": {"a"}, "c": {"a", "b"}}
    assert made.wanted["a"] == {("value",)}


def test_port_needs_the_subnets_of_its_network_and_of_no_other() -> None:
    other = {"type": SUBNET["type"], "properties": {"network": "elsewhere", "cidr": "10.1.0.0/24"}}
    made = desired({"net": NET, "subnet": SUBNET, "other": other, "port": PORT})
    assert made.requires["port"] == {"net", "subnet"}


def test_circle_closed_by_what_types_add_is_refused() -> None:
    closing = SUBNET | {"depends_on": "port"}
    with pytest.raises(CircularDependency, match=r"^Circular Dependency Found: "):
        desired({"net": NET, "subnet": closing, "port": PORT})


def test_unknown_type_is_named_with_its_path() -> None:
    with pytest.raises(TemplateError) as caught:
        desired({"x": {"type": "OS::No::Such"}})
    assert caught.value.path == "resources.x.type"
    assert "plug-in" in caught.value.remedy


def test_template_that_was_not_sent_is_named() -> None:
    with pytest.raises(TemplateError, match=r'"inner\.yaml"') as caught:
        desired({"x": {"type": "inner.yaml"}})
    assert caught.value.path == "resources.x.type"


def test_environment_maps_types_for_all_or_for_one_resource() -> None:
    environment = {
        "resource_registry": {
            "My::Word": "OS::Heat::RandomString",
            "resources": {"b": {"My::Word": "OS::Heat::Value"}},
        }
    }
    made = desired({"a": {"type": "My::Word"}, "b": value(1) | {"type": "My::Word"}}, environment)
    assert {name: (kind.written, kind.name) for name, kind in made.types.items()} == {
        "a": ("My::Word", "OS::Heat::RandomString"),
        "b": ("My::Word", "OS::Heat::Value"),
    }


def test_all_mistakes_are_found_and_the_first_one_carries_the_others() -> None:
    wrong = {"type": "OS::Heat::RandomString", "properties": {"length": 0, "salt": "x"}}
    errors = validate(desired({"a": wrong, "b": value(1), "c": wrong}))
    assert [error.path for error in errors] == [
        "resources.a.properties.length",
        "resources.c.properties.length",
    ]
    assert all(error.message.startswith(f"Property error: {error.path}: ") for error in errors)
    with pytest.raises(TemplateErrors, match=re.escape(errors[0].message)) as caught:
        raise_all(errors)
    assert all_errors(caught.value) == tuple(errors)
    assert raise_all([]) is None  # type: ignore[func-returns-value]


def test_unknown_attribute_is_a_mistake() -> None:
    made = desired({"a": value(1), "b": value({"get_attr": ["a", "valu"]})})
    [error] = validate(made)
    assert "(a valu)" in error.message


def test_output_that_fails_does_not_take_the_others_along() -> None:
    made = desired(
        {"a": value(1)},
        outputs={
            "good": {"value": {"get_attr": ["a", "value"]}},
            "bad": {"value": {"get_attr": ["a", "nothing"]}},
            "hidden": {"value": 1, "condition": "off"},
        },
        conditions={"off": {"equals": [1, 2]}},
    )
    rows = {
        "a": a_resource(
            a_stack(),
            "a",
            type="OS::Heat::Value",
            kind="OS::Heat::Value",
            action=Action.CREATE,
            attributes={"value": 1},
        )
    }
    shown = made.outputs(made.scope(rows))
    assert shown["good"] == {"value": 1}
    assert "incorrect" in shown["bad"]["error"]
    assert shown["hidden"] == {"value": None}


def test_policies_and_external_ids_may_be_functions() -> None:
    made = desired(
        {
            "g": {
                "type": "OS::Heat::ResourceGroup",
                "properties": {"count": 1, "resource_def": {"type": "OS::Heat::RandomString"}},
                "update_policy": {"rolling_update": {"max_batch_size": {"get_param": "size"}}},
            },
            "n": NET | {"external_id": {"get_param": "id"}},
        },
        parameters={"size": {"type": "number", "default": 3}, "id": {"type": "string", "default": "e"}},
    )
    scope = made.scope({})
    assert made.update_policy("g", scope) == {"rolling_update": {"max_batch_size": 3}}
    assert made.update_policy("n", scope) == {}
    assert (made.external_id("n", scope), made.external_id("g", scope)) == ("e", None)
    assert made.resources["n"].deletion_policy == "Retain"


def test_description_fills_a_description_property_left_unset() -> None:
    group = {"type": "OS::Neutron::SecurityGroup", "description": "said by the template"}
    made = desired({"g": group})
    assert loaded_properties(made, "g", made.scope({})).data["description"] == "said by the template"


def test_open_values_are_unknown_and_not_wrong() -> None:
    made = desired({"net": NET, "subnet": SUBNET})
    assert validate(made) == []
    props = loaded_properties(made, "subnet", made.scope({}))
    assert props.data["network"] == Unknown("net")


def test_what_was_accepted_once_is_readable_under_any_limit():
    large = {f"v{number}": value("x" * 1000) for number in range(600)}
    template = {"heat_template_version": "2018-08-31", "resources": large}
    assert len(load_source(template, {"parameters": {"text": "x" * 600_000}}, {}).template.resources) == 600
    with pytest.raises(RequestLimitExceeded):
        load_source(json.dumps(template), None, {})


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("OS::Neutron::Port", {"network": {"get_resource": "net"}}),
        ("OS::Nova::Server", {"networks": [{"network": {"get_resource": "net"}}]}),
    ],
)
def test_what_a_resource_needs_is_found_without_reading_all_others(monkeypatch, kind, properties):
    read = []
    monkeypatch.setattr(
        "stackd.engine.definition.desired._readable", lambda *args, **more: read.append(args[1]) or {}
    )
    values = {f"v{number}": value("x") for number in range(50)}
    desired({"net": NET, "subnet": SUBNET, "asking": {"type": kind, "properties": properties}, **values})
    assert not set(read) & set(values)
