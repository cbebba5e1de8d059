"""One resource at work: the row, its transitions, and the ``Context`` that its type sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.clients.remote import Remote
from stackd.db import resources as resource_rows
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.drafts import changed
from stackd.engine.definition.desired import ACCEPTED
from stackd.engine.definition.documents import load_files, load_json
from stackd.engine.execution.physical_names import physical_name
from stackd.engine.execution.resource_alarms import ResourceAlarms
from stackd.engine.execution.resource_software import ResourceSoftware
from stackd.engine.execution.resource_users import ResourceUsers
from stackd.engine.execution.run import OperationRun
from stackd.engine.execution.watchers import read
from stackd.engine.services.siblings import is_meant
from stackd.engine.transitions import STATE_CHANGED, Transition, move_resource, resource_event
from stackd.errors import CloudNotFound, MissingCredential, NotFound, ResourceFailure, Transient
from stackd.records import Action, Resource, Stack, Status, now
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Endpoints, StackInfo
from stackd.resources.entity import Place
from stackd.template.environment import load_environment
from stackd.template.masking import concealed_fields, hidden_if_secret, without_signatures

_NOT_DELEGATING = (
    "The service has to make a trust of the stack's user, and cannot make it from the trust of the stack. "
    "Update the stack, which brings a token of the user, or have the operator set "
    "keystone.trusts_redelegated."
)
_CHANGES_PROPERTIES = frozenset({Action.CREATE, Action.UPDATE, Action.ADOPT})
NOTED_AFTER = 5.0
"""Seconds after which a wait is shown as the reason of the resource."""


class StackRows:
    """The rows of a stack as they stand: all by their ids, and the ``newest`` of every wanted name.

    Both change as the steps of a walk get on; the scope of the stack's template reads the newest.
    """

    def __init__(self, rows: Sequence[Resource], newest: Mapping[str, Resource | None]) -> None:
        self.by_id = {row.id: row for row in rows}
        self.newest = dict(newest)

    def publish(self, row: Resource) -> None:
        """Let everything see the newest version of a row."""
        self.by_id[row.id] = row
        current = self.newest.get(row.name)
        if row.name in self.newest and (current is None or current.id == row.id):
            self.newest[row.name] = row

    def put_beside(self, old: Resource, fresh: Resource) -> None:
        """Make a new row the one of its name; the old one is to be cleaned."""
        self.by_id[old.id] = old
        self.by_id[fresh.id] = fresh
        self.newest[fresh.name] = fresh

    def forget(self, row: Resource) -> None:
        """A row is removed before its turn to be cleaned."""
        self.by_id.pop(row.id, None)

    def others(self, row: Resource) -> list[Resource]:
        """The other rows of the same name: replaced ones, and what was to replace this one."""
        return [each for each in self.by_id.values() if each.name == row.name and each.id != row.id]


class ResourceContext:
    """One resource while actions run on it; implements the types' ``Context``.

    Every new version of the row goes to ``rows``, where the rest of the walk sees it. Changes of a *local*
    type are deferred and stored together with the end of its action.
    """

    def __init__(
        self,
        run: OperationRun,
        stack: Stack,
        info: StackInfo,
        kind: ResourceType[Any],
        row: Resource,
        rows: StackRows,
    ) -> None:
        self.run = run
        self.stack_record = stack
        self.stack = info
        self.kind = kind
        self.resource = row
        self._rows = rows
        self._live: JSON | None = None
        self._wait: _Wait | None = None
        self._deferred: list[Change] = []
        self._siblings: dict[str, str] = {}
        self._armed: tuple[Change, ...] = ()
        self.was_armed = False
        self.cloud: Cloud = run.cloud
        self.find: Finder = run.find
        self.endpoints: Endpoints = run.services.endpoints
        self.limits: Mapping[str, Any] = run.services.tuning.type_limits

    # --- what the types see ---------------------------------------------------------------------

    @property
    def physical_id(self) -> str:
        """See ``Context``."""
        if self.resource.physical_id is None:
            raise NotFound(f"The resource {self.resource.name} has no object in the cloud yet.")
        return self.resource.physical_id

    @property
    def software(self) -> ResourceSoftware:
        """See ``Context``."""
        return ResourceSoftware(self)

    @property
    def alarms(self) -> ResourceAlarms:
        """See ``Context``."""
        return ResourceAlarms(self)

    @property
    def users(self) -> ResourceUsers:
        """See ``Context``."""
        return ResourceUsers(self)

    @property
    def physical_name(self) -> str:
        """See ``Context``."""
        return physical_name(self.stack.name, self.resource.name, self.resource.id, self.kind.name_limit)

    @property
    def data(self) -> Mapping[str, Any]:
        """See ``Context``."""
        return self.resource.data

    async def created(self, physical_id: str, live: JSON | None = None) -> None:
        """See ``Context``."""
        if live is not None:
            self._live = live
        physical_id = hidden_if_secret(physical_id, self.run.secrets)
        self.run.known_ids.add(physical_id)
        self.run.attributed.add((collection_of(self.kind), physical_id))
        await self.store(physical_id=physical_id)

    async def put_data(self, **values: Any) -> None:
        """See ``Context``."""
        merged = {**self.resource.data, **values}
        await self.store(data={key: value for key, value in merged.items() if value is not None})

    async def put_metadata(self, metadata: Mapping[str, Any]) -> None:
        """See ``Context``."""
        await self.store(metadata=dict(metadata))

    async def live(self, *, fresh: bool = False) -> JSON:
        """See ``Context``."""
        if self.kind.entity is None:
            return {}
        if fresh or self._live is None:
            entity = self.kind.entity.of(self.resource)
            self._live = await read(self.cloud, entity, self.physical_id)
        return self._live

    async def poll(
        self, done: Callable[[JSON], bool], what: str = "it is ready", *, of: Place | None = None
    ) -> JSON:
        """See ``Context``."""
        entity, identity = of or self._place()
        wait = self._wait_for(what)
        while True:
            polled = self.run.services.watchers.poll(self.cloud, entity, identity)
            live = await self.run.cancellation.hold(polled)
            if of is None:
                self._live = live
            if done(live):
                self.run.services.watchers.end_wait(self.cloud, entity, identity)
                return live
            await wait.note(str(live.get(self.kind.status_field) or ""))

    def _place(self) -> Place:
        """Where the object is."""
        if self.kind.entity is None:
            raise ResourceFailure(f"{self.kind.type_name} has nothing to watch")
        return self.kind.entity.of(self.resource), self.physical_id

    def turn(self, subject: str, group: str = "") -> AbstractAsyncContextManager[bool]:
        """See ``Context``."""
        return self.run.turns.of(subject, self.run.cancellation, group)

    async def until(self, done: Callable[[], Awaitable[bool]], what: str = "it is ready") -> None:
        """See ``Context``."""
        watchers = self.run.services.watchers
        pause, wait = watchers.shortest, self._wait_for(what)
        while not await _answered(done):
            await wait.note()
            await self.run.cancellation.sleep(pause)
            pause = min(pause * 1.3, watchers.longest)

    async def sleep(self, seconds: float) -> None:
        """See ``Context``."""
        await self.run.cancellation.sleep(seconds)

    def remote(self, place: Remote) -> Cloud:
        """See ``Context``."""
        cloud = self.run.services.remotes.open(self.cloud, place)
        return cloud if place.auth is None else cloud.with_permit(self.run.permit)

    async def inherited(self) -> tuple[JSON, Mapping[str, str]]:
        """See ``Context``."""
        db, around = self.run.services.db, self.stack_record
        data = await load_json(db, around.project_id, around.definition.environment)
        environment = load_environment(data, limits=ACCEPTED)
        inner = environment.child(self.resource.name, self.resource.type).to_data()
        return dict(inner), await load_files(db, around.project_id, around.definition.files)

    async def signalled(self, what: str = "a signal comes", *, own: bool = False) -> None:
        """See ``Context``."""
        await self._wait_for(what).note()
        target = self.resource.id if own else self.stack.root_id
        await self.run.cancellation.hold(self.run.services.signals.wait(target))

    def _wait_for(self, what: str) -> _Wait:
        """The wait for something; the one that there is already if it goes on."""
        if self._wait is None or self._wait.what != what:
            self._wait = _Wait(self, what)
        return self._wait

    async def sibling(self, reference: str) -> Resource | None:
        """See ``Context``. All rows of the stack are read once; afterwards only the one that was found."""
        db, types = self.run.services.db, self.run.services.registry.types
        known = self._siblings.get(reference)
        row = await resource_rows.get(db, known) if known else None
        if row is None or not is_meant(row, reference, types):
            rows = await resource_rows.of_stack(db, self.stack.id)
            row = next((each for each in rows if is_meant(each, reference, types)), None)
        if row is not None:
            self._siblings[reference] = row.id
        return row

    async def claimants(self) -> list[Resource]:
        """See ``Context``."""
        own = self.resource
        found = await resource_rows.with_physical_id(self.run.services.db, self.physical_id)
        return [row for row in found if row.stack_id == own.stack_id and row.id != own.id]

    async def delegating(self) -> Cloud:
        """See ``Context``."""
        cloud = await self.run.services.delegating(self.stack_record)
        if cloud is None:
            raise MissingCredential(_NOT_DELEGATING)
        return cloud.with_permit(self.run.permit)

    # --- what the engine does with it -----------------------------------------------------------

    async def store(self, *others: Change, **values: Any) -> None:
        """Make new values of the row durable, together with ``others``."""
        if values:
            others = (Update(Resource, self.resource.id, values), *others)
            self._replace(changed(self.resource, **values))
        await self._write(*others)

    def renew(self, metadata: Mapping[str, Any]) -> None:
        """Note metadata that were stored otherwise."""
        self._replace(changed(self.resource, metadata=metadata))

    def _replace(self, record: Resource) -> None:
        self.resource = record
        self._rows.publish(record)

    async def _write(self, *changes: Change) -> None:
        if self.kind.local:
            self._deferred.extend(changes)
        elif changes:
            await self.run.write(*changes)

    async def enter(self, action: Action, *others: Change, **values: Any) -> None:
        """The intent: the action begins, with all that is needed to resume it."""
        shown = self._shown_properties(action, values)
        move = self._transition(action, Status.IN_PROGRESS, STATE_CHANGED, shown, updated_at=now(), **values)
        if self._armed:
            others, self._armed, self.was_armed = (*others, *self._armed), (), True
        self._replace(move.record)
        await self._write(move.change, *move.events, *others)

    def arm(self, change: Change) -> None:
        """Store a change together with the next intent; ``was_armed`` is true once that has happened."""
        self._armed = (change,)

    async def leave(self, status: Status, reason: str = STATE_CHANGED, **values: Any) -> None:
        """The outcome of the action."""
        await self.become(self.resource.action, status, reason, **values)

    async def leave_for(self, action: Action) -> None:
        """The good outcome of an action after which the resource is again as another one had left it."""
        end = self._transition(self.resource.action, Status.COMPLETE, STATE_CHANGED, updated_at=now())
        self._replace(end.record)
        back = self._transition(action, Status.COMPLETE, STATE_CHANGED, updated_at=now())
        self._replace(back.record)
        await self._write(*end.events, back.change)
        await self.flush()

    async def become(self, action: Action, status: Status, reason: str, **values: Any) -> None:
        """The outcome of an action that needs no intent: nothing is asked of the cloud."""
        move = self._transition(action, status, reason, updated_at=now(), **values)
        self._replace(move.record)
        await self._write(move.change, *move.events)
        await self.flush()

    async def reset(self) -> None:
        """Go back to the initial state, without an event: nothing was made that anybody saw."""
        move = self._transition(Action.INIT, Status.COMPLETE, self.resource.reason, physical_id=None)
        self._replace(move.record)
        await self._write(move.change)
        await self.flush()

    async def remove(self) -> None:
        """The end of the deletion: the row is removed, the event stays."""
        move = self._transition(Action.DELETE, Status.COMPLETE, STATE_CHANGED)
        await self._write(*move.events, Remove(Resource, self.resource.id))
        await self.flush()

    def _transition(
        self,
        action: Action,
        status: Status,
        reason: str,
        shown: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Transition[Resource]:
        stack, row = self.stack_record, self.resource
        return move_resource(stack, row, action, status, reason, self._shown_id, shown, **values)

    async def flush(self) -> None:
        """Store the deferred changes of a local type's action."""
        if self._deferred:
            deferred, self._deferred = self._deferred, []
            await self.run.write(*merged(deferred))

    def _shown_properties(self, action: Action, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the event of an action that begins shows of the properties, where it may change them."""
        if action not in _CHANGES_PROPERTIES:
            return None
        properties: Mapping[str, Any] = values.get("properties", self.resource.properties)
        shown: Mapping[str, Any] = without_signatures(concealed_fields(properties, self.run.secrets))
        return shown

    def event(
        self, action: Action, status: Status, reason: str, properties: Mapping[str, Any] | None = None
    ) -> Insert:
        """The record that the resource changes its state."""
        return resource_event(
            self.stack_record, self.resource, action, status, reason, self._shown_id, properties
        )

    @property
    def _shown_id(self) -> str:
        """What events show as the physical id."""
        return self.resource.physical_id or self.physical_name

    async def attributes(self, wanted: frozenset[tuple[Any, ...]]) -> dict[str, Any]:
        """What the object shows now, read once more only where nothing newer is at hand.

        ``wanted`` are the references in the template: attributes that cost calls of their own are read
        for them only.
        """
        live: JSON = {}
        if self.kind.entity is not None and self.resource.physical_id:
            if self._live is None and not wanted:
                return dict(self.resource.attributes)
            try:
                live = await self.live()
            except CloudNotFound:
                live = {}
        values = self.kind.attribute_values(self.resource, live)
        if self.kind.entity is not None:
            values["show"] = live
        names = {str(path[0]) for path in wanted}
        for name, attribute in self.kind.attributes.items():
            if attribute.read is not None and attribute.compute is None and name in names:
                values[name] = await attribute.read(self)
        return values

    def forget_live(self) -> None:
        """What is known of the object is no longer true."""
        self._live = None


class _Wait:
    """A wait that the resource shows as its reason, once it has lasted."""

    def __init__(self, work: ResourceContext, what: str) -> None:
        self._work = work
        self.what = what
        self._after = asyncio.get_running_loop().time() + NOTED_AFTER

    async def note(self, status: str = "") -> None:
        """Store what is waited for, and the status meanwhile; what takes no time costs no write."""
        work = self._work
        if asyncio.get_running_loop().time() < self._after or work.kind.local:
            return
        text = f"Waiting until {self.what}" + (f"; its status is {status}" if status else "")
        if work.resource.status is Status.IN_PROGRESS and work.resource.reason != text:
            await work.store(reason=text)


async def _answered(done: Callable[[], Awaitable[bool]]) -> bool:
    """The answer to a question that is asked again anyway: no, while the service is out of order."""
    try:
        return await done()
    except Transient:
        return False


def collection_of(kind: ResourceType[Any]) -> str:
    """Where a type's objects are, as far as ids must differ: an attachment may have its volume's id."""
    entity = kind.entity
    return f"{entity.service} {entity.path}" if entity is not None else kind.type_name


def merged(changes: list[Change]) -> list[Change]:
    """The same changes with all updates of the resource's row in one."""
    values: dict[str, Any] = {}
    others: list[Change] = []
    target: Update | None = None
    for change in changes:
        if isinstance(change, Update) and change.kind is Resource:
            target = change
            values.update(change.values)
        else:
            others.append(change)
    return others if target is None else [replace(target, values=values), *others]
