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
from stackd.db import plans, resources, stacks
from stackd.db.journal import Change, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import load_json
from stackd.engine.execution import scaling, snapshots
from stackd.engine.execution.ascent import changes_above
from stackd.engine.execution.cancellation import Cancellation, Halt
from stackd.engine.execution.hook_waits import HookStates, load_hooks
from stackd.engine.execution.lifecycle import UNEXPECTED
from stackd.engine.execution.observation import missing_objects
from stackd.engine.execution.reshown import outputs_after
from stackd.engine.execution.run import OperationRun, ResourceQuota, Services, Write
from stackd.engine.execution.stack_run import NO_ENVIRONMENT, StackRun
from stackd.engine.execution.steps import walk_stack
from stackd.engine.planning.bounds import Bounds
from stackd.engine.planning.inputs import Inputs, StoredStack
from stackd.engine.planning.make import plan_tree
from stackd.engine.planning.plan import Plan, StackPlan
from stackd.engine.planning.stack_policy import StackPolicy, read_policy
from stackd.engine.planning.verbs import ACTIONS
from stackd.engine.services import exports
from stackd.engine.services.stored_trees import exported_values, identify, load_desired, load_tree
from stackd.engine.transitions import ROLLED_BACK, Transition, move_stack
from stackd.errors import (
    CloudError,
    CredentialsLost,
    ExportExists,
    ExportInUse,
    Fenced,
    ServiceUnavailable,
    StackdError,
    TemplateError,
)
from stackd.offload import in_thread, offloaded
from stackd.records import Action, Definition, Operation, Resource, Stack, Status, now
from stackd.resources.base import NestedType
from stackd.template.environment import Environment, load_environment

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

    def _abandons(self, action: Action) -> bool:
        """Whether objects stay in the cloud: the stack is given up, or failed to adopt them."""
        options = self.operation.options
        return bool(options.get("abandon")) or (action is Action.ROLLBACK and bool(options.get("adopt")))

    async def _walk(self, action: Action) -> bool:
        """True when the operation came to its good end and that is stored."""
        desired = await self._desired(action)
        cloud = (await self._open_cloud()).with_permit(self._permit, self._await_credentials)
        stored = await load_tree(self.services.db, self.stack, definitions=desired is not None)
        run = OperationRun(
            self.services,
            self._write,
            await self._inputs(action, desired, stored, cloud),
            cloud,
            self._permit,
            Finder(cloud, self._found),
            self.cancellation,
            rolls_back=self._rolls_back(action),
            on_failure=self._on_failure,
            quota=await self._room(action, desired),
            hooks=await load_hooks(self.services.db, self.stack.root_id, self.operation.id, action),
            secrets=await self.services.redaction.of(self.stack),
            bound=await self._bound(action),
            policy=self._policy(action),
            accepted_at=self.operation.created_at,
            snapshot=str(self.operation.options.get("snapshot") or ""),
            renew_time=self._renew_time,
        )
        self._hooks = run.hooks
        work = await self._planned(run, action, desired, stored, await self._environment(action))
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

    async def _room(self, action: Action, desired: Desired | None) -> ResourceQuota:
        """The limit on resources; none on the way back to what was accepted before."""
        most = self.services.tuning.resources
        if desired is None or action is Action.ROLLBACK or most < 0:
            return ResourceQuota()
        taken = await resources.sizes(self.services.db, self.stack.root_id)
        return ResourceQuota(most, taken | {self.stack.id: len(desired.resources)})

    async def _environment(self, action: Action) -> Environment:
        """The environment of a stack that is deleted: it may set hooks."""
        if action is not Action.DELETE:
            return NO_ENVIRONMENT
        document = self.stack.definition.environment
        try:
            return load_environment(await load_json(self.services.db, self.stack.project_id, document))
        except TemplateError as error:
            log.warning("environment_not_readable", stack_id=self.stack.id, error=str(error))
            return NO_ENVIRONMENT  # no reason to keep a stack from being deleted

    async def _inputs(
        self, action: Action, desired: Desired | None, stored: StoredStack, cloud: Cloud
    ) -> Inputs:
        """What the operation is planned from; reality is read first where the request asks for it."""
        db, registry, stack = self.services.db, self.services.registry, self.stack
        missing: frozenset[str] = frozenset()
        if desired is not None and self.operation.options.get("converge") and action is not Action.ROLLBACK:
            missing = await self._missing(cloud, stored)
        nested = desired is not None and any(
            isinstance(each.handler, NestedType) for each in desired.types.values()
        )
        return Inputs(
            registry=registry,
            identify=identify(db, stack.project_id),
            exports=await exported_values(db, stack.project_id) if nested else {},
            missing=missing,
            rewritten=await self._rewritten(action, stored),
            sharing=await exports.stacks_of(db, stack.root_id),
            ahead=False,
            keep_originals=self._rolls_back(action),
            abandons=self._abandons(action),
            adopts=action is Action.ADOPT,
            skipped=frozenset(self.operation.options.get("skipped") or ()),
            max_depth=self.services.tuning.nested_depth,
        )

    async def _rewritten(self, action: Action, stored: StoredStack) -> Mapping[str, frozenset[str]]:
        """What a snapshot that is restored brings back, whether or not it seems to be there."""
        if action is not Action.RESTORE:
            return {}
        db, registry = self.services.db, self.services.registry
        return await snapshots.rewritten(db, registry, self.stack, self.operation, stored.rows)

    async def _missing(self, cloud: Cloud, stored: StoredStack) -> frozenset[str]:
        """The rows whose objects no longer exist; none when the cloud does not answer."""
        try:
            return await missing_objects(cloud, self.services.registry, stored)
        except CloudError as error:
            log.warning("reality_not_read", error=type(error).__name__, status=error.status)
            return frozenset()

    async def _bound(self, action: Action) -> Bounds | None:
        """What the saved plan allows that is executed; a rollback goes back whatever the plan was."""
        plan_id = self.operation.options.get("plan")
        if not plan_id or action is Action.ROLLBACK:
            return None
        saved = await plans.get(self.services.db, plan_id, self.stack.project_id)
        return Bounds.of(Plan.of_data(saved.content)) if saved is not None else None

    def _policy(self, action: Action) -> StackPolicy | None:
        """The stack policy, by which only updates are judged."""
        if action is not Action.UPDATE:
            return None
        text = self.operation.options.get("policy") or self.stack.policy
        return read_policy(text) if text else None

    async def _planned(
        self,
        run: OperationRun,
        action: Action,
        desired: Desired | None,
        stored: StoredStack,
        environment: Environment,
    ) -> StackRun:
        """The stack with its plan; the first one imports the graph library."""
        if "networkx" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "networkx")
        await run.services.registry.ready(row.kind for each in stored.walk() for row in each.rows)
        plan: StackPlan = await in_thread(plan_tree, desired, stored, action, run.inputs)
        return StackRun(run, self.stack, plan, environment=environment, adopted=await self._adopted(action))

    async def _adopted(self, action: Action) -> Mapping[str, Any] | None:
        """The data of the resources that are adopted, by name."""
        if action is not Action.ADOPT:
            return None
        document = str(self.operation.options["adopt"])
        found: Mapping[str, Any] = await load_json(self.services.db, self.stack.project_id, document)
        return found

    async def _desired(self, action: Action) -> Desired | None:
        """The definition to reach; none for a deletion, and for what is done to the resources as they are."""
        if action is Action.DELETE or ACTIONS[action].verb is not None or not self.stack.definition.template:
            return None
        return await load_desired(self.services.db, self.services.registry, self.stack)

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
