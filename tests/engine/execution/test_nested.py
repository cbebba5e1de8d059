"""Stories of stacks inside stacks: templates as types, groups, depth, deletion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackd.db import stacks
from stackd.db.journal import Update
from stackd.errors import TemplateError
from stackd.records import Action, Resource, Stack, Status
from tests.support.engine import Process, World
from tests.support.templates import hot

INNER = """
heat_template_version: 2018-08-31
parameters:
  names: {type: comma_delimited_list, default: "x"}
  extra: {type: json, default: {}}
resources:
  v: {type: OS::Heat::Value, properties: {value: [{get_param: names}, {get_param: extra}]}}
  net: {type: OS::Neutron::Net}
outputs:
  said: {value: {get_attr: [v, value]}}
"""


def tune(process: Process, **values: Any) -> None:
    """Other limits for what this process runs from now on."""
    operator = process.engine.operator
    operator.services = replace(operator.services, tuning=replace(operator.services.tuning, **values))


async def child_of(process: Process, stack: Stack, name: str) -> Stack:
    identity = (await process.rows(stack))[name].nested_stack_id
    child = await stacks.get(process.db, identity or "", None)
    assert child is not None
    return child


async def test_lists_and_maps_are_passed_and_a_changed_file_updates_the_child_in_place(
    stackd_world: World,
) -> None:
    properties = {"names": ["a", "b"], "extra": {"k": [1]}}
    template = hot(
        {"in": {"type": "inner.yaml", "properties": properties}},
        outputs={"said": {"value": {"get_attr": ["in", "said"]}}},
    )
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", template, files={"inner.yaml": INNER}))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await process.outputs(stack) == {"said": [["a", "b"], {"k": [1]}]}
        before = await child_of(process, stack, "in")
        changed = INNER.replace("[{get_param: names}, {get_param: extra}]", "changed")
        stack = await process.done(await process.update(stack, template, files={"inner.yaml": changed}))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await process.outputs(stack) == {"said": "changed"}
        after = await child_of(process, stack, "in")
        assert after.id == before.id
        assert (after.action, after.status) == (Action.UPDATE, Status.COMPLETE)
        assert stackd_world.counts()["networks"] == 1


def levels(count: int) -> dict[str, str]:
    """Files of which each nests the next."""
    return {
        f"l{n}.yaml": (
            f"heat_template_version: 2018-08-31\n"
            f"resources: {{r: {{type: {f'l{n + 1}.yaml' if n < count else 'OS::Heat::RandomString'}}}}}\n"
        )
        for n in range(1, count + 1)
    }


async def test_five_levels_of_nesting_work_and_six_are_refused_with_the_path(stackd_world: World) -> None:
    top = hot({"r": {"type": "l1.yaml"}})
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError, match="Recursion depth exceeds 5") as caught:
            await process.create("deep", top, files=levels(6))
        labels = ".".join(f"resources.r<l{level}.yaml>" for level in range(1, 6))
        assert caught.value.path == f"{labels}.resources.r"
        tune(process, slots=1)
        stack = await process.done(await process.create("deep", top, files=levels(5)))
        assert stack.status is Status.COMPLETE, stack.reason
        found = await stacks.tree(process.db, stack.id)
        assert sorted(each.depth for each in found) == [0, 1, 2, 3, 4, 5]
        gone = await process.done(await process.delete(stack))
        assert gone.status is Status.COMPLETE, gone.reason


async def test_more_nested_stacks_than_slots_do_not_wait_for_each_other(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 2, "resource_def": {"type": "OS::Heat::RandomString"}},
    }
    async with stackd_world.process() as process:
        tune(process, slots=1)
        stack = await process.done(await process.create("g", hot({"a": group, "b": group})), 10)
        assert stack.status is Status.COMPLETE, stack.reason


def a_group(count: int, value: str, policy: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    member = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
    made = {"type": "OS::Heat::ResourceGroup", "properties": {"count": count, "resource_def": member, **more}}
    return hot({"g": made | ({"update_policy": policy} if policy else {})})


async def test_group_is_made_and_changed_in_the_batches_of_its_policy(stackd_world: World) -> None:
    policy = {
        "batch_create": {"max_batch_size": 2, "pause_time": 0.05},
        "rolling_update": {"max_batch_size": 1, "pause_time": 0.05, "min_in_service": 0},
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("g", a_group(3, "a", policy)))
        assert stack.status is Status.COMPLETE, stack.reason
        child = await child_of(process, stack, "g")
        told = [line for line in await process.told(child) if not line.startswith(child.name)]
        assert told.index("2 CREATE_IN_PROGRESS") > told.index("0 CREATE_COMPLETE")
        assert told.index("2 CREATE_IN_PROGRESS") > told.index("1 CREATE_COMPLETE")
        count = len(await process.told(child))
        stack = await process.done(await process.update(stack, a_group(3, "b", policy)))
        assert stack.status is Status.COMPLETE, stack.reason
        told = [line for line in (await process.told(child))[count:] if not line.startswith(child.name)]
        assert told == [f"{n} UPDATE_{status}" for n in (2, 1, 0) for status in ("IN_PROGRESS", "COMPLETE")]


async def test_names_that_are_not_wanted_are_left_out_from_the_beginning(stackd_world: World) -> None:
    policies = [{"resource_list": ["0"]}]
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("g", a_group(2, "a", removal_policies=policies)))
        child = await child_of(process, stack, "g")
        assert set(await process.rows(child)) == {"1", "2"}
        policies = [{"resource_list": ["2"]}]
        stack = await process.done(await process.update(stack, a_group(2, "a", removal_policies=policies)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert set(await process.rows(child)) == {"1", "3"}


async def test_retained_nested_stack_stays_with_all_that_is_in_it(stackd_world: World) -> None:
    template = hot({"in": {"type": "inner.yaml", "deletion_policy": "retain"}})
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", template, files={"inner.yaml": INNER}))
        child = await child_of(process, stack, "in")
        gone = await process.done(await process.delete(stack))
        assert gone.status is Status.COMPLETE, gone.reason
        assert stackd_world.counts()["networks"] == 1
        kept = await stacks.get(process.db, child.id, None)
        assert kept is not None
        assert (kept.deleted_at, kept.status) == (None, Status.COMPLETE)


async def test_unhealthy_nested_stack_is_replaced_as_a_whole(stackd_world: World) -> None:
    template = hot({"in": {"type": "inner.yaml"}})
    files = {"inner.yaml": INNER}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", template, files=files))
        row = (await process.rows(stack))["in"]
        marked = {"action": Action.CHECK, "status": Status.FAILED, "reason": "sick"}
        await process.engine.services.journal.write(Update(Resource, row.id, marked))
        stack = await process.done(await process.update(stack, template, files=files))
        assert stack.status is Status.COMPLETE, stack.reason
        assert (await child_of(process, stack, "in")).id != row.nested_stack_id
        assert stackd_world.counts()["networks"] == 1


async def test_failed_check_of_a_member_replaces_only_that_member(stackd_world: World) -> None:
    template = hot({"in": {"type": "inner.yaml"}})
    files = {"inner.yaml": INNER}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", template, files=files))
        row = (await process.rows(stack))["in"]
        child = await child_of(process, stack, "in")
        before = await process.rows(child)
        marked = {"action": Action.CHECK, "status": Status.FAILED, "reason": "sick"}
        await process.engine.services.journal.write(
            Update(Resource, row.id, marked),
            Update(Stack, child.id, marked),
            Update(Resource, before["net"].id, marked),
        )
        stack = await process.done(await process.update(stack, template, files=files))
        assert stack.status is Status.COMPLETE, stack.reason
        assert (await child_of(process, stack, "in")).id == child.id
        after = await process.rows(child)
        assert after["net"].physical_id != before["net"].physical_id
        assert after["v"].id == before["v"].id
        assert stackd_world.counts()["networks"] == 1


async def test_failed_nested_update_is_rolled_back_inside(stackd_world: World) -> None:
    inner = """
