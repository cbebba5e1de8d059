"""Running operations: one at a time on a tree, from the claim to the stored end.

The process that accepts an operation claims the tree and walks it. Another operation on the tree
supersedes the one that runs: its waits end, its calls are finished, and a new plan is
made from what is then stored. A claim raises the tree's epoch, and every write carries it; a
process that lost its lease can change nothing any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from cachetools import TTLCache

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Found
from stackd.clients.wire import Permit
from stackd.db import events, leases, stacks
from stackd.db import operations as operation_rows
from stackd.db.journal import Change, Update
from stackd.engine.execution import scaling
from stackd.engine.execution.aborted import aborted_resources
from stackd.engine.execution.cancellation import Cancellation, Halt
from stackd.engine.execution.operation import OperationExecutor, is_interruption
from stackd.engine.execution.run import Services, Write
from stackd.errors import Fenced, StackdError
from stackd.offload import OWNER
from stackd.records import Action, Fence, Operation, Stack

log = structlog.get_logger(__name__)

_SURE = 0.9
"""The part of a lease in which no other process can have taken over, even with some clock skew."""

_FIRST_REST, _LONGEST_REST = 0.5, 30.0
"""Seconds until a tree is tried again whose states could not be stored."""

_NOTED_FOR = 30.0
_MOST_NOTED = 256

CloudOf = Callable[[Stack], Awaitable[Cloud]]
"""Returns the cloud, authenticated with the stack's trust."""


