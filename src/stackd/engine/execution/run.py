"""One operation at work on a tree of stacks: what all its steps share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from stackd.clients.cloud import Cloud
from stackd.clients.egress import Egress
from stackd.clients.lookup import Finder
from stackd.clients.remote import Remotes
from stackd.clients.wire import Permit
from stackd.db.database import Database
from stackd.db.journal import Journal
from stackd.engine.execution.cancellation import Cancellation, Halt, Stopped
from stackd.engine.execution.hook_waits import HookStates, HookWaits
from stackd.engine.execution.publications import Publications
from stackd.engine.execution.turns import Turns
from stackd.engine.execution.watchers import Watchers
from stackd.engine.planning.bounds import Bounds
from stackd.engine.planning.inputs import Inputs
from stackd.engine.planning.stack_policy import StackPolicy
from stackd.engine.services.alarms.clock import AlarmClock
from stackd.engine.services.notifications import Notice, discarded
from stackd.engine.services.redaction import Redaction
from stackd.errors import RequestLimitExceeded
from stackd.records import Action, Resource, Stack, now
from stackd.resources.context import Endpoints, StackUser
from stackd.resources.registry import Registry
from stackd.template.masking import NOTHING, Secrets

_WAITS = 5
"""Resources that are named when the time is up."""


class StackUsers(Protocol):
    """Users of the stack domain, made when a resource needs one."""

    async def make(
        self, stack: Stack, name: str, permit: Permit | None, *, keypair: bool, password: str = ""
    ) -> StackUser:
        """A user called ``name`` in the project of the stack's tree (made too, if there is none).

        Without a ``password`` one is drawn at random.
        """
        ...

    async def with_keypair(self, user: StackUser, permit: Permit | None) -> StackUser:
        """The same user with a new key pair."""
        ...

    async def give_keypair(self, user: StackUser, pair: Mapping[str, str], permit: Permit | None) -> None:
        """Let a user sign with one more pair of ``access`` and ``secret``. Idempotent."""
        ...

    async def take_keypair(self, access: str, permit: Permit | None) -> None:
        """Let nobody sign with a pair any more. Idempotent: ignores 404."""
        ...

    async def remove(self, user: StackUser, permit: Permit | None) -> None:
        """Remove a user. Idempotent: ignores 404."""
        ...

    async def enable(self, user: StackUser, permit: Permit | None, *, enabled: bool) -> None:
        """Let a user sign requests, or not any more."""
        ...

    async def remove_named(self, stack: Stack, name: str, permit: Permit | None) -> None:
        """Remove the user whose creation was interrupted. Idempotent: ignores 404.

        The project that was made for it is noted with the tree, to go with it.
        """
        ...

    async def remove_project(self, project_id: str, permit: Permit | None) -> None:
        """Remove the project of a tree. Idempotent: ignores 404."""
        ...


@dataclass(frozen=True, slots=True)
class Tuning:
    """The limits that shape a run; seconds where they are times.

    ``timeout`` is for stacks that name none. A request of a process that died may still be at work in
    a service for the time of ``settling``.
    """

    slots: int = 200
    create_retries: int = 5
    retry_pause: float = 1.0
    grace: float = 240.0
    timeout: float = 3600.0
    settling: float = 2.0
    nested_depth: int = 5
    resources: int = 1000
    events_kept: int = 1000
    events_batch: int = 200
    type_limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Services:
    """What the engine needs from the rest of the process; made once, at the start."""

    db: Database
    journal: Journal
    registry: Registry
    egress: Egress
    watchers: Watchers
    signals: SignalHub
    stack_users: StackUsers
    endpoints: Endpoints
    tuning: Tuning
    redaction: Redaction
    remotes: Remotes
    delegating: Callable[[Stack], Awaitable[Cloud | None]]
    pauses: HookWaits = field(default_factory=HookWaits)
    notify: Callable[[Notice], None] = discarded
    publications: Publications = field(default_factory=Publications)
    alarm_clock: AlarmClock = field(default_factory=AlarmClock)


class SignalHub:
    """Wakes the steps that wait for a signal, to any resource of a tree or to a single one."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def wait(self, target: str) -> asyncio.Future[None]:
        """A future that the next signal to the target ends, or a second of silence.

        ``target`` is the id of the root stack of a tree, or of a resource.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        waiting = self._waiting.setdefault(target, set())
        waiting.add(future)
        timer = loop.call_later(1.0, _wake, future)

        def forget(_: asyncio.Future[None]) -> None:
            timer.cancel()
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(target, None)

        future.add_done_callback(forget)
        return future

    def notify(self, root_id: str, resource_id: str) -> None:
        """A signal came in for a resource of a tree."""
        for target in (root_id, resource_id):
            for future in list(self._waiting.get(target, ())):
                _wake(future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class ResourceQuota:
    """How many resources the stacks of a tree have, against the most that they may have together.

    Requests are checked before they are accepted; this is for nested stacks whose size is known only when
    they are made, because it hangs on an attribute or on the size of a group. ``taken`` are the resources by
    stack; a negative ``most`` is no limit.
    """

    def __init__(self, most: int = -1, taken: Mapping[str, int] | None = None) -> None:
        self._most = most
        self._taken = dict(taken or {})
        self._total = sum(self._taken.values())

    def take(self, stack_id: str, count: int) -> None:
        """Let a stack have so many resources; only one that grows can be refused."""
        before = self._taken.get(stack_id, 0)
        total = self._total - before + count
        if count > before and 0 <= self._most < total:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Maximum resources per stack exceeded ({self._most})."
            )
        self._taken[stack_id] = count
        self._total = total

    def leave(self, stack_id: str | None) -> None:
        """A stack is going: it does not count any more."""
        self._total -= self._taken.pop(stack_id or "", 0)


Write = Callable[..., Awaitable[None]]
"""Makes changes durable; in a walk only as long as no other process owns the tree."""


@dataclass(slots=True)
class OperationRun:
    """One operation in one process: its cloud, how it writes, its cancellation state.

    ``permit`` raises once the lease may have run out; ``cloud`` asks it before each change. None
    for work outside the walk.

    ``attributed`` are the objects, by collection and id, that steps of this run have made or have
    claimed while looking for what an interrupted create left behind, so that two never claim the same.
    ``inputs`` are what the plans of stacks inside are made from, ``bound`` what a saved plan allows,
    ``policy`` what the outermost stack's does.
    ``accepted_at`` is the time of the request; None for work outside the walk.
    ``snapshot`` is the id of the snapshot that is taken.
    ``renew_time`` lets the operation's time begin again. ``waited`` are the resources that were waited for
    when the time was up, in words. ``turns`` are those of steps that change one object.
    """

    services: Services
    write: Write
    inputs: Inputs
    cloud: Cloud
    permit: Permit | None
    find: Finder
    cancellation: Cancellation
    rolls_back: bool = False
    on_failure: Callable[[Action, str], None] | None = None
    attributed: set[tuple[str, str]] = field(default_factory=set)
    known_ids: set[str] = field(default_factory=set)
    quota: ResourceQuota = field(default_factory=ResourceQuota)
    hooks: HookStates = field(default_factory=HookStates)
    has_failed: bool = False
    secrets: Secrets = NOTHING
    bound: Bounds | None = None
    policy: StackPolicy | None = None
    accepted_at: datetime | None = None
    snapshot: str = ""
    renew_time: Callable[[], Awaitable[None]] | None = None
    waited: list[str] = field(default_factory=list)
    turns: Turns = field(default_factory=Turns)
    _idle: set[asyncio.Future[None]] = field(default_factory=set)

    def note_failure(self, action: Action, text: str) -> None:
        """A resource somewhere in the tree failed; pauses end, for nothing comes after them."""
        self.has_failed = True
        for wait in self._idle:
            if not wait.done():
                wait.set_exception(Stopped(text))
        if self.on_failure is not None:
            self.on_failure(action, text)

    async def wait_for_person(self, future: asyncio.Future[None]) -> None:
        """Wait for what a person will do, which is in vain once any resource has failed."""
        if self.has_failed:
            raise Stopped
        self._idle.add(future)
        try:
            await self.cancellation.hold(future)
        finally:
            self._idle.discard(future)

    def abandons_waits(self) -> bool:
        """Whether interrupted resources are marked FAILED, because nothing will resume them."""
        halt = self.cancellation.halt
        return halt in (Halt.TIMED_OUT, Halt.CANCELLED) or (halt is Halt.FAILED and not self.rolls_back)

    def why_stopped(self) -> str:
        """The reason of the stop, for people."""
        return {Halt.TIMED_OUT: "Timed out"}.get(self.cancellation.halt or Halt.FAILED, "Operation cancelled")

    def note_wait(self, row: Resource, around: str | None) -> None:
        """A resource was waited for when the operation had to stop; of one with a stack the inside counts."""
        if row.nested_stack_id is None:
            seconds = (now() - (row.updated_at or row.created_at)).total_seconds()
            path = "/".join(filter(None, (around, row.name)))
            self.waited.append(f"{path} ({row.action} for {seconds:.0f} s)")

    def timed_out(self, seconds: float) -> str:
        """The reason of an operation whose time is up: for how long, and what it waited for."""
        shown = ", ".join(self.waited[:_WAITS])
        more = f" and {len(self.waited) - _WAITS} more" if len(self.waited) > _WAITS else ""
        what = f" while waiting for {shown}{more}" if shown else ""
        return f"Timed out after {seconds:.0f} s{what}"
