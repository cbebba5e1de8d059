"""Definitions evaluated: what exists, what needs what, and what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.definition.desired import Desired, build, load_source, loaded_properties
from stackd.engine.planning.diff import Change
from stackd.engine.planning.plan import target_of
from stackd.engine.planning.predict import predict
from stackd.engine.validation.resource_rules import validate
from stackd.errors import CircularDependency, PropertyError, RequestLimitExceeded, TemplateError
from stackd.records import Action, Resource, Status
from stackd.resources.registry import load_registry
from stackd.template.parameters import StackIdentity
from stackd.template.problems import raise_first
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
    assert {name: (kind.written, kind.name) for name, kind in made.kinds.items()} == {
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
    with pytest.raises(PropertyError) as caught:
        raise_first(errors)
    assert caught.value.__dict__["all_errors"] == errors
    assert raise_first([]) is None  # type: ignore[func-returns-value]


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
    rows = {"a": a_row("a", made, attributes={"value": 1})}
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


# --- predictions ----------------------------------------------------------------------------------


def a_row(name: str, made: Desired, **fields: Any) -> Resource:
    if name in made.resources:
        given = {
            "type": made.kinds[name].written,
            "kind": made.kinds[name].name,
            "properties": loaded_properties(made, name, made.scope({})).data,
        }
    else:
        given = {}
    state = {
        "action": Action.CREATE,
        "physical_id": f"id of {name}",
        "applied_from": target_of(made.definition),
    }
    return a_resource(a_stack(), name, **(given | state | fields))


def word(length: int, **properties: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::RandomString", "properties": {"length": length, **properties}}


def test_prediction_tells_new_changed_replaced_unchanged_and_deleted() -> None:
    before = desired({"same": value(1), "changed": value(1), "replaced": word(8), "gone": value(1)})
    rows = [a_row(name, before) for name in before.resources]
    after = desired({"same": value(1), "changed": value(2), "replaced": word(9), "new": value(1)})
    told = predict(after, rows)
    assert {name: decision.change for name, decision in told.decisions.items()} == {
        "same": Change.NONE,
        "changed": Change.UPDATE,
        "replaced": Change.REPLACE,
        "new": Change.CREATE,
    }
    assert [row.name for row in told.deleted] == ["gone"]


def test_replacement_reaches_what_refers_to_it() -> None:
    def definition(length: int) -> Desired:
        return desired({"a": word(length), "b": value({"get_resource": "a"}), "c": value(1)})

    rows = [a_row(name, definition(8)) for name in "ac"]
    rows.append(a_row("b", definition(8), properties={"value": "id of a", "type": None}))
    told = predict(definition(9), rows)
    assert told.decisions["a"].change is Change.REPLACE
    assert told.decisions["b"].change is Change.UPDATE
    assert "(known after apply)" in told.decisions["b"].reason
    assert told.decisions["c"].change is Change.NONE
    assert list(told.decisions).index("a") < list(told.decisions).index("b")


def test_what_waits_to_be_made_is_new_and_what_failed_is_replaced() -> None:
    made = desired({"waits": value(1), "failed": value(1)})
    rows = [
        a_row("waits", made, action=Action.INIT, physical_id=None),
        a_row("failed", made, status=Status.FAILED, reason="it burst"),
        a_row("left over", made, action=Action.INIT, physical_id=None),
    ]
    told = predict(made, rows)
    assert told.decisions["waits"].change is Change.CREATE
    assert told.decisions["failed"].change is Change.REPLACE
    assert told.deleted == []


def test_open_values_are_unknown_and_not_wrong() -> None:
    made = desired({"net": NET, "subnet": SUBNET})
    assert validate(made) == []
    props = loaded_properties(made, "subnet", made.scope({}))
    assert props.data["network"] == Unknown("net")


def test_changed_metadata_is_told_and_external_resources_are_left_alone() -> None:
    wrong = NET | {"external_id": "e", "properties": {"name": ["not", "text"]}}
    made = desired({"m": value(1, metadata={"a": 2}), "x": wrong})
    rows = [
        a_row("m", made, metadata={"a": 1}),
        a_row("x", desired({"x": NET}), external_id="e", physical_id="e"),
    ]
    told = predict(made, rows)
    assert (told.decisions["m"].change, told.decisions["m"].reason) == (Change.UPDATE, "metadata changed")
    assert told.decisions["x"].change is Change.NONE


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
