"""Operations across processes: superseded, fenced, taken over, interrupted and resumed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from stackd.db import leases, operations
from stackd.db.backend import Unreachable
from stackd.db.journal import Update
from stackd.db.statements import Statement
from stackd.engine.execution.cancellation import Halt
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.usecases.engine import Engine
from stackd.errors import ActionInProgress, ServiceUnavailable
from stackd.records import Action, Stack, Status
from stackd.resources.context import Context
from stackd.resources.neutron.net import Net, NetProps
from tests.support.engine import Process, World, crash
from tests.support.templates import hot
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def _short_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackd.engine.usecases.engine.SWEEP", 0.2)


def waits(seconds: float, value: str = "x") -> dict[str, Any]:
    properties = {"value": value, "action_wait_secs": {"create": seconds, "update": seconds}}
    return {"type": "OS::Heat::TestResource", "properties": properties}


NET = {"type": "OS::Neutron::Net"}


async def until_waiting(process: Process, stack: Stack, name: str = "w") -> None:
    async def holds() -> bool:
        row = (await process.rows(stack)).get(name)
        return row is not None and row.status is Status.IN_PROGRESS and row.physical_id is not None

    await until(holds)


async def test_update_supersedes_an_update_that_waits(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"w": waits(0)})))
        await process.update(stack, hot({"w": waits(0.3, "first")}))
        await until_waiting(process, stack)
        stack = await process.done(await process.update(stack, hot({"w": waits(0, "second"), "n": NET})))
        assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
        row = (await process.rows(stack))["w"]
        assert (row.properties["value"], row.previous_properties) == ("second", None)
        done = await operations.of_root(process.db, stack.id, unfinished=False)
        assert [each.state for each in done] == ["done"] * 3


async def test_deletion_supersedes_a_create_with_nested_stacks(stackd_world: World) -> None:
    member = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 2, "resource_def": waits(-1)}}
    async with stackd_world.process() as process:
        stack = await process.create("s", hot({"g": member, "n": NET}))
        await until_waiting(process, stack, "g")
        stack = await process.done(await process.delete(stack))
        assert (stack.action, stack.status) == (Action.DELETE, Status.COMPLETE), stack.reason
        assert stackd_world.counts() == {}
        reasons = {each.reason for each in await process.events(stack)}
        assert "Stack CREATE cancelled" in reasons


async def test_of_two_updates_at_once_both_are_accepted_or_one_is_told_to_wait(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        answers = await asyncio.gather(
            *(process.update(stack, hot({name: NET})) for name in "ab"), return_exceptions=True
        )
        refused = [each for each in answers if isinstance(each, BaseException)]
        assert all(isinstance(each, ActionInProgress) for each in refused)
        assert len(refused) < 2
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        assert stackd_world.counts() == {"networks": 1}


async def test_fenced_process_stops_without_a_word_and_another_goes_on(stackd_world: World) -> None:
    template = hot({"w": waits(0.15), "n": NET | {"depends_on": "w"}})
    async with stackd_world.process() as process:
        stack = await process.create("s", template)
        await until_waiting(process, stack)
        operator = process.engine.operator
        await leases.claim(process.db, stack.id, operator.engine_id, timedelta(seconds=0.6))
        await until(lambda: stack.id not in operator.busy)
        assert (await process.rows(stack))["w"].status is Status.IN_PROGRESS
        assert stackd_world.counts() == {}
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        assert stackd_world.counts() == {"networks": 1}


async def test_process_that_slept_through_its_lease_sends_no_change(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Net.create
    sent: list[str] = []

    async def wakes_late(self: Net, ctx: Context, props: NetProps) -> None:
        if not sent:
            sent.append("too late")
            operator.extend_leases([stack.id], since=-1000.0)
        await create(self, ctx, props)

    async def sleeps(_: Engine) -> None:
        """No sign of life, which would prolong the lease."""

    monkeypatch.setattr(Engine, "_heartbeat", sleeps)
    monkeypatch.setattr(Net, "create", wakes_late)
    monkeypatch.setattr("stackd.engine.usecases.engine.SWEEP", 1000)
    async with stackd_world.process() as process:
        operator = process.engine.operator
        stack = await process.create("s", hot({"n": NET}))
        await until(lambda: sent and stack.id not in operator.busy)
        assert (await process.rows(stack))["n"].physical_id is None
        assert stackd_world.counts() == {}
        await until(lambda: operations.orphaned(process.db))
        await process.engine._sweep()
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        assert stackd_world.counts() == {"networks": 1}


async def test_heartbeat_without_the_lease_ends_the_walk(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", hot({"w": waits(-1)}))
        await until_waiting(process, stack)
        operator = process.engine.operator
        cancellation = operator._trees[stack.id].cancellation
        assert cancellation is not None
        operator.engine_id = "somebody else"
        await process.engine._heartbeat()
        assert cancellation.halt is Halt.FENCED
        assert (await process.stack(stack)).status is Status.IN_PROGRESS
        assert (await process.rows(stack))["w"].status is Status.IN_PROGRESS


async def test_operation_accepted_elsewhere_is_run_by_the_owner_of_the_tree(stackd_world: World) -> None:
    async with stackd_world.process() as owner, stackd_world.process() as other:
        owner.engine.operator.engine_id = "owner"
        other.engine.operator.engine_id = "other"
        stack = await owner.create("s", hot({"w": waits(-1)}))
        await until_waiting(owner, stack)
        await other.update(stack, hot({"n": NET}))
        await asyncio.sleep(0.05)
        assert other.engine.operator.busy == frozenset()
        stack = await owner.done(stack)
        assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
        assert set(await owner.rows(stack)) == {"n"}


async def test_second_process_takes_over_when_the_first_one_dies(stackd_world: World) -> None:
    async with stackd_world.process() as first, stackd_world.process() as second:
        first.engine.operator.engine_id = "first"
        second.engine.operator.engine_id = "second"
        stack = await first.create("s", hot({"w": waits(0.3), "n": NET | {"depends_on": "w"}}))
        await until_waiting(first, stack)
        await crash(first)
        assert (await second.stack(stack)).status is Status.IN_PROGRESS

        async def is_done() -> bool:
            return (await second.stack(stack)).status is Status.COMPLETE

        await until(is_done)
        assert stackd_world.counts() == {"networks": 1}


async def test_orderly_end_of_the_process_leaves_the_work_to_the_next(stackd_world: World) -> None:
    async with stackd_world.process() as first:
        stack = await first.create("s", hot({"w": waits(0.5), "n": NET | {"depends_on": "w"}}))
        await until_waiting(first, stack)
    async with stackd_world.process() as second:
        assert (await second.stack(stack)).status is Status.IN_PROGRESS
        stack = await second.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        assert stackd_world.counts() == {"networks": 1}


@pytest.mark.parametrize("lost_write", [1, 2, 3])
async def test_lost_database_leaves_the_operation_to_be_resumed(stackd_world: World, lost_write: int) -> None:
    async with stackd_world.process() as process:
        write, count = process.journal.write, 0

        async def sometimes(*changes: Any, fence: Any = None) -> None:
            nonlocal count
            count += fence is not None  # a write of the operation
            if fence is not None and count == lost_write:
                raise ServiceUnavailable("The database does not answer.")
            await write(*changes, fence=fence)

        process.journal.write = sometimes  # type: ignore[method-assign]
        stack = await process.create("s", hot({"n": NET, "m": NET | {"depends_on": "n"}}))
        stack = await process.done(stack)

        async def is_done() -> bool:
            return (await process.stack(stack)).status is Status.COMPLETE

        await until(is_done)
        assert count > lost_write
        assert stackd_world.counts() == {"networks": 2}


async def test_failure_is_stored_in_one_with_the_beginning_of_its_rollback(stackd_world: World) -> None:
    bad = {"type": "OS::Heat::TestResource", "properties": {"fail": True}, "depends_on": "n"}
    async with stackd_world.process() as process:
        write = process.journal.write
        states: list[str] = []

        async def noted(*changes: Any, fence: Any = None) -> None:
            moved = [each.values for each in changes if isinstance(each, Update) and each.kind is Stack]
            states.extend(f"{values['action']}_{values['status']}" for values in moved if "action" in values)
            await write(*changes, fence=fence)

        process.journal.write = noted  # type: ignore[method-assign]
        stack = await process.create("s", hot({"n": NET, "bad": bad}), disable_rollback=False)
        await process.done(stack)
        assert states == ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
        told = [each for each in await process.told(stack) if each.startswith("s ")]
        assert told == [
            "s CREATE_IN_PROGRESS",
            "s CREATE_FAILED",
            "s ROLLBACK_IN_PROGRESS",
            "s ROLLBACK_COMPLETE",
        ]
        assert stackd_world.counts() == {}


@pytest.mark.parametrize(("disable_rollback", "ends"), [(True, Action.CREATE), (False, Action.ROLLBACK)])
async def test_walk_that_comes_to_no_end_is_a_failure(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch, disable_rollback: bool, ends: Action
) -> None:
    async def stops(_: StackRun) -> bool:
        return False

    monkeypatch.setattr("stackd.engine.execution.operation.walk_stack", stops)
    async with stackd_world.process() as process:
        stack = await process.create("s", hot({"n": NET}), disable_rollback=disable_rollback)
        stack = await process.done(stack)
        assert (stack.action, stack.status, stack.reason) == (ends, Status.FAILED, "Operation cancelled")
        assert await operations.of_root(process.db, stack.id) == []


async def test_failed_first_create_is_what_a_failed_update_returns_to(stackd_world: World) -> None:
    bad = {"type": "OS::Heat::TestResource", "properties": {"fail": True}, "depends_on": "n"}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"n": NET, "bad": bad})))
        assert stack.status is Status.FAILED
        before = (await process.rows(stack))["n"]
        again = {"n": NET, "bad": bad, "more": NET}
        stack = await process.done(await process.update(stack, hot(again), disable_rollback=False))
        assert stack.action is Action.ROLLBACK
        assert (await process.rows(stack))["n"].physical_id == before.physical_id
        assert "more" not in await process.rows(stack)


class FullDisk:
    """A backend that stores nothing any more while ``is_full``; counts what was tried beside heartbeats."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.is_full = False
        self.tried = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def _try(self, text: str = "") -> None:
        self.tried += self.is_full and "engines" not in text
        if self.is_full:
            raise Unreachable("database or disk is full")

    async def commit(self, writes: Any) -> None:
        self._try()
        await self.backend.commit(writes)

    async def modify(self, statement: Statement, args: Any) -> Any:
        self._try(statement.text)
        return await self.backend.modify(statement, args)


async def test_full_disk_is_tried_ever_more_rarely_and_work_goes_on_after_it(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        disk = process.db.backend = FullDisk(process.db.backend)
        stack = await process.create("s", hot({"w": waits(5), "n": NET | {"depends_on": "w"}}))
        await until_waiting(process, stack)
        with capture_logs() as logged:
            disk.is_full = True
            await asyncio.sleep(200)
            assert disk.tried < 250
            disk.is_full = False
            stack = await process.done(stack)
        events = [line["event"] for line in logged if line["log_level"] in ("warning", "error")]
        assert stack.status is Status.COMPLETE, stack.reason
        assert events.count("database_unreachable") == events.count("database_answers_again") == 1
        assert len(events) < 20, events
