"""Running operations: one at a time on a tree, from the claim to the stored end.

The process that accepts an operation claims the tree and walks it. Another operation on the tree
supersedes the one that runs: its waits end, its calls are brought to their end, and a new plan is
made from what is then stored. A claim raises the tree's epoch, and every write carries it; a
process that lost its lease can change nothing any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog
from cachetools import TTLCache

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder, Found
from stackd.clients.wire import PERMIT
from stackd.db import events, leases, resources, stacks
from stackd.db import operations as operation_rows
from stackd.db.journal import Change, Update
from stackd.engine import hooks, nested, sharing
from stackd.engine.definitions import load_definition, load_json, offloaded
from stackd.engine.desired import Desired, build
from stackd.engine.lifecycle import UNEXPECTED
from stackd.engine.pace import Halt, Pace
from stackd.engine.pauses import Ledger
from stackd.engine.room import Room
from stackd.engine.run import Run, Services, now, stack_event
from stackd.engine.stackwalk import walk_stack
from stackd.engine.stackwork import NO_ENVIRONMENT, StackWork
from stackd.engine.states import ROLLED_BACK
from stackd.errors import ExportExists, ExportInUse, Fenced, ServiceUnavailable, StackdError, TemplateError
from stackd.records import Action, Definition, Fence, Operation, Resource, Stack, Status
from stackd.template.environment import Environment, load_environment

log = structlog.get_logger(__name__)

_SURE = 0.9
"""The part of a lease in which nobody else can have taken over, even where clocks differ a little."""

_NOTED_FOR = 30.0
_MOST_NOTED = 256

CloudOf = Callable[[Stack], Awaitable[Cloud]]
"""Gives the cloud with the authority under which a stack's work is done."""


@dataclass(slots=True)
class _Tree:
    """A tree of stacks that this process works on, and the time of the loop until which it surely may."""

    task: asyncio.Task[None] | None = None
    held_until: float = 0.0
    pace: Pace | None = None
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    seen: set[str] = field(default_factory=set)