heat_template_version: 2018-08-31
parameters: {cidr: {type: string}, fail: {type: boolean}}
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: {get_param: cidr}}}
  t: {type: OS::Heat::TestResource, depends_on: subnet, properties: {fail: {get_param: fail}}}
"""

    def outer(cidr: str, fail: bool) -> dict[str, Any]:
        return hot({"in": {"type": "inner.yaml", "properties": {"cidr": cidr, "fail": fail}}})

    files = {"inner.yaml": inner}
    async with stackd_world.process() as process:
        stack = await process.done(
            await process.create("n", outer("10.1.0.0/24", False), files=files, disable_rollback=False)
        )
        assert stack.status is Status.COMPLETE, stack.reason
        child = await child_of(process, stack, "in")
        before = await process.rows(child)
        stack = await process.done(await process.update(stack, outer("10.2.0.0/24", True), files=files))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        after = await process.rows(child)
        for name in ("net", "subnet"):
            assert after[name].physical_id == before[name].physical_id
        assert [row["cidr"] for row in stackd_world.objects("subnets")] == ["10.1.0.0/24"]


async def test_replaced_group_begins_with_all_names(stackd_world: World) -> None:
    gone = [{"resource_list": ["0"]}]
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("g", a_group(1, "a", removal_policies=gone)))
        assert set(await process.rows(await child_of(process, stack, "g"))) == {"1"}
        stack = await process.done(await process.update(stack, a_group(1, "a", index_var="%other%")))
        assert stack.status is Status.COMPLETE, stack.reason
        assert set(await process.rows(await child_of(process, stack, "g"))) == {"0"}


async def test_removed_names_are_remembered_by_every_later_update(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("g", a_group(2, "a")))
        for names in (["0"], ["1"], []):
            policies = [{"resource_list": names}]
            stack = await process.done(
                await process.update(stack, a_group(2, "a", removal_policies=policies))
            )
            assert stack.status is Status.COMPLETE, stack.reason
        assert set(await process.rows(await child_of(process, stack, "g"))) == {"2", "3"}


async def test_failed_nested_stack_is_mended_and_not_replaced(stackd_world: World) -> None:
    inner = """
