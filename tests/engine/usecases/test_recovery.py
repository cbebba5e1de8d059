"""Ways out of failures: back, on with a rollback, deletions that leave something behind, nothing left at
all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.db.journal import Change, Update
from stackd.engine.usecases import protection, recovery
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import Terms
from stackd.errors import BadRequest, NotSupported, ResourceNotFound
from stackd.records import Action, Stack, Status
from tests.support.actions import a_test, resource, state, template
from tests.support.engine import Process, World, world

NET = "OS::Neutron::Net"
FAILING = template(net=resource(NET), broken=a_test("net", fail=True))


def with_test(net: str, **properties: Any) -> dict[str, Any]:
    return template(net=resource(NET, name=net), tested=a_test("net", **properties))


def stuck(world: World, **rule: Any) -> None:
    """From now on the network service refuses some calls."""
    world.cloud.faults.replace([{"effect": "status", "status": 409, "service": "network", **rule}])


async def ended(process: Process, stack: Stack) -> str:
    return state(await process.done(stack))


# --- deleted after a failed creation ----------------------------------------------------------------------


async def create_or_delete(process: Process, content: dict[str, Any]) -> Stack:
    request = StackRequest(name="s", template=content, disable_rollback=False)
    terms = Terms(deletes=True)
    return await use_cases.create(process.engine, process.caller, request, terms=terms)


async def test_stack_that_cannot_be_made_is_deleted_where_that_is_asked_for(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await create_or_delete(process, FAILING)
        end = await process.done(stack)
        assert state(end) == "DELETE_COMPLETE"
        assert end.deleted_at is not None
        told = [each for each in await process.told(stack) if each.startswith("s ")]
        assert told == [
            "s CREATE_IN_PROGRESS",
            "s CREATE_FAILED",
            "s DELETE_IN_PROGRESS",
            "s DELETE_COMPLETE",
        ]
        assert stackd_world.objects("networks") == []


async def test_stack_that_is_protected_meanwhile_is_rolled_back_instead(stackd_world: World) -> None:
    slow = template(net=resource(NET), broken=a_test("net", fail=True, wait_secs=5))
    async with stackd_world.process() as process:
        stack = await create_or_delete(process, slow)
        await protection.protect(process.engine, process.caller, stack, protected=True)
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"
        assert stackd_world.objects("networks") == []


async def test_stack_that_can_be_made_stays(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await create_or_delete(process, template(net=resource(NET)))
        assert await ended(process, stack) == "CREATE_COMPLETE"
        await process.update(stack, FAILING)
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("begins", [Action.CREATE, Action.DELETE])
async def test_it_is_deleted_after_a_crash_too(tmp_path: Path, begins: Action, after: bool) -> None:
    """The process dies as the stack fails, or as its resources are being deleted."""

    def fatal(change: Change) -> bool:
        values = change.values if isinstance(change, Update) else {}
        status = Status.FAILED if begins is Action.CREATE else Status.IN_PROGRESS
        return (values.get("action"), values.get("status")) == (begins, status)

    async with world(tmp_path) as made:
        async with made.process(dies_on=fatal, after=after) as process:
            stack = await create_or_delete(process, FAILING)
            await process.journal.died.wait()
        async with made.process() as process:
            assert await ended(process, stack) == "DELETE_COMPLETE"
            assert made.objects("networks") == []


# --- back --------------------------------------------------------------------------------------------------


async def test_failed_creation_that_was_left_is_rolled_back_on_request(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", FAILING)
        assert await ended(process, stack) == "CREATE_FAILED"
        assert len(stackd_world.objects("networks")) == 1
        await recovery.roll_back(process.engine, process.caller, stack)
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"
        assert stackd_world.objects("networks") == []


async def test_failed_update_that_was_left_goes_back_to_what_was(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", with_test("a", value="x"))
        await process.done(stack)
        await process.update(stack, with_test("b", value="y", fail=True))
        assert await ended(process, stack) == "UPDATE_FAILED"
        await recovery.roll_back(process.engine, process.caller, stack)
        end = await process.done(stack)
        assert (state(end), end.previous) == ("ROLLBACK_COMPLETE", None)
        assert [each["name"] for each in stackd_world.objects("networks")] == ["a"]


async def test_nothing_but_a_failure_is_rolled_back(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(net=resource(NET)))
        await process.done(stack)
        with pytest.raises(NotSupported, match="CREATE_COMPLETE and cannot be rolled back"):
            await recovery.roll_back(process.engine, process.caller, stack)
        with pytest.raises(NotSupported, match="only in UPDATE_ROLLBACK_FAILED"):
            await recovery.continue_rollback(process.engine, process.caller, stack)


@pytest.mark.parametrize("how", ["by itself", "on request", "kept"])
async def test_what_is_to_be_retained_goes_with_a_rollback_where_that_is_asked_for(
    stackd_world: World, how: str
) -> None:
    content = template(net=resource(NET) | {"deletion_policy": "Retain"}, broken=a_test("net", fail=True))
    request = StackRequest(name="s", template=content, disable_rollback=how == "on request")
    async with stackd_world.process() as process:
        stack = await use_cases.create(
            process.engine, process.caller, request, terms=Terms(unretained=how == "by itself")
        )
        await process.done(stack)
        if how == "on request":
            await recovery.roll_back(process.engine, process.caller, stack, unretained=True)
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"
        assert len(stackd_world.objects("networks")) == (1 if how == "kept" else 0)


# --- on with a rollback -----------------------------------------------------------------------------------


async def failed_rollback(world: World, process: Process) -> Stack:
    """A stack whose rollback failed, because the name of the network could not be set back."""
    stack = await process.create("s", with_test("a", value="x"), disable_rollback=False)
    await process.done(stack)
    stuck(world, method="PUT", nth=[2])
    await process.update(stack, with_test("b", value="y", fail=True))
    assert await ended(process, stack) == "ROLLBACK_FAILED"
    return stack


async def test_rollback_goes_on_once_what_kept_it_is_gone(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await failed_rollback(stackd_world, process)
        stackd_world.cloud.faults.replace([])
        await recovery.continue_rollback(process.engine, process.caller, stack)
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"
        assert [each["name"] for each in stackd_world.objects("networks")] == ["a"]


async def test_what_is_skipped_stays_as_it_is_and_the_rest_goes_back(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await failed_rollback(stackd_world, process)
        stuck(stackd_world, method="PUT")
        await recovery.continue_rollback(process.engine, process.caller, stack, ["net"])
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"
        rows = await process.rows(stack)
        assert state(rows["net"]) == "UPDATE_COMPLETE"
        assert rows["tested"].properties["value"] == "x"
        assert [each["name"] for each in stackd_world.objects("networks")] == ["b"]

        stackd_world.cloud.faults.replace([])
        await process.update(stack, with_test("a", value="x"))
        assert await ended(process, stack) == "UPDATE_COMPLETE"
        assert [each["name"] for each in stackd_world.objects("networks")] == ["a"]


async def test_what_is_inside_a_nested_stack_is_skipped_by_its_path(stackd_world: World) -> None:
    def of(name: str, **properties: Any) -> dict[str, Any]:
        member = resource(NET, name=name)
        group = resource("OS::Heat::ResourceGroup", count=1, resource_def=member)
        return template(group=group, tested=a_test("group", **properties))

    async with stackd_world.process() as process:
        stack = await process.create("s", of("a", value="x"), disable_rollback=False)
        await process.done(stack)
        stuck(stackd_world, method="PUT", nth=[2])
        await process.update(stack, of("b", value="y", fail=True))
        assert await ended(process, stack) == "ROLLBACK_FAILED"
        stuck(stackd_world, method="PUT")
        await recovery.continue_rollback(process.engine, process.caller, stack, ["group.0"])
        assert await ended(process, stack) == "ROLLBACK_COMPLETE"
        assert [each["name"] for each in stackd_world.objects("networks")] == ["b"]


async def test_only_what_has_failed_is_skipped(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await failed_rollback(stackd_world, process)
        for path, error in (("tested.x", BadRequest), ("nothing", ResourceNotFound)):
            with pytest.raises(error):
                await recovery.continue_rollback(process.engine, process.caller, stack, [path])
        assert state(await process.stack(stack)) == "ROLLBACK_FAILED"


# --- deletions ---------------------------------------------------------------------------------------------


async def failed_deletion(world: World, process: Process) -> Stack:
    stack = await process.create("s", with_test("a"))
    await process.done(stack)
    stuck(world, method="DELETE")
    await process.delete(stack)
    assert await ended(process, stack) == "DELETE_FAILED"
    return stack


@pytest.mark.parametrize("how", [{"retain": ["net"]}, {"force": True}])
async def test_stack_goes_without_what_cannot_be_deleted(stackd_world: World, how: dict[str, Any]) -> None:
    async with stackd_world.process() as process:
        stack = await failed_deletion(stackd_world, process)
        await recovery.delete(process.engine, process.caller, stack, **how)
        assert await ended(process, stack) == "DELETE_COMPLETE"
        assert len(stackd_world.objects("networks")) == 1


async def test_resources_are_retained_only_after_a_deletion_has_failed(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", with_test("a"))
        await process.done(stack)
        with pytest.raises(NotSupported, match="only in DELETE_FAILED it can"):
            await recovery.delete(process.engine, process.caller, stack, retain=["net"])
        stuck(stackd_world, method="DELETE")
        await recovery.delete(process.engine, process.caller, stack)
        await process.done(stack)
        with pytest.raises(ResourceNotFound):
            await recovery.delete(process.engine, process.caller, stack, retain=["nothing"])
