"""HookWaits at resources: where they come, what ends them, and that a crash neither loses nor doubles one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackd.db import hooks as stored_hooks
from stackd.db import stacks
from stackd.db.journal import Update
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.signals import signal
from stackd.errors import Forbidden, InvalidBreakPointHook, StackdError
from stackd.records import Action, Hook, HookState, Stack, Status
from tests.support.engine import Process, World, unless_dead, world
from tests.support.waiting import until


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"heat_template_version": "2018-08-31", "resources": resources}


def value(text: str, *after: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "OS::Heat::TestResource", "properties": {"value": text}}
    return {**made, "depends_on": list(after)} if after else made


def hooks(**names: Any) -> dict[str, Any]:
    return {"resource_registry": {"resources": {name: {"hooks": each} for name, each in names.items()}}}


async def reasons(process: Process, stack: Stack, name: str) -> list[str]:
    return [
        f"{each.action}_{each.status} {each.reason}"
        for each in await process.events(stack)
        if each.resource_name == name and each.reason != "state changed"
    ]


async def paused(process: Process, stack: Stack, *wanted: str, hook: str = "") -> None:
    """Wait until just these resources pause, at this hook if it is said."""

    async def holds() -> bool:
        rows = {row.id: row.name for row in (await process.rows(stack)).values()}
        pending = await stored_hooks.pending(process.db, stack.root_id)
        found = {
            rows[each.resource_id] for each in pending if each.resource_id in rows and hook in ("", each.hook)
        }
        return found == set(wanted)

    await until(holds)


async def said(process: Process, stack: Stack, name: str, times: int) -> None:
    """Wait until so many events tell of a resource's pauses."""

    async def holds() -> bool:
        return len(await reasons(process, stack, name)) == times

    await until(holds)


async def made(process: Process, stack: Stack, name: str) -> None:
    """Wait until a resource is complete, whatever others wait for."""

    async def holds() -> bool:
        row = (await process.rows(stack))[name]
        return (row.action, row.status) == (Action.CREATE, Status.COMPLETE)

    await until(holds)


async def clear(process: Process, stack: Stack, name: str, hook: str) -> None:
    await signal(process.engine, process.caller, await process.stack(stack), name, {"unset_hook": hook})


async def child_of(process: Process, stack: Stack, name: str) -> Stack:
    for _ in range(1000):
        row = (await process.rows(stack)).get(name)
        child = await stacks.get(process.db, row.nested_stack_id or "", None) if row else None
        if child is not None:
            return child
        await asyncio.sleep(0.01)
    raise AssertionError(f"{name} contains no stack")