class Operator:
    """Runs the operations of all trees that this process owns."""

    def __init__(self, services: Services, cloud_of: CloudOf, *, engine_id: str, lease: timedelta) -> None:
        self.services = services
        self.engine_id = engine_id
        self._cloud_of = cloud_of
        self._lease = lease
        self._trees: dict[str, _Tree] = {}
        self._closing = False
        self._found: TTLCache[str, Found] = TTLCache(_MOST_NOTED, _NOTED_FOR)
        self.on_deleted: Callable[[Stack], Awaitable[None]] | None = None

    def note(self, stack_id: str, found: Found) -> None:
        """What was looked up for a request on a stack, so that its operation need not do so again."""
        if found:
            self._found[stack_id] = found

    def noted(self, stack_id: str) -> Found | None:
        """What was noted a moment ago for the operation that begins now."""
        return self._found.pop(stack_id, None)

    def kick(self, root_id: str) -> None:
        """There is (or may be) an operation to run on this tree."""
        if self._closing:
            return
        tree = self._trees.setdefault(root_id, _Tree())
        tree.wanted.set()
        if tree.pace is not None:
            tree.pace.stop(Halt.SUPERSEDED)
        if tree.task is None:
            tree.task = asyncio.create_task(self._serve(root_id, tree), name=f"tree {root_id}")

    async def look(self, root_id: str) -> None:
        """See whether another process accepted an operation for a tree that is worked on here."""
        tree = self._trees.get(root_id)
        if tree is None or tree.wanted.is_set():
            return
        rows = await operation_rows.of_root(self.services.db, root_id)
        if any(operation.id not in tree.seen for operation in rows):
            self.kick(root_id)

    @property
    def closing(self) -> bool:
        """Whether the process is about to end."""
        return self._closing

    @property
    def busy(self) -> frozenset[str]:
        """Roots of the trees that are being worked on here."""
        return frozenset(self._trees)

    def hold(self, root_ids: Iterable[str], since: float) -> None:
        """The leases of these trees were taken or prolonged by a request made at this time of the loop."""
        for root_id in root_ids:
            if (tree := self._trees.get(root_id)) is not None:
                tree.held_until = since + _SURE * self._lease.total_seconds()

    def fence_out(self, root_id: str) -> None:
        """Another process owns the tree: stop without a word to the cloud."""
        tree = self._trees.get(root_id)
        if tree is not None and tree.pace is not None:
            tree.pace.stop(Halt.FENCED)

    async def close(self, grace: float = 10.0) -> None:
        """Stop all walks where they wait; what they did is stored, another start resumes them."""
        self._closing = True
        tasks = [tree.task for tree in self._trees.values() if tree.task is not None]
        for tree in self._trees.values():
            if tree.pace is not None:
                tree.pace.stop(Halt.SHUTDOWN)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()

    async def _serve(self, root_id: str, tree: _Tree) -> None:
        """Claim the tree and run what is queued for it until nothing is left."""
        epoch: int | None = None
        loop = asyncio.get_running_loop()

        def permit() -> None:
            """A process that slept through its lease must not act on what it believed before."""
            if loop.time() > tree.held_until:
                raise Fenced("The lease of the stack has run out")

        try:
            asked = loop.time()
            epoch = await leases.claim(self.services.db, root_id, self.engine_id, self._lease)
            if epoch is None:
                tree.wanted.clear()
                return  # its owner sees the new operation at its next heartbeat
            self.hold([root_id], asked)
            PERMIT.set(permit)
            while tree.wanted.is_set() and not self._closing:
                tree.wanted.clear()
                for operation in await self._queued(root_id, epoch, tree):
                    if tree.wanted.is_set():
                        break
                    await self._run(operation, Fence(root_id, epoch), tree)
        except Fenced:
            log.info("tree_fenced", root=root_id)
        except Exception as error:
            if not _is_interruption(error):
                log.exception("tree_failed", root=root_id)
            else:
                log.warning("tree_interrupted", root=root_id)
        finally:
            self._trees.pop(root_id, None)
            if epoch is not None:
                with contextlib.suppress(StackdError):
                    await leases.release(self.services.db, root_id, self.engine_id, epoch)
            if tree.wanted.is_set() and not self._closing:
                self.kick(root_id)

    async def _queued(self, root_id: str, epoch: int, tree: _Tree) -> list[Operation]:
        """The newest operation of each stack of the tree; older ones are over."""
        rows = await operation_rows.of_root(self.services.db, root_id)
        tree.seen.update(operation.id for operation in rows)
        newest: dict[str, Operation] = {}
        over: list[Change] = []
        for operation in rows:
            older = newest.pop(operation.stack_id, None)
            if older is not None:
                over.append(Update(Operation, older.id, {"state": "done"}))
            newest[operation.stack_id] = operation
        if over:
            await self.services.journal.write(*over, fence=Fence(root_id, epoch))
        return list(newest.values())

    async def _run(self, operation: Operation, fence: Fence, tree: _Tree) -> None:
        stack = await stacks.get(self.services.db, operation.stack_id, None)
        if stack is None or stack.operation_id != operation.id:
            await self.services.journal.write(Update(Operation, operation.id, {"state": "done"}), fence=fence)
            return
        pace = Pace(self.services.tuning.slots)
        tree.pace = pace
        if tree.wanted.is_set():
            pace.stop(Halt.SUPERSEDED)
        structlog.contextvars.bind_contextvars(request_id=operation.request_id, stack=stack.id)
        try:
            conduct = Conduct(self, operation, fence, tree, pace, stack)
            await conduct.run()
            await self._purge_events(stack)
        finally:
            pace.close()
            tree.pace = None
            structlog.contextvars.clear_contextvars()

    async def _purge_events(self, stack: Stack) -> None:
        """Drop the oldest events of a stack that has too many."""
        keep, batch = self.services.tuning.events_kept, self.services.tuning.events_batch
        if keep and await events.count(self.services.db, stack.id) > keep + batch:
            await events.purge(self.services.db, stack.id, keep=keep, batch=batch)

    async def cloud_for(self, stack: Stack) -> Cloud:
        """The cloud under whose authority the stack's work is done."""
        return await self._cloud_of(stack)


