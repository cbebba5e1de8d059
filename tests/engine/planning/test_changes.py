"""Changes of whole trees on the simulated cloud: what was planned beside what was done."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.planning.plan import Plan
from stackd.engine.planning.verbs import Verb
from stackd.records import Stack, Status
from tests.engine.planning.observed import beyond, planned, preview, update
from tests.support.engine import Process, World
from tests.support.templates import hot, hot_text

BIG = 2**80
WORD = "an-unguessable-word"

INNER = hot_text("""
parameters:
  label: {type: string, default: x}
  secret: {type: string, default: none, hidden: true}
resources:
  net: {type: OS::Neutron::Net, properties: {name: {get_param: label}}}
  said: {type: OS::Heat::Value, properties: {value: [{get_resource: net}, {get_param: secret}]}}
outputs:
  net: {value: {get_resource: net}}
""")


def value(given: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::Value", "properties": {"value": given}}


def probe(**properties: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::TestResource", "properties": properties}


def group(count: Any, kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    definition = {"type": kind, "properties": properties}
    return {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": count, "resource_def": definition},
        **more,
    }


async def created(process: Process, template: Any, **options: Any) -> Stack:
    stack = await process.done(await process.create("changed", template, **options))
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


async def compared(process: Process, stack: Stack, template: Any, **options: Any) -> Plan:
    """The plan of an update, after it was carried out and left nothing to plan."""
    plan = await preview(process, stack, template, **options)
    executed = await update(process, stack, template, **options)
    assert not beyond(plan, executed), (planned(plan), executed)
    again = await preview(process, stack, template, **options)
    assert again.is_empty, {step.path: step.causes for step in again.changes()}
    return plan


async def test_changed_file_of_a_nested_template_changes_only_what_is_in_it(stackd_world: World) -> None:
    template = hot({"in": {"type": "inner.yaml"}, "after": value({"get_attr": ["in", "net"]})})
    changed = INNER.replace("default: x", "default: y")
    async with stackd_world.process() as process:
        stack = await created(process, template, files={"inner.yaml": INNER})
        plan = await compared(process, stack, template, files={"inner.yaml": changed})
        assert planned(plan) == {("in",): Verb.UPDATE, ("in", "net"): Verb.UPDATE}


async def test_file_that_nothing_uses_changes_nothing(stackd_world: World) -> None:
    template = hot({"in": {"type": "inner.yaml"}, "many": group(2, "inner.yaml", {"label": "%index%"})})
    more = {"inner.yaml": INNER, "README": "nothing to see"}
    async with stackd_world.process() as process:
        stack = await created(process, template, files={"inner.yaml": INNER})
        plan = await compared(process, stack, template, files=more)
        assert planned(plan) == {}


@pytest.mark.parametrize("nested", [False, True])
async def test_object_that_is_gone_is_made_anew_only_where_reality_is_read(
    stackd_world: World, nested: bool
) -> None:
    inner = {"type": "inner.yaml"} if nested else {"type": "OS::Neutron::Net"}
    template, options = (
        hot({"in": inner, "other": {"type": "OS::Neutron::Net"}}),
        {"files": {"inner.yaml": INNER}},
    )
    path = ("in", "net") if nested else ("in",)
    async with stackd_world.process() as process:
        stack = await created(process, template, **options)
        row = (await process.rows(stack))["in"]
        if nested:
            child = await process.stack(Stack(**{**_fields(stack), "id": row.nested_stack_id}))
            row = (await process.rows(child))["net"]
        delete(stackd_world, "networks", str(row.physical_id))
        assert await update(process, stack, template, **options) == {}
        executed = await update(process, stack, template, converge=True, **options)
        assert executed[path] is Verb.REPLACE
        assert {where for where in executed if where != path} <= {("in",), ("in", "said")}
        assert await update(process, stack, template, converge=True, **options) == {}


def _fields(stack: Stack) -> dict[str, Any]:
    return {name: getattr(stack, name) for name in stack.__dataclass_fields__}


def delete(world: World, kind: str, identity: str) -> None:
    """Take an object out of the cloud behind everybody's back."""
    name = next(name for name in world.cloud.store.tables if name.endswith(f".{kind}"))
    del world.cloud.store.tables[name].rows[identity]


async def test_integers_beyond_64_bits_survive_in_nested_templates_and_groups(stackd_world: World) -> None:
    inner = hot_text(
        f"resources:\n  v: {{type: OS::Heat::Value, properties: {{value: {BIG}}}}}\n"
        "outputs:\n  v: {value: {get_attr: [v, value]}}\n"
    )
    template = hot(
        {"in": {"type": "inner.yaml"}, "many": group(1, "OS::Heat::Value", {"value": BIG})},
        outputs={
            "in": {"value": {"get_attr": ["in", "v"]}},
            "many": {"value": {"get_attr": ["many", "value"]}},
        },
    )
    async with stackd_world.process() as process:
        stack = await created(process, template, files={"inner.yaml": inner})
        assert await process.outputs(stack) == {"in": BIG, "many": [BIG]}
        changed = {"inner.yaml": inner.replace(str(BIG), str(BIG + 1))}
        plan = await compared(process, stack, template, files=changed)
        assert planned(plan) == {("in",): Verb.UPDATE, ("in", "v"): Verb.UPDATE}
        assert await process.outputs(stack) == {"in": BIG + 1, "many": [BIG]}


