"""Plans of whole definitions: which verb each resource gets, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackd.engine.definition.desired import Desired, build, load_source, loaded_properties
from stackd.engine.planning.inputs import Inputs, StoredStack
from stackd.engine.planning.make import make_plan
from stackd.engine.planning.ordering import target_of
from stackd.engine.planning.plan import Plan, Step
from stackd.engine.planning.verbs import Verb
from stackd.records import Action, Definition, Resource, Status
from stackd.resources.registry import load_registry
from stackd.template.parameters import StackIdentity
from tests.support.records import a_resource, a_stack

REGISTRY = load_registry()
IDENTITY = StackIdentity(project_id="p", stack_name="s", stack_id="id")
INPUTS = Inputs(
    REGISTRY, lambda template, environment, files: Definition(repr(template), repr(environment), files)
)


def desired(resources: dict[str, Any], environment: Any = None, **sections: Any) -> Desired:
    template = {"heat_template_version": "2018-08-31", "resources": resources, **sections}
    return build(load_source(template, environment, {}), IDENTITY, REGISTRY)


def value(given: Any, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::Value", "properties": {"value": given}, **more}


def word(length: int, **properties: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::RandomString", "properties": {"length": length, **properties}}


def a_row(name: str, made: Desired, **fields: Any) -> Resource:
    given: dict[str, Any] = {}
    if name in made.resources:
        given = {
            "type": made.types[name].written,
            "kind": made.types[name].name,
            "properties": loaded_properties(made, name, made.scope({})).data,
        }
    state = {
        "action": Action.CREATE,
        "physical_id": f"id of {name}",
        "applied_from": target_of(made.definition),
    }
    return a_resource(a_stack(), name, **(given | state | fields))


def plan(made: Desired, rows: Sequence[Resource], **inputs: Any) -> Plan:
    given = Inputs(INPUTS.registry, INPUTS.identify, **inputs)
    return make_plan(made, StoredStack(a_stack(), rows), Action.UPDATE, given)


def steps(made: Plan) -> Mapping[str, Step]:
    return {step.name: step for step in made.steps}


def verbs(made: Plan) -> dict[str, Verb]:
    return {name: step.verb for name, step in steps(made).items()}


def test_plan_knows_what_is_new_changed_replaced_kept_and_deleted() -> None:
    before = desired({"same": value(1), "changed": value(1), "replaced": word(8), "gone": value(1)})
    rows = [a_row(name, before) for name in before.resources]
    after = desired({"same": value(1), "changed": value(2), "replaced": word(9), "new": value(1)})
    assert verbs(plan(after, rows)) == {
        "same": Verb.KEEP,
        "changed": Verb.UPDATE,
        "replaced": Verb.REPLACE,
        "new": Verb.CREATE,
        "gone": Verb.DELETE,
    }


def test_replacement_reaches_what_refers_to_it() -> None:
    def definition(length: int) -> Desired:
        return desired({"a": word(length), "b": value({"get_resource": "a"}), "c": value(1)})

    rows = [a_row(name, definition(8)) for name in "ac"]
    rows.append(a_row("b", definition(8), properties={"value": "id of a", "type": None}))
    made = plan(definition(9), rows)
    assert verbs(made) == {"a": Verb.REPLACE, "b": Verb.UPDATE, "c": Verb.KEEP}
    assert [cause.unknown for cause in steps(made)["b"].causes] == [True]
    names = [step.name for step in made.steps]
    assert names.index("a") in made.requires[names.index("b")]


def test_what_refers_to_a_kept_resource_is_kept() -> None:
    made = desired(
        {"a": word(8), "b": value({"get_resource": "a"}), "c": value({"get_attr": ["a", "value"]})}
    )
    rows = [
        a_row("a", made, attributes={"value": "secret"}, data={"value": "secret"}),
        a_row("b", made, properties={"value": "secret"}),
        a_row("c", made, properties={"value": "secret"}),
    ]
    assert plan(made, rows).is_empty


def test_what_waits_to_be_made_is_new_and_what_failed_is_replaced() -> None:
    made = desired({"waits": value(1), "failed": value(1)})
    rows = [
        a_row("waits", made, action=Action.INIT, physical_id=None),
        a_row("failed", made, status=Status.FAILED, reason="it burst"),
        a_row("left over", made, action=Action.INIT, physical_id=None),
    ]
    assert verbs(plan(made, rows)) == {"waits": Verb.CREATE, "failed": Verb.REPLACE}


def test_changed_metadata_is_an_update_and_external_resources_are_kept() -> None:
    net = {"type": "OS::Neutron::Net"}
    wrong = net | {"external_id": "e", "properties": {"name": ["not", "text"]}}
    made = desired({"m": value(1, metadata={"a": 2}), "x": wrong})
    rows = [
        a_row("m", made, metadata={"a": 1}),
        a_row("x", desired({"x": net}), external_id="e", physical_id="e"),
    ]
    found = plan(made, rows)
    assert verbs(found) == {"m": Verb.UPDATE, "x": Verb.KEEP}
    assert [str(cause) for cause in steps(found)["m"].causes] == ["metadata changed"]


def test_object_that_is_gone_is_replaced() -> None:
    made = desired({"a": word(8)})
    row = a_row("a", made)
    found = plan(made, [row], missing=frozenset({row.id}))
    assert [(step.verb, str(step.causes[0])) for step in found.steps] == [
        (Verb.REPLACE, "its object is gone")
    ]


def test_removal_says_whether_the_template_or_a_condition_is_the_cause() -> None:
    made = desired({"off": value("a", condition="no")}, conditions={"no": False})
    found = steps(plan(made, [a_row("off", made), a_row("left_out", made)]))
    causes = {name: [cause.rule for cause in step.causes] for name, step in found.items()}
    assert causes == {"off": ["its condition does not hold"], "left_out": ["no longer in the template"]}


def test_retained_resource_is_abandoned_instead_of_deleted() -> None:
    made = desired({})
    rows = [a_row("kept", made, deletion_policy="Retain"), a_row("gone", made)]
    assert verbs(plan(made, rows)) == {"kept": Verb.ABANDON, "gone": Verb.DELETE}


def test_stored_form_gives_the_same_plan() -> None:
    before = desired({"same": value(1), "changed": value({"k": [1, 2]}), "gone": word(8)})
    rows = [a_row(name, before) for name in before.resources]
    after = desired({"same": value(1), "changed": value({"k": [1, 3]}), "new": word(8)})
    made = plan(after, rows)
    assert Plan.of_data(made.to_data()) == made
    assert [cause.path for cause in steps(made)["changed"].causes] == ["properties.value.k[1]"]


def test_plan_of_a_suspension_is_in_reverse_order() -> None:
    made = desired({"a": word(8), "b": value({"get_resource": "a"})})
    rows = [a_row("a", made), a_row("b", made, requires=("a",))]
    found = make_plan(None, StoredStack(a_stack(), rows), Action.SUSPEND, INPUTS)
    assert [step.verb for step in found.steps] == [Verb.SUSPEND, Verb.SUSPEND]
    names = [step.name for step in found.steps]
    assert found.requires[names.index("a")] == (names.index("b"),)


def test_secret_longer_than_what_a_cause_shows_is_masked_whole() -> None:
    secret = "s3cr3t-" * 60

    def definition(around: str) -> Desired:
        text = {"list_join": [around, ["", {"get_param": "word"}]]}
        word = {"word": {"type": "string", "hidden": True, "default": secret}}
        return desired({"a": value(text)}, parameters=word)

    found = plan(definition("new"), [a_row("a", definition("old"))])
    assert verbs(found) == {"a": Verb.UPDATE}
    assert "s3cr3t" not in str(found.to_data())


def test_resource_that_cannot_be_worked_out_and_was_never_made_is_new() -> None:
    made = desired(
        {"a": word(8), "b": {"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["a", "no"]}}}}
    )
    rows = [a_row("a", made), a_resource(a_stack(), "b", action=Action.INIT)]
    assert verbs(plan(made, rows))["b"] is Verb.CREATE


def test_stack_inside_that_gives_way_to_another_type_is_deleted_with_all_in_it() -> None:
    stack, child = a_stack(), a_stack()
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 1, "resource_def": {"type": "OS::Heat::RandomString"}},
    }
    row = a_row("a", desired({"a": group}), nested_stack_id=child.id)
    inside = StoredStack(child, [a_row("0", desired({"0": word(8)}))])
    stored = StoredStack(stack, [row], None, {child.id: inside})
    found = make_plan(desired({"a": word(8)}), stored, Action.UPDATE, INPUTS)
    assert [(step.path, step.verb) for step in found.steps] == [
        (("a",), Verb.REPLACE),
        (("a",), Verb.DELETE),
        (("a", "0"), Verb.DELETE),
    ]


def test_changed_fields_of_any_name_leave_all_that_an_object_shows_open() -> None:
    def definition(mtu: int) -> Desired:
        net = {"type": "OS::Neutron::Net", "properties": {"value_specs": {"mtu": mtu}}}
        return desired({"net": net, "shown": value({"get_attr": ["net", "mtu"]})})

    before = definition(1400)
    rows = [
        a_row("net", before, attributes={"mtu": 1400}),
        a_row("shown", before, properties={"value": 1400}),
    ]
    assert verbs(plan(definition(1500), rows)) == {"net": Verb.UPDATE, "shown": Verb.UPDATE}
    assert plan(before, rows).is_empty