heat_template_version: 2018-08-31
resources:
  net: {type: OS::Neutron::Net}
  t: {type: OS::Heat::TestResource, depends_on: net, properties: {fail: true}}
"""
    template = hot({"in": {"type": "inner.yaml"}})
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", template, files={"inner.yaml": inner}))
        assert "resources.in.resources.t: Test Resource failed t" in stack.reason
        child = await child_of(process, stack, "in")
        assert (child.action, child.status) == (Action.CREATE, Status.FAILED)
        before = (await process.rows(child))["net"]
        mended = {"inner.yaml": inner.replace("fail: true", "fail: false")}
        stack = await process.done(await process.update(stack, template, files=mended))
        assert stack.status is Status.COMPLETE, stack.reason
        assert (await child_of(process, stack, "in")).id == child.id
        assert (await process.rows(child))["net"].physical_id == before.physical_id


async def test_member_that_moves_out_of_a_nested_stack_leaves_nothing_behind(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        nested = hot({"in": {"type": "inner.yaml"}})
        stack = await process.done(await process.create("n", nested, files={"inner.yaml": INNER}))
        flat = hot({"in": {"type": "OS::Neutron::Net"}})
        stack = await process.done(await process.update(stack, flat))
        assert stack.status is Status.COMPLETE, stack.reason
        assert [each.depth for each in await stacks.tree(process.db, stack.id) if not each.deleted_at] == [0]
        assert stackd_world.counts() == {"networks": 1}


GROUP_OF_UNKNOWN_SIZE = {
    "size": {"type": "OS::Heat::TestResource", "properties": {"value": "4"}},
    "group": {
        "type": "OS::Heat::ResourceGroup",
        "properties": {
            "count": {"get_attr": ["size", "output"]},
            "resource_def": {"type": "OS::Heat::RandomString"},
        },
    },
}


@pytest.mark.parametrize(
    ("most", "status"), [(6, Status.COMPLETE), (5, Status.FAILED), (-1, Status.COMPLETE)]
)
async def test_limit_on_resources_holds_for_sizes_that_are_known_only_late(
    stackd_world: World, most: int, status: Status
) -> None:
    async with stackd_world.process() as process:
        tune(process, resources=most)
        stack = await process.done(await process.create("n", hot(GROUP_OF_UNKNOWN_SIZE)))
        assert stack.status is status, stack.reason
        child = await child_of(process, stack, "group")
        assert child.status is status
        if status is Status.FAILED:
            assert stack.reason == (
                "Resource CREATE failed: RequestLimitExceeded: resources.group: "
                "Request limit exceeded: Maximum resources per stack exceeded (5)."
            )
            assert await process.rows(child) == {}


async def test_nested_stack_that_was_deleted_by_itself_is_replaced_and_never_filled_again(
    stackd_world: World,
) -> None:
    def template(name: str) -> dict[str, Any]:
        return hot({"in": {"type": "inner.yaml", "properties": {"names": [name]}}})

    files = {"inner.yaml": INNER}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", template("a"), files=files))
        child = await child_of(process, stack, "in")
        await process.done(await process.delete(child))
        stack = await process.done(await process.update(stack, template("b"), files=files))
        assert (stack.action, stack.status) == (Action.UPDATE, Status.FAILED)
        assert stack.reason.endswith("ResourceFailure: resources.in: The nested stack has been deleted")
        assert stackd_world.counts() == {}
        stack = await process.done(await process.update(stack, template("b"), files=files))
        assert stack.status is Status.COMPLETE, stack.reason
        assert (await child_of(process, stack, "in")).id != child.id
        assert stackd_world.counts() == {"networks": 1}
        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
        assert stackd_world.counts() == {}