async def test_attribute_that_follows_a_changed_property_is_not_known_beforehand(stackd_world: World) -> None:
    def template(said: str) -> Any:
        return hot({"a": probe(value=said), "b": value({"get_attr": ["a", "output"]})})

    async with stackd_world.process() as process:
        stack = await created(process, template("one"))
        plan = await compared(process, stack, template("two"))
        assert planned(plan) == {("a",): Verb.UPDATE, ("b",): Verb.UPDATE}


async def test_attribute_that_nothing_has_asked_for_yet_is_not_known_beforehand(stackd_world: World) -> None:
    asked = {"get_attr": ["a", "output"]}
    async with stackd_world.process() as process:
        stack = await created(process, hot({"a": probe(value="one"), "b": probe(update_replace_value="")}))
        plan = await compared(
            process, stack, hot({"a": probe(value="one"), "b": probe(update_replace_value=asked)})
        )
        assert planned(plan) == {("b",): Verb.REPLACE}


async def test_attribute_of_a_member_that_nothing_has_asked_for_yet_is_not_known_beforehand(
    stackd_world: World,
) -> None:
    def template(asked: Any) -> Any:
        return hot({"in": group(2, "OS::Heat::Value", {"value": "v%index%"}), "b": probe(**asked)})

    asked = {"update_replace_value": {"get_attr": ["in", "resource.1.value"]}}
    async with stackd_world.process() as process:
        stack = await created(process, template({"update_replace_value": ""}))
        plan = await compared(process, stack, template(asked))
        assert planned(plan) == {("b",): Verb.REPLACE}


@pytest.mark.parametrize(
    "policy",
    [
        {"rolling_update": {"max_batch_size": 1, "min_in_service": 2}},
        {"rolling_update": {"max_batch_size": 2}},
    ],
)
async def test_rolling_update_does_no_more_than_planned(stackd_world: World, policy: Any) -> None:
    def template(said: str) -> Any:
        return hot({"many": group(2, "OS::Heat::TestResource", {"value": said}, update_policy=policy)})

    async with stackd_world.process() as process:
        stack = await created(process, template("one"))
        await compared(process, stack, template("two"))


async def test_condition_on_what_is_not_known_defers_the_stack_inside(stackd_world: World) -> None:
    inner = hot_text("""
parameters:
  label: {type: string}
conditions:
  short: {equals: [{get_param: label}, one]}
resources:
  v: {type: OS::Heat::Value, condition: short, properties: {value: 1}}
""")

    def template(said: str) -> Any:
        properties = {"label": {"get_attr": ["a", "output"]}}
        return hot({"a": probe(value=said), "in": {"type": "inner.yaml", "properties": properties}})

    async with stackd_world.process() as process:
        stack = await created(process, template("one"), files={"inner.yaml": inner})
        plan = await preview(process, stack, template("two"), files={"inner.yaml": inner})
        assert [step.path for step in plan.steps if step.deferred] == [("in",)]
        executed = await update(process, stack, template("two"), files={"inner.yaml": inner})
        assert executed == {("a",): Verb.UPDATE, ("in",): Verb.UPDATE, ("in", "v"): Verb.DELETE}


async def test_hidden_values_of_a_nested_template_show_in_no_cause_of_its_container(
    stackd_world: World,
) -> None:
    def template(word: str) -> Any:
        return hot({"in": {"type": "inner.yaml", "properties": {"secret": "x" * 190 + word}}})

    async with stackd_world.process() as process:
        stack = await created(process, template(WORD), files={"inner.yaml": INNER})
        plan = await preview(process, stack, template(WORD[::-1]), files={"inner.yaml": INNER})
        assert planned(plan) == {("in",): Verb.UPDATE, ("in", "said"): Verb.UPDATE}
        assert "xxx" not in str(plan.to_data())


async def test_retained_member_is_abandoned_and_dropped_one_deleted(stackd_world: World) -> None:
    net = {"type": "OS::Neutron::Net"}
    async with stackd_world.process() as process:
        stack = await created(process, hot({"kept": net | {"deletion_policy": "Retain"}, "gone": net}))
        plan = await compared(process, stack, hot({}))
        assert planned(plan) == {("kept",): Verb.ABANDON, ("gone",): Verb.DELETE}
        assert len(stackd_world.objects("networks")) == 1