class Conduct:
    """One operation on one stack, with the rollback that may follow it."""

    def __init__(
        self,
        operator: Operator,
        operation: Operation,
        fence: Fence,
        tree: _Tree,
        pace: Pace,
        stack: Stack,
    ) -> None:
        self.operator = operator
        self.tree = tree
        self.services = operator.services
        self.operation = operation
        self.fence = fence
        self.pace = pace
        self.stack = stack
        self._grace: asyncio.TimerHandle | None = None
        self._ledger = Ledger()

    async def run(self) -> None:
        """Walk, store the end, and roll back where the stack says so."""
        action = self.stack.action
        remaining = (self.operation.deadline - now()).total_seconds()
        self.pace.set_deadline(remaining)
        try:
            ended = await self._walk(action)
        except (Fenced, ServiceUnavailable, asyncio.CancelledError):
            raise
        except Exception as error:
            if _is_interruption(error):
                raise
            log.exception("operation_failed", stack=self.stack.id)
            await self._fail(action, _reason_of(error))
            ended = False
        if ended or self.pace.halt not in (None, Halt.FAILED, Halt.TIMED_OUT):
            return
        if self._rolls_back(action):
            await self._roll_back()

    def _rolls_back(self, action: Action) -> bool:
        return action in ROLLED_BACK and not self.stack.disable_rollback and self.stack.parent_id is None

    async def _walk(self, action: Action) -> bool:
        """True when the operation came to its good end and that is stored."""
        desired = await self._desired(action)
        stored = await resources.of_stack(self.services.db, self.stack.id)
        cloud = await self.operator.cloud_for(self.stack)
        run = Run(
            self.services,
            self.operation,
            self.fence,
            cloud,
            Finder(cloud, self.operator.noted(self.stack.id)),
            self.pace,
            rolls_back=self._rolls_back(action),
            on_failure=self._on_failure,
            room=await self._room(action, desired),
            hooks=await hooks.load(self.services, self.stack.root_id, self.operation.id, action),
            sharing=await sharing.stacks_of(self.services.db, self.stack.root_id),
        )
        self._ledger = run.hooks
        work = await self._planned(run, desired, stored, await self._environment(action))
        good = await work.walk()
        if self._grace is not None:
            self._grace.cancel()
        if self.pace.halt is Halt.TIMED_OUT:
            await self._fail(action, "Timed out")
            return False
        if work.failures:
            await self._fail(action, work.failures[0].reason)
            return False
        if not good:
            if self.pace.halt in (None, Halt.FAILED):
                await self._fail(action, run.why_stopped())
            return False
        try:
            await self._complete(action, desired, work)
        except (ExportExists, ExportInUse) as error:
            await self._fail(action, str(error))
            return False
        return True

    async def _room(self, action: Action, desired: Desired | None) -> Room:
        """The limit on resources; none on the way back to what was accepted before."""
        most = self.services.tuning.resources
        if desired is None or action is Action.ROLLBACK or most < 0:
            return Room()
        taken = await resources.sizes(self.services.db, self.stack.root_id)
        return Room(most, taken | {self.stack.id: len(desired.resources)})

    async def _environment(self, action: Action) -> Environment:
        """The environment of a stack that is deleted, which may say where to pause."""
        if action is not Action.DELETE:
            return NO_ENVIRONMENT
        document = self.stack.definition.environment
        try:
            return load_environment(await load_json(self.services.db, self.stack.project_id, document))
        except TemplateError as error:
            log.warning("environment_not_readable", stack=self.stack.id, error=str(error))
            return NO_ENVIRONMENT  # no reason to keep a stack from being deleted

    async def _planned(
        self, run: Run, desired: Desired | None, stored: Sequence[Resource], environment: Environment
    ) -> StackWork:
        """The work with its plan; a large one is made off the event loop, and so is the first one,
        which imports the graph library.
        """
        size = 200 * (len(stored) + (len(desired.resources) if desired else 0))
        if "networkx" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "networkx")
        work: StackWork = await offloaded(
            size, StackWork, run, self.stack, desired, stored, walk_stack, environment=environment
        )
        return work

    async def _desired(self, action: Action) -> Desired | None:
        if action is Action.DELETE or not self.stack.definition.template:
            return None
        source = await load_definition(self.services.db, self.stack.project_id, self.stack.definition)
        identity = nested.identity_of(self.stack)
        source = await sharing.with_exports(self.services, source, identity)
        size = 200 * len(source.template.resources)
        desired: Desired = await offloaded(
            size,
            build,
            source,
            identity,
            self.services.registry,
            self.stack.definition,
            strict=False,
        )
        return desired

    def _on_failure(self, action: Action, text: str) -> None:
        """The first failure: let waits end, at once for a rollback, else after a time of grace."""
        if self._rolls_back(self.stack.action):
            self.pace.stop(Halt.FAILED)
            return
        if self._grace is None:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(self.services.tuning.grace, self.pace.stop, Halt.FAILED)

    async def _complete(self, action: Action, desired: Desired | None, work: StackWork) -> None:
        values: dict[str, Any] = {"outputs": {}}
        if desired is not None:
            outputs = await offloaded(
                200 * len(desired.source.template.outputs), desired.outputs, desired.scope(work.rows)
            )
            values = {"outputs": outputs, "previous": None}
        if action is Action.DELETE:
            await self._before_gone()
            values["deleted_at"] = now()
        done = f"Stack {action} completed successfully"
        shared = await sharing.end(work, action)
        await self._set(action, Status.COMPLETE, done, *shared, done=True, **values)
        if action is Action.DELETE and self.operator.on_deleted is not None:
            await self.operator.on_deleted(self.stack)

    async def _before_gone(self) -> None:
        """What a deleted root leaves in Keystone goes before the stack is called deleted."""
        stack = await stacks.get(self.services.db, self.stack.id, None)
        if stack is not None and stack.stack_user_project_id and stack.parent_id is None:
            await self.services.stack_users.remove_project(stack.stack_user_project_id)

    async def _fail(self, action: Action, reason: str) -> None:
        """Store the failure, in one with the beginning of the rollback where there is one.

        Nobody who waits for an end sees a failure that is not the end, and no crash comes between the two.
        """
        if not self._rolls_back(action):
            await self._set(action, Status.FAILED, reason, done=True)
            return
        deadline = now() + (self.operation.deadline - self.operation.created_at)
        await self._set(
            Action.ROLLBACK,
            Status.IN_PROGRESS,
            "Stack ROLLBACK started",
            stack_event(self.stack, action, Status.FAILED, reason),
            Update(Operation, self.operation.id, {"deadline": deadline}),
            definition=self.stack.previous or Definition(),
            previous=None,
        )
        self.operation = replace(self.operation, deadline=deadline)

    async def _set(
        self, action: Action, status: Status, reason: str, *others: Change, done: bool = False, **values: Any
    ) -> None:
        """Store a state of the stack, unless a newer operation has taken it over."""
        changes: list[Change] = [
            *others,
            Update(
                Stack,
                self.stack.id,
                {"action": action, "status": status, "reason": reason, **values},
                where={"operation_id": self.operation.id},
            ),
        ]
        if (self.stack.action, self.stack.status) != (action, status):
            changes.append(stack_event(self.stack, action, status, reason))
        if done:
            changes += [Update(Operation, self.operation.id, {"state": "done"}), *self._ledger.closing()]
        await self.services.journal.write(*changes, fence=self.fence)
        self.stack = replace(self.stack, action=action, status=status, reason=reason, **values)

    async def _roll_back(self) -> None:
        """Go back to the previous definition, or to nothing; a failure here is final."""
        self.pace.reset((self.operation.deadline - now()).total_seconds())
        if self.operator.closing:
            self.pace.stop(Halt.SHUTDOWN)
        if self.tree.wanted.is_set():
            self.pace.stop(Halt.SUPERSEDED)
        await self.run()


def _is_interruption(error: BaseException) -> bool:
    """Whether the store failed us, rather than the operation: it is resumed later, not failed."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_interruption(each) for each in error.exceptions)
    return isinstance(error, Fenced | ServiceUnavailable)


def _reason_of(error: Exception) -> str:
    if isinstance(error, StackdError):
        return f"{error.wire_type}: {error}"
    return UNEXPECTED
