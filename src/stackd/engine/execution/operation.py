"""One operation on one stack: the walk of its plan, the stored end, and the rollback that may follow."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder, Found
from stackd.clients.wire import Permit
from stackd.db import resources, stacks
from stackd.db.journal import Change, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.execution import scaling, snapshots
from stackd.engine.execution.ascent import changes_above
from stackd.engine.execution.cancellation import Cancellation, Halt
from stackd.engine.execution.hook_waits import HookStates, load_hooks
from stackd.engine.execution.lifecycle import UNEXPECTED
from stackd.engine.execution.preparation import Preparation
from stackd.engine.execution.reshown import outputs_after
from stackd.engine.execution.run import OperationRun, Services, Write
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.steps import walk_stack
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.make import plan_tree
from stackd.engine.planning.plan import StackPlan
from stackd.engine.services.stored_trees import load_tree
from stackd.engine.transitions import ROLLED_BACK, Transition, move_stack
from stackd.errors import (
    CredentialsLost,
    ExportExists,
    ExportInUse,
    Fenced,
    ServiceUnavailable,
    StackdError,
)
from stackd.offload import in_thread, offloaded
from stackd.records import Action, Definition, Operation, Resource, Stack, Status, now

log = structlog.get_logger(__name__)

DELETES = "delete"
"""The value of the option ``on_failure`` of an operation after which a stack that cannot be made is
deleted."""

_UNTIL_CREDENTIALS = 1.0
"""Seconds between two looks for credentials in place of those that were lost."""


class OperationExecutor:
    """One operation on one stack, with the rollback that may follow it."""

    def __init__(
        self,
        services: Services,
        operation: Operation,
        write: Write,
        cancellation: Cancellation,
        stack: Stack,
        *,
        open_cloud: Callable[[], Awaitable[Cloud]],
        permit: Permit,
        found: Found | None,
        halted: Callable[[], Halt | None],
    ) -> None:
        self.services = services
        self._open_cloud = open_cloud
        self._permit = permit
        self._found = found
        self._halted = halted
        self.operation = operation
        self._write = write
        self.cancellation = cancellation
        self.stack = stack
        self._grace: asyncio.TimerHandle | None = None
        self._hooks = HookStates()

    async def run(self) -> None:
        """Walk the plan, store the outcome, and roll back if the stack asks for it."""
        action = self.stack.action
        remaining = (self.operation.deadline - now()).total_seconds()
        self.cancellation.set_deadline(remaining)
        try:
            ended = await self._walk(action)
        except (Fenced, ServiceUnavailable, asyncio.CancelledError):
            raise
        except Exception as error:
            if is_interruption(error):
                raise
            log.exception("operation_failed", stack_id=self.stack.id)
            await self._fail(action, _reason_of(error))
            ended = False
        if ended or self.cancellation.halt not in (None, Halt.FAILED, Halt.TIMED_OUT):
            return
        if self._after_failure(action) is not None:
            await self._go_back()

    def _after_failure(self, action: Action) -> Action | None:
        """The action that follows the failure of one, in the same operation; for most there is none."""
        if action not in ROLLED_BACK or self.stack.parent_id is not None:
            return None
        if action is Action.CREATE and self.operation.options.get("on_failure") == DELETES:
            return Action.DELETE
        return None if self.stack.disable_rollback else Action.ROLLBACK

    def _rolls_back(self, action: Action) -> bool:
        return self._after_failure(action) is not None

    async def _walk(self, action: Action) -> bool:
        """True when the operation came to its good end and that is stored."""
        given = Preparation(self.services, self.operation, self.stack, action, self._rolls_back(action))
        desired = await given.desired()
        cloud = (await self._open_cloud()).with_permit(self._permit, self._await_credentials)
        stored = await load_tree(self.services.db, self.stack, definitions=desired is not None)
        run = OperationRun(
            self.services,
            self._write,
            await given.inputs(desired, stored, cloud),
            cloud,
            self._permit,
            Finder(cloud, self._found),
            self.cancellation,
            rolls_back=given.rolls_back,
            on_failure=self._on_failure,
            quota=await given.room(desired),
            hooks=await load_hooks(self.services.db, self.stack.root_id, self.operation.id, action),
            secrets=await self.services.redaction.of(self.stack),
            bound=await given.bound(),
            policy=given.policy(),
            accepted_at=self.operation.created_at,
            snapshot=str(self.operation.options.get("snapshot") or ""),
            renew_time=self._renew_time,
        )
        self._hooks = run.hooks
        plan = await self._planned(run, action, desired, stored)
        environment, adopted = await given.environment(), await given.adopted()
        work = StackRun(run, self.stack, plan, environment=environment, adopted=adopted)
        if action is Action.DELETE:
            await snapshots.close_all(run, self.stack)
        good = await walk_stack(work)
        if self._grace is not None:
            self._grace.cancel()
        if self.cancellation.halt is Halt.TIMED_OUT:
            await self._fail(action, run.timed_out(self._time_spent()))
            return False
        if self.cancellation.halt is Halt.CANCELLED:
            return False  # the request that cancelled it has stored the end
        if work.failures:
            await self._fail(action, work.failed)
            return False
        if not good:
            if self.cancellation.halt in (None, Halt.FAILED):
                await self._fail(action, run.why_stopped())
            return False
        try:
            await self._complete(action, desired, work)
        except (ExportExists, ExportInUse) as error:
            await self._fail(action, str(error))
            return False
        return True

    async def _await_credentials(self, lost: CredentialsLost) -> None:
        """Wait a while for a request that brings other credentials, or until the operation has to stop."""
        await self.cancellation.pause(_UNTIL_CREDENTIALS)

    async def _renew_time(self) -> None:
        """Let the time begin again, now that what an earlier operation had begun is completed.

        However often that happens, it is twice the time in all at most. It is stored, for a restart.
        """
        moment, current = now(), self.operation.deadline
        deadline = min(moment + self._time, self.operation.latest_deadline or current)
        if deadline <= current:
            return
        self.operation = replace(self.operation, deadline=deadline)
        self.cancellation.set_deadline((deadline - moment).total_seconds())
        await self._write(Update(Operation, self.operation.id, {"deadline": deadline}))

    @property
    def _time(self) -> timedelta:
        """The time that the operation asked for, and that its rollback gets too."""
        operation = self.operation
        known = timedelta(seconds=operation.timeout)
        return known or operation.deadline - operation.created_at

    def _time_spent(self) -> float:
        """Seconds that the operation had; more than it asked for where the time began again."""
        accepted = self.operation.created_at
        return max(self.operation.deadline - accepted, now() - accepted).total_seconds()

    async def _planned(
        self, run: OperationRun, action: Action, desired: Desired | None, stored: StoredStack
    ) -> StackPlan:
        """The plan of the stack; the first one imports the graph library."""
        if "networkx" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "networkx")
        await run.services.registry.ready(row.kind for each in stored.walk() for row in each.rows)
        plan: StackPlan = await in_thread(plan_tree, desired, stored, action, run.inputs)
        return plan

    def _on_failure(self, action: Action, text: str) -> None:
        """The first failure: let waits end, at once for a rollback, else after a time of grace."""
        if self._rolls_back(self.stack.action):
            self.cancellation.stop(Halt.FAILED)
            return
        if self._grace is None:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(self.services.tuning.grace, self.cancellation.stop, Halt.FAILED)

    async def _complete(self, action: Action, desired: Desired | None, work: StackRun) -> None:
        values: dict[str, Any] = {"outputs": {}}
        if work.plan.rule.verb is not None:
            values = await outputs_after(work)
        elif desired is not None:
            outputs = await offloaded(desired.outputs, work.scope)
            values = {"outputs": outputs, "previous": None}
        if action is Action.DELETE:
            await snapshots.remove_all(work.run, self.stack)
            await self._before_gone()
            values["deleted_at"] = now()
        shared = await work.export_changes(action)
        await self._end(self._move(action, Status.COMPLETE, work.completed, **values), *shared)

    async def _before_gone(self) -> None:
        """What a deleted root leaves in Keystone goes before the stack is called deleted."""
        stack = await stacks.get(self.services.db, self.stack.id, None)
        if stack is not None and stack.stack_user_project_id and stack.parent_id is None:
            await self.services.stack_users.remove_project(stack.stack_user_project_id, self._permit)

    async def _fail(self, action: Action, reason: str) -> None:
        """Store the failure, in one with the beginning of the rollback or deletion where there is one.

        So no client takes the failure for the end, and no crash comes between the two.
        """
        follows = self._after_failure(action)
        if follows is Action.DELETE and await self._is_protected():
            follows = Action.ROLLBACK
        if follows is None:
            await self._end(self._move(action, Status.FAILED, reason))
            return
        deadline = now() + self._time
        failed = self._move(action, Status.FAILED, reason)
        target: dict[str, Any] = {"definition": self.stack.previous or Definition(), "previous": None}
        if follows is Action.DELETE:
            target = {}
        begun = move_stack(failed.record, follows, Status.IN_PROGRESS, where=self._is_newest, **target)
        latest = deadline + self._time
        later = Update(Operation, self.operation.id, {"deadline": deadline, "latest_deadline": latest})
        await self._store(begun, *failed.events, later, *await self._unretained())
        self.operation = replace(self.operation, deadline=deadline, latest_deadline=latest)

    async def _is_protected(self) -> bool:
        """Whether the stack was protected from being deleted, perhaps since the operation began."""
        stack = await stacks.get(self.services.db, self.stack.id, None)
        return stack is not None and stack.protected

    async def _unretained(self) -> list[Change]:
        """What lets the way back delete what this operation made, if it was asked to."""
        if not self.operation.options.get("unretained"):
            return []
        rows = await resources.of_tree(self.services.db, self.stack.root_id, brief=True)
        return [
            Update(Resource, row.id, {"deletion_policy": "Delete"})
            for row in rows
            if row.deletion_policy == "Retain"
            and row.external_id is None
            and row.created_at >= self.operation.created_at
        ]

    @property
    def _is_newest(self) -> Mapping[str, Any]:
        """The condition that no newer operation has taken the stack over."""
        return {"operation_id": self.operation.id}

    def _move(
        self, action: Action, status: Status, reason: str | None = None, **values: Any
    ) -> Transition[Stack]:
        return move_stack(self.stack, action, status, reason, where=self._is_newest, **values)

    async def _end(self, move: Transition[Stack], *others: Change) -> None:
        """Store a state of the stack with the end of the operation."""
        done = Update(Operation, self.operation.id, {"state": "done"})
        if snapshot := self.operation.options.get("snapshot"):
            others = (*others, *await snapshots.closing(self.services.db, move.record, str(snapshot)))
        scaled = scaling.Closing()
        if move.record.parent_id is not None and move.record.deleted_at is None:
            scaled = await scaling.closing(self.services, self.operation, move.record)
            others = (*others, *scaled.changes, *await changes_above(self.services, move.record))
        await self._store(move, *others, after=(done, *self._hooks.closing()))
        if scaled.notice is not None:
            self.services.notify(scaled.notice)

    async def _store(self, move: Transition[Stack], *others: Change, after: Sequence[Change] = ()) -> None:
        changes = (*others, move.change, *move.events, *after)
        await self._write(*changes)
        self.stack = move.record

    async def _go_back(self) -> None:
        """Go back to the previous definition, or to nothing; a failure here is final."""
        self.cancellation.reset((self.operation.deadline - now()).total_seconds())
        if (halt := self._halted()) is not None:
            self.cancellation.stop(halt)
        await self.run()


def is_interruption(error: BaseException) -> bool:
    """Whether the store failed us, rather than the operation: it is resumed later, not failed."""
    if isinstance(error, BaseExceptionGroup):
        return any(is_interruption(each) for each in error.exceptions)
    return isinstance(error, Fenced | ServiceUnavailable)


def _reason_of(error: Exception) -> str:
    if isinstance(error, StackdError):
        return f"{error.wire_type}: {error}"
    return UNEXPECTED