@dataclass(slots=True)
class _Tree:
    """A tree of stacks that this process works on, and the time of the loop until which it surely may."""

    task: asyncio.Task[None] | None = None
    held_until: float = 0.0
    cancellation: Cancellation | None = None
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
        self._resting: dict[str, tuple[float, asyncio.TimerHandle | None]] = {}

    def remember(self, stack_id: str, found: Found) -> None:
        """What was looked up for a request on a stack, so that its operation need not do so again."""
        if found:
            self._found[stack_id] = found

    def recall(self, stack_id: str) -> Found | None:
        """What was noted a moment ago for the operation that begins now."""
        return self._found.pop(stack_id, None)

    def schedule(self, root_id: str, why: Halt | None = Halt.SUPERSEDED) -> None:
        """There is (or may be) an operation to run on this tree; one that runs stops, and that is why.

        Without a reason it ends first.
        """
        if self._closing:
            return
        tree = self._trees.setdefault(root_id, _Tree())
        tree.wanted.set()
        if tree.cancellation is not None and why is not None:
            tree.cancellation.stop(why)
        if tree.task is None:
            tree.task = asyncio.create_task(self._serve(root_id, tree), name=f"tree {root_id}")

    async def poll(self, root_id: str) -> None:
        """See whether another process accepted an operation for a tree that is worked on here."""
        tree = self._trees.get(root_id)
        if tree is None or tree.wanted.is_set():
            return
        rows = await operation_rows.of_root(self.services.db, root_id)
        unseen = [operation for operation in rows if operation.id not in tree.seen]
        if unseen:
            waits = all(operation.action is Action.SIGNAL for operation in unseen)
            self.schedule(root_id, None if waits else Halt.SUPERSEDED)

    @property
    def closing(self) -> bool:
        """Whether the process is about to end."""
        return self._closing

    @property
    def busy(self) -> frozenset[str]:
        """Roots of the trees that are being worked on here."""
        return frozenset(self._trees)

    def extend_leases(self, root_ids: Iterable[str], since: float) -> None:
        """The leases of these trees were taken or prolonged by a request made at this time of the loop."""
        for root_id in root_ids:
            if (tree := self._trees.get(root_id)) is not None:
                tree.held_until = since + _SURE * self._lease.total_seconds()

    def fence_out(self, root_id: str) -> None:
        """Another process owns the tree: stop without a word to the cloud."""
        tree = self._trees.get(root_id)
        if tree is not None and tree.cancellation is not None:
            tree.cancellation.stop(Halt.FENCED)

    async def close(self, grace: float = 10.0) -> None:
        """Stop all walks where they wait; what they did is stored, another start resumes them."""
        self._closing = True
        for _, timer in self._resting.values():
            if timer is not None:
                timer.cancel()
        tasks = [tree.task for tree in self._trees.values() if tree.task is not None]
        for tree in self._trees.values():
            if tree.cancellation is not None:
                tree.cancellation.stop(Halt.SHUTDOWN)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()

    async def _serve(self, root_id: str, tree: _Tree) -> None:
        """Claim the tree and run what is queued for it until nothing is left."""
        epoch: int | None = None
        interrupted = False
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
            self.extend_leases([root_id], asked)
            write = partial(self.services.journal.write, fence=Fence(root_id, epoch))
            while tree.wanted.is_set() and not self._closing:
                tree.wanted.clear()
                for operation in await self._queued(root_id, write, tree):
                    if tree.wanted.is_set():
                        break
                    await self._run(operation, write, tree, permit)
        except Fenced:
            log.info("tree_fenced", root=root_id)
        except Exception as error:
            if not is_interruption(error):
                log.exception("tree_failed", root=root_id)
            else:
                interrupted = True
                if root_id not in self._resting:
                    log.warning("tree_interrupted", root=root_id)
        finally:
            self._trees.pop(root_id, None)
            if epoch is not None:
                with contextlib.suppress(StackdError):
                    await leases.release(self.services.db, root_id, self.engine_id, epoch)
            if interrupted:
                self._rest(root_id)
            else:
                self._resting.pop(root_id, None)
            if not interrupted and tree.wanted.is_set() and not self._closing:
                self.schedule(root_id)

    def _rest(self, root_id: str) -> None:
        """Try again after a while, which doubles: the store is away or full, for all trees."""
        if self._closing:
            return
        pause, _ = self._resting.get(root_id, (_FIRST_REST, None))
        timer = asyncio.get_running_loop().call_later(pause, self.schedule, root_id)
        self._resting[root_id] = (min(2 * pause, _LONGEST_REST), timer)

    def is_occupied(self, root_id: str) -> bool:
        """Whether a tree is worked on here, or will be again after a rest."""
        return root_id in self._trees or root_id in self._resting

    async def _queued(self, root_id: str, write: Write, tree: _Tree) -> list[Operation]:
        """The operation that each stack of the tree refers to, then the signals; all others are over.

        Nothing but its deletion is done to a tree that is being deleted.
        """
        rows = await operation_rows.of_root(self.services.db, root_id)
        tree.seen.update(operation.id for operation in rows)
        if len(rows) < 2:
            return rows
        members = await stacks.tree(self.services.db, root_id)
        going = [stack for stack in members if stack.id == root_id and stack.action is Action.DELETE]
        wanted = {stack.operation_id for stack in going or members}
        current = [operation for operation in rows if operation.id in wanted]
        waiting = [each for each in rows if each.action is Action.SIGNAL and not going]
        past = [operation for operation in rows if operation not in current and operation not in waiting]
        over: list[Change] = [Update(Operation, each.id, {"state": "done"}) for each in past]
        if past and not current:  # it was cancelled
            over += await aborted_resources(self.services.db, members)
        if over:
            await write(*over)
        return [*current, *waiting]

    async def _run(self, operation: Operation, write: Write, tree: _Tree, permit: Permit) -> None:
        OWNER.set(operation.project_id)
        structlog.contextvars.clear_contextvars()  # whatever request happened to wake this task
        structlog.contextvars.bind_contextvars(**_ids(operation))
        if operation.action is Action.SIGNAL:
            begun = await scaling.begin(self.services, operation, write)
            if begun is None:
                return
            operation = begun
        stack = await stacks.get(self.services.db, operation.stack_id, None)
        if stack is None or stack.operation_id != operation.id:
            await write(Update(Operation, operation.id, {"state": "done"}))
            return
        cancellation = Cancellation(self.services.tuning.slots)
        tree.cancellation = cancellation
        if tree.wanted.is_set():
            cancellation.stop(Halt.SUPERSEDED)
        structlog.contextvars.bind_contextvars(**_ids(operation))
        about = {"operation": operation.id, "project": operation.project_id}
        log.info("operation_started", action=operation.action, **about)
        started, ended = asyncio.get_running_loop().time(), stack
        try:
            executor = OperationExecutor(
                self.services,
                operation,
                write,
                cancellation,
                stack,
                open_cloud=partial(self._cloud_of, stack),
                permit=permit,
                found=self.recall(stack.id),
                halted=partial(self._halted, tree),
            )
            await executor.run()
            ended = executor.stack
            await self._purge_events(stack)
        finally:
            seconds = round(asyncio.get_running_loop().time() - started, 3)
            log.info("operation_ended", action=ended.action, status=ended.status, seconds=seconds, **about)
            cancellation.close()
            tree.cancellation = None
            structlog.contextvars.clear_contextvars()

    def _halted(self, tree: _Tree) -> Halt | None:
        """Why a rollback that is about to begin must not: the process ends, or a newer operation waits."""
        if self._closing:
            return Halt.SHUTDOWN
        return Halt.SUPERSEDED if tree.wanted.is_set() else None

    async def _purge_events(self, stack: Stack) -> None:
        """Drop the oldest events of a stack that has too many."""
        keep, batch = self.services.tuning.events_kept, self.services.tuning.events_batch
        if keep and await events.count(self.services.db, stack.id) > keep + batch:
            await events.purge(self.services.db, stack.id, keep=keep, batch=batch)


def _ids(operation: Operation) -> dict[str, str]:
    """The ids of an operation, for the lines of the log and the calls to services that belong to it."""
    ids = {"request_id": operation.request_id, "stack_id": operation.stack_id}
    given = operation.global_request_id
    return ids | {"global_request_id": given} if given else ids
