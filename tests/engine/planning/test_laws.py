"""What is true of every plan: generated trees of definitions, planned and carried out on a model."""

from __future__ import annotations

import json
from random import Random

import networkx as nx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackd.engine.definition.desired import Desired, loaded_properties
from stackd.engine.planning.bounds import Bounds
from stackd.engine.planning.plan import Plan, Step
from stackd.engine.planning.verbs import Verb, permits
from tests.engine.planning.model import Done, Level, Model
from tests.engine.planning.trees import INNER_SECRETS, SECRETS, Tree, trees

many = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
DICE = st.randoms(use_true_random=False)
_GOES = (Verb.DELETE, Verb.ABANDON)


def desired(model: Model, tree: Tree) -> Desired:
    return model.desired(tree.template, tree.files, tree.parameters)


def carried_out(model: Model, wanted: Desired | None) -> Plan:
    """The plan of a change, which was made: no more was done than planned, and in its order."""
    plan = model.plan(wanted)
    model.reach(wanted)
    for each in model.done:
        require_planned(plan, each)
    require_ordered(plan, model.done)
    return plan


def require_planned(plan: Plan, done: Done) -> None:
    """Fail unless the plan says so, or leaves it open."""
    if done.verb not in _GOES:
        Bounds.of(plan).require(done.path, done.verb)
        return
    step = next((step for step in plan.steps if step.row == done.row), None)
    if step is None:
        assert any(_is_open(step, done) for step in plan.steps), f"{done} was not planned"
    elif step.removes:
        assert permits(step.verb, done.verb), f"{done} instead of {step}"
    else:
        assert step.verb is Verb.REPLACE, f"{done} instead of {step}"


def _is_open(step: Step, done: Done) -> bool:
    return step.deferred and step.path == done.path[: len(step.path)]


def require_ordered(plan: Plan, done: list[Done]) -> None:
    """Fail unless each step ended after those that it waits for."""
    assert nx.is_directed_acyclic_graph(plan.graph())
    ended = {(each.path, each.row if each.verb in _GOES else ""): number for number, each in enumerate(done)}
    keys = [(step.path, step.row if step.removes else "") for step in plan.steps]
    for key, needed in zip(keys, plan.requires, strict=True):
        for other in needed:
            if key in ended and keys[other] in ended:
                assert ended[keys[other]] < ended[key], f"{key} did not wait for {keys[other]}"


def require_reached(at: Level, wanted: Desired) -> None:
    """Fail unless a tree is what its definition says."""
    rows = at.current()
    assert len(rows) == len(at.rows)
    assert rows.keys() == wanted.resources.keys()
    scope = wanted.scope(rows)
    for name, row in rows.items():
        assert dict(row.properties) == loaded_properties(wanted, name, scope).data
        assert row.kind == wanted.types[name].name or row.nested_stack_id is not None
        if row.nested_stack_id is not None:
            child = at.children[row.nested_stack_id]
            assert child.desired is not None
            require_reached(child, child.desired)
    assert len(at.children) == sum(row.nested_stack_id is not None for row in rows.values())


@many
@given(before=trees(), after=trees(), dice=DICE)
def test_what_is_done_was_planned_and_ends_in_what_was_wanted(
    before: Tree, after: Tree, dice: Random
) -> None:
    model = Model(dice)
    for tree in (before, after):
        wanted = desired(model, tree)
        plan = carried_out(model, wanted)
        require_reached(model.root, wanted)
        again = model.plan(wanted)
        assert again.is_empty, [(step.path, step.causes) for step in again.changes()]
        text = json.dumps(plan.to_data())
        assert Plan.of_data(json.loads(text)) == plan
    carried_out(model, None)
    assert not model.root.rows
    assert not model.root.children


@many
@given(before=trees(), after=trees(), dice=DICE)
def test_hidden_values_are_in_no_form_of_a_plan(before: Tree, after: Tree, dice: Random) -> None:
    model = Model(dice)
    model.reach(desired(model, before))
    plan = model.plan(desired(model, after))
    lines = [str(cause) for step in plan.steps for cause in step.causes]
    shown = "\n".join([json.dumps(plan.to_data()), repr(plan.steps), *lines])
    for word in (*SECRETS, *INNER_SECRETS):
        assert word not in shown


@many
@given(before=trees(), after=trees(), dice=DICE)
def test_retained_resources_are_never_deleted(before: Tree, after: Tree, dice: Random) -> None:
    model = Model(dice)
    model.reach(desired(model, before))
    retained = {row.id for row in model.root.rows.values() if row.deletion_policy == "Retain"}
    wanted = desired(model, after)
    plan = model.plan(wanted)
    assert not [step for step in plan.steps if step.row in retained and step.verb is Verb.DELETE]
    carried_out(model, None)
    assert not [each for each in model.done if each.row in retained and each.verb is Verb.DELETE]


def test_a_rolling_change_under_other_files_is_planned_when_it_is_reached() -> None:
    model = Model(Random(0))
    empty, full = ({"resources": each} for each in ({}, {"a": {"type": "OS::Heat::RandomString"}}))
    for count, kind, first, rolling in (
        (1, "one.yaml", empty, None),
        (2, "two.yaml", full, {"max_batch_size": 1}),
    ):
        files = {
            name: json.dumps({"heat_template_version": "2021-04-16", **inside})
            for name, inside in (("one.yaml", first), ("two.yaml", full))
        }
        policy = {"rolling_update": {**rolling, "min_in_service": 1}} if rolling else {}
        group = {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": count, "resource_def": {"type": kind}},
            "update_policy": policy,
        }
        template = {"heat_template_version": "2021-04-16", "resources": {"b": group}}
        wanted = desired(model, Tree(template, files, {}))
        plan = carried_out(model, wanted)
        require_reached(model.root, wanted)
    step = next(each for each in plan.steps if each.path == ("b",))
    assert step.deferred