async def test_creation_pauses_until_the_hook_is_cleared(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        wanted = template(a=value("1"), b=value("2", "a"), c=value("3"))
        stack = await process.create("s", wanted, environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        await made(process, stack, "c")
        rows = await process.rows(stack)
        assert rows["a"].action is Action.INIT
        assert rows["b"].action is Action.INIT
        assert (await process.stack(stack)).status is Status.IN_PROGRESS
        event = next(each for each in await process.events(stack) if each.resource_name == "a")
        assert (event.action, event.status, event.physical_id) == (Action.INIT, Status.COMPLETE, None)
        await clear(process, stack, "a", "pre-create")
        done = await process.done(stack)
        assert (done.action, done.status) == (Action.CREATE, Status.COMPLETE)
        assert await reasons(process, stack, "a") == [
            "INIT_COMPLETE CREATE paused until Hook pre-create is cleared",
            "INIT_COMPLETE Hook pre-create is cleared",
        ]
        assert await stored_hooks.of_root(process.db, stack.id) == []


async def test_several_hooks_of_one_resource_pause_one_after_the_other(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        both = ["pre-create", "post-create"]
        stack = await process.create("s", template(a=value("1")), environment=hooks(a=both))
        await paused(process, stack, "a")
        await clear(process, stack, "a", "pre-create")
        await paused(process, stack, "a", hook="post-create")
        assert (await process.rows(stack))["a"].status is Status.COMPLETE
        await clear(process, stack, "a", "post-create")
        assert (await process.done(stack)).status is Status.COMPLETE
        assert await reasons(process, stack, "a") == [
            "INIT_COMPLETE CREATE paused until Hook pre-create is cleared",
            "INIT_COMPLETE Hook pre-create is cleared",
            "CREATE_COMPLETE CREATE paused until Hook post-create is cleared",
            "CREATE_COMPLETE Hook post-create is cleared",
        ]


async def test_a_pattern_sets_hooks_for_many_resources(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        wanted = template(web1=value("1"), web2=value("2"), db=value("3"))
        stack = await process.create("s", wanted, environment=hooks(**{"web*": "pre-create"}))
        await paused(process, stack, "web1", "web2")
        await made(process, stack, "db")
        await clear(process, stack, "web1", "pre-create")
        await paused(process, stack, "web2")
        await clear(process, stack, "web2", "pre-create")
        assert (await process.done(stack)).status is Status.COMPLETE


async def test_update_pauses_before_it_looks_for_changes_and_after_one_in_place(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1"), b=value("1")))
        await process.done(stack)
        environment = hooks(a=["pre-update", "post-update"], b=["pre-update", "post-update"])
        await process.update(stack, template(a=value("2"), b=value("1")), environment=environment)
        await paused(process, stack, "a", "b")
        await clear(process, stack, "b", "pre-update")
        await paused(process, stack, "a")
        await clear(process, stack, "a", "pre-update")
        await paused(process, stack, "a", hook="post-update")
        assert (await process.rows(stack))["a"].properties["value"] == "2"
        await clear(process, stack, "a", "post-update")
        assert (await process.done(stack)).status is Status.COMPLETE
        assert await reasons(process, stack, "b") == [
            "CREATE_COMPLETE UPDATE paused until Hook pre-update is cleared",
            "CREATE_COMPLETE Hook pre-update is cleared",
        ]
        assert (await reasons(process, stack, "a"))[2:] == [
            "UPDATE_COMPLETE UPDATE paused until Hook post-update is cleared",
            "UPDATE_COMPLETE Hook post-update is cleared",
        ]


async def test_deletion_pauses_before_and_after(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        net = {"type": "OS::Neutron::Net"}
        both = hooks(a=["pre-delete", "post-delete"])
        stack = await process.create("s", template(a=net), environment=both)
        await process.done(stack)
        await process.delete(stack)
        await paused(process, stack, "a")
        assert stackd_world.counts() == {"networks": 1}
        await clear(process, stack, "a", "pre-delete")
        await paused(process, stack, "a", hook="post-delete")
        assert stackd_world.counts() == {}
        row = (await process.rows(stack))["a"]
        assert (row.action, row.status) == (Action.DELETE, Status.COMPLETE)
        await clear(process, stack, "a", "post-delete")
        gone = await process.done(stack)
        assert (gone.action, gone.status) == (Action.DELETE, Status.COMPLETE)
        assert await process.rows(stack) == {}


async def test_hooks_reach_into_nested_stacks_and_groups(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 2, "resource_def": value("1")},
    }
    environment = {
        "resource_registry": {"resources": {"g*": {"*": {"hooks": "pre-create"}, "hooks": "post-create"}}}
    }
    async with stackd_world.process() as process:
        stack = await process.create("s", template(group=group, other=value("1")), environment=environment)
        child = await child_of(process, stack, "group")
        await paused(process, child, "0", "1")
        await clear(process, child, "0", "pre-create")
        await clear(process, child, "1", "pre-create")
        await paused(process, stack, "group")
        await clear(process, stack, "group", "post-create")
        assert (await process.done(stack)).status is Status.COMPLETE


async def test_hooks_of_deletion_reach_into_nested_stacks(stackd_world: World) -> None:
    group = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": value("1")}}
    environment = {"resource_registry": {"resources": {"group": {"0": {"hooks": "pre-delete"}}}}}
    async with stackd_world.process() as process:
        stack = await process.create("s", template(group=group), environment=environment)
        await process.done(stack)
        child = await child_of(process, stack, "group")
        await process.delete(stack)
        await paused(process, child, "0")
        await clear(process, child, "0", "pre-delete")
        assert (await process.done(stack)).status is Status.COMPLETE


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("pre-update", 'The "pre-update" hook is not defined on TestResource "a" Stack "s" ['),
        (
            "soon",
            'Invalid hook type "soon" for resource breakpoint, acceptable hook types are: "pre-create", ',
        ),
    ],
)
async def test_a_hook_that_does_not_pause_cannot_be_cleared(
    stackd_world: World, hook: str, message: str
) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        with pytest.raises(InvalidBreakPointHook) as caught:
            await clear(process, stack, "a", hook)
        assert str(caught.value).startswith(message)


async def test_a_hook_is_cleared_only_once(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        environment = hooks(a=["pre-create", "post-create"])
        stack = await process.create("s", template(a=value("1")), environment=environment)
        await paused(process, stack, "a")
        clears = [clear(process, stack, "a", "pre-create") for _ in range(3)]
        ends = await asyncio.gather(*clears, return_exceptions=True)
        assert sum(isinstance(end, InvalidBreakPointHook) for end in ends) == 2
        events = await reasons(process, stack, "a")
        assert events.count("INIT_COMPLETE Hook pre-create is cleared") == 1


async def test_an_environment_with_an_unknown_hook_is_refused(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        with pytest.raises(StackdError) as caught:
            await process.create("s", template(a=value("1")), environment=hooks(a="at-noon"))
        assert caught.value.wire_type == "InvalidBreakPointHook"


async def test_a_pause_ends_with_the_deadline(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        cancellation = process.engine.operator._trees[stack.id].cancellation
        assert cancellation is not None
        cancellation.set_deadline(0.01)
        failed = await process.done(stack)
        assert failed.status is Status.FAILED
        assert failed.reason.startswith("Timed out after ")
        assert (await reasons(process, stack, "a"))[-1] == "INIT_COMPLETE Failure occurred while waiting."
        with pytest.raises(InvalidBreakPointHook):
            await clear(process, stack, "a", "pre-create")


async def test_a_pause_ends_when_another_resource_fails(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        broken = {"type": "OS::Heat::TestResource", "properties": {"fail": True, "wait_secs": 0}}
        wanted = template(a=value("1"), b=broken)
        stack = await process.create("s", wanted, environment=hooks(a="pre-create"))
        failed = await process.done(stack)
        assert failed.status is Status.FAILED
        assert (await process.rows(stack))["a"].action is Action.INIT
        assert (await reasons(process, stack, "a"))[-1] == "INIT_COMPLETE Failure occurred while waiting."


async def test_a_rollback_never_pauses(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        every = hooks(**{"*": ["pre-update", "post-update", "pre-delete"]})
        stack = await process.create("s", template(a=value("1")), environment=every, disable_rollback=False)
        await process.done(stack)
        await process.update(stack, template(a=value("2")), environment=every)
        await paused(process, stack, "a")
        await use_cases.cancel_update(process.engine, process.caller, await process.stack(stack))
        back = await process.done(stack)
        assert (back.action, back.status) == (Action.ROLLBACK, Status.COMPLETE)
        assert (await reasons(process, stack, "a"))[-1] == "CREATE_COMPLETE Failure occurred while waiting."
        assert await stored_hooks.of_root(process.db, stack.id) == []


async def test_cancelling_without_rollback_gives_a_pause_up(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        await use_cases.cancel(process.engine, process.caller, await process.stack(stack))
        assert (await process.done(stack)).status is Status.FAILED
        assert (await reasons(process, stack, "a"))[-1] == "INIT_COMPLETE Failure occurred while waiting."
        assert await stored_hooks.of_root(process.db, stack.id) == []


async def test_deleting_a_paused_stack_does_not_wait(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        gone = await process.done(await process.delete(stack))
        assert (gone.action, gone.status) == (Action.DELETE, Status.COMPLETE)


async def test_an_update_of_a_paused_stack_pauses_there_again(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        await process.update(stack, template(a=value("2")), environment=hooks(a="pre-create"))
        await said(process, stack, "a", 2)
        assert (await process.rows(stack))["a"].action is Action.INIT
        await clear(process, stack, "a", "pre-create")
        done = await process.done(stack)
        assert (done.action, done.status) == (Action.UPDATE, Status.COMPLETE)
        assert (await process.rows(stack))["a"].properties["value"] == "2"


async def test_an_update_without_the_hook_ends_the_pause(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        await process.update(stack, template(a=value("2")))
        done = await process.done(stack)
        assert (done.action, done.status) == (Action.UPDATE, Status.COMPLETE)
        assert await stored_hooks.of_root(process.db, stack.id) == []


async def test_a_pause_survives_the_process(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with made.process(dies_at=10_000) as first:
            stack = await first.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
            await paused(first, stack, "a")
        async with made.process() as second:
            await asyncio.sleep(0.2)
            await paused(second, stack, "a")
            assert len(await reasons(second, stack, "a")) == 1
            await clear(second, stack, "a", "pre-create")
            assert (await second.done(stack)).status is Status.COMPLETE


EVERY = {
    name: ["pre-create", "post-create", "pre-update", "post-update", "pre-delete", "post-delete"]
    for name in ("a", "b")
}
ONCE = {
    "a": [
        "INIT_COMPLETE CREATE paused until Hook pre-create is cleared",
        "INIT_COMPLETE Hook pre-create is cleared",
        "CREATE_COMPLETE CREATE paused until Hook post-create is cleared",
        "CREATE_COMPLETE Hook post-create is cleared",
        "CREATE_COMPLETE UPDATE paused until Hook pre-update is cleared",
        "CREATE_COMPLETE Hook pre-update is cleared",
        "UPDATE_COMPLETE UPDATE paused until Hook post-update is cleared",
        "UPDATE_COMPLETE Hook post-update is cleared",
    ],
}


async def _clear_all(process: Process, root_id: str) -> None:
    """Clear whatever pauses, for as long as the process lives."""
    while not process.journal.died.is_set():
        for hook in await stored_hooks.pending(process.db, root_id):
            stack = await stacks.get(process.db, hook.stack_id, None)
            rows = {row.id: row for row in (await process.rows(stack)).values()} if stack else {}
            if stack is not None and hook.resource_id in rows:
                try:
                    await clear(process, stack, rows[hook.resource_id].name, hook.hook)
                except InvalidBreakPointHook:
                    continue  # cleared meanwhile
        await asyncio.sleep(0.005)


async def _through(process: Process, stack: Stack) -> Stack | None:
    """The end of an operation whose pauses are cleared; None when the process dies first."""
    person = asyncio.create_task(_clear_all(process, stack.root_id))
    try:
        return await unless_dead(process, asyncio.create_task(process.done(stack)))
    finally:
        person.cancel()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 22, 3))
async def test_each_pause_comes_once_whenever_the_process_dies(
    tmp_path: Path, dies_at: int, after: bool
) -> None:
    async with world(tmp_path) as made:
        async with made.process() as start:
            stack = await start.create("s", template(a=value("1")), environment=hooks(**EVERY))
            await _through(start, stack)
        async with made.process(dies_at=dies_at, after=after) as first:
            wanted = template(a=value("2"), b=value("1"))
            request = asyncio.create_task(first.update(stack, wanted, environment=hooks(**EVERY)))
            if await unless_dead(first, request) is not None:
                await _through(first, stack)
        async with made.process() as second:
            if (await second.stack(stack)).action is Action.CREATE:
                await second.update(stack, wanted, environment=hooks(**EVERY))
            done = await _through(second, stack)
            assert done is not None
            assert (done.action, done.status) == (Action.UPDATE, Status.COMPLETE)
            assert await reasons(second, stack, "a") == ONCE["a"]
            assert await stored_hooks.of_root(second.db, stack.id) == []
            gone = await _through(second, await second.delete(stack))
            assert gone is not None
            assert gone.status is Status.COMPLETE


async def test_what_was_cleared_by_another_process_is_noticed(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        (hook,) = await stored_hooks.pending(process.db, stack.id)
        await process.journal.write(Update(Hook, hook.id, {"state": HookState.CLEARED}))
        assert (await process.stack(stack)).status is Status.IN_PROGRESS
        assert (await process.done(stack)).status is Status.COMPLETE  # its heartbeat has looked


async def test_a_guest_cannot_clear_the_hooks_of_other_resources(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(a=value("1")), environment=hooks(a="pre-create"))
        await paused(process, stack, "a")
        guest = replace(process.caller, user_id="guest", roles=("heat_stack_user",))
        with pytest.raises(Forbidden):
            await signal(process.engine, guest, stack, "a", {"unset_hook": "pre-create"})
        await paused(process, stack, "a")


async def test_nothing_is_kept_of_pauses_of_operations_that_were_superseded(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(a=value("1"), b=value("1"))))
        environment = hooks(a="pre-update", b=["pre-update", "post-update"])
        await process.update(stack, template(a=value("2"), b=value("2")), environment=environment)
        await paused(process, stack, "a", "b")
        await clear(process, stack, "b", "pre-update")
        await paused(process, stack, "a")
        await process.update(stack, template(a=value("3"), b=value("3")))
        assert (await process.done(stack)).status is Status.COMPLETE
        assert await stored_hooks.of_root(process.db, stack.id) == []
