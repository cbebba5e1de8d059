"""The walk of one stack, root or nested: each step decided on what is stored at that moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stackd.db.journal import Change, Insert, Update
from stackd.engine import lifecycle, nested
from stackd.engine.decide import UNCHANGED, Decision, decide, present
from stackd.engine.decide import Change as Kind
from stackd.engine.desired import Desired, loaded_properties
from stackd.engine.pace import Halt, Stopped
from stackd.engine.plan import SETTLED, Plan, Step, plan, target_of
from stackd.engine.run import Run, new_id, now, resource_event
from stackd.engine.scope import StackScope
from stackd.engine.translate import translated
from stackd.engine.traversal import walk
from stackd.engine.work import STATE_CHANGED, Work
from stackd.errors import CloudNotFound, Fenced, NotSupported, ResourceFailure
from stackd.records import Action, Resource, Stack, Status
from stackd.resources.base import NestedType, ResourceType
from stackd.resources.context import StackInfo
from stackd.resources.schema import Properties

INSERTS = 500
"""New rows per write."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A resource that failed, and the text that says so in its stack's reason."""

    action: Action
    text: str


class StackWalk:
    """One stack on its way to ``desired`` (None: to nothing).

    ``rows`` is the newest row of every wanted name; it changes as the steps get on, and the scope
    reads it. ``asked`` are names of attributes that the stack around asks of any member.
    """

    def __init__(
        self,
        run: Run,
        stack: Stack,
        desired: Desired | None,
        stored: Sequence[Resource],
        *,
        path: tuple[str, ...] = (),
        root_name: str = "",
        asked: frozenset[str] = frozenset(),
    ) -> None:
        self.run = run
        self.stack = stack
        self.desired = desired
        self.target = target_of(stack.definition)
        self.by_id = {row.id: row for row in stored}
        self.failures: list[Failure] = []
        self.asked = asked
        self.path = path
        self.root_name = root_name or stack.name
        requires = desired.requires if desired else {}
        self.plan: Plan = plan(requires, stored, self.target, keep_originals=run.rolls_back)
        self.rows: dict[str, Resource | None] = dict(self.plan.current)
        self.scope: StackScope | None = desired.scope(self.rows) if desired else None
        run.known_ids |= lifecycle.known_objects(stored)
        self.info = StackInfo(
            id=stack.id,
            name=stack.name,
            project_id=stack.project_id,
            root_id=stack.root_id,
            root_name=self.root_name,
            path=path,
            timeout=60.0 * stack.timeout_mins if stack.timeout_mins else run.services.tuning.timeout,
        )

    async def go(self) -> bool:
        """Walk; whether every step succeeded."""
        await self._insert_new_rows()
        not_started = await walk(self.plan.graph, self._act, self._may_start)
        return not not_started and not self.failures and self.run.pace.halt is None

    def _may_start(self) -> bool:
        return not self.failures and self.run.pace.halt is None

    async def _insert_new_rows(self) -> None:
        """Every wanted name gets a row at once, so that clients see all resources from the start."""
        if self.desired is None:
            return
        missing = [name for name, row in self.rows.items() if row is None]
        for start in range(0, len(missing), INSERTS):
            changes: list[Change] = []
            for name in missing[start : start + INSERTS]:
                row = self._new_row(name)
                self._publish(row)
                changes.append(Insert(row))
            await self.run.write(*changes)

    def _new_row(self, name: str, **values: Any) -> Resource:
        desired = self._desired()
        definition, kind = desired.resources[name], desired.kinds[name]
        return Resource(
            id=new_id(),
            stack_id=self.stack.id,
            root_id=self.stack.root_id,
            name=name,
            type=kind.written,
            kind=kind.name,
            requires=tuple(sorted(desired.requires[name])),
            applied_from=self.target,
            deletion_policy=definition.deletion_policy,
            created_at=now(),
            **values,
        )

    def _desired(self) -> Desired:
        if self.desired is None:
            raise ResourceFailure(f"Stack {self.stack.name} is being deleted")
        return self.desired

    def _publish(self, row: Resource) -> None:
        self.by_id[row.id] = row
        current = self.rows.get(row.name)
        if row.name in self.rows and (current is None or current.id == row.id):
            self.rows[row.name] = row

    def work(self, row: Resource, handler: ResourceType[Any]) -> Work:
        """The context for actions on a row."""
        return Work(self.run, self.stack, self.info, handler, row, self._publish)

    # --- steps ----------------------------------------------------------------------------------

    async def _act(self, step: Step) -> bool:
        if step == SETTLED:
            return True
        async with self.run.pace.slots:
            if not self._may_start():
                return False
            try:
                return await (self._clean(step) if step.is_clean else self._apply(step.name))
            except Fenced:
                self.run.pace.stop(Halt.FENCED)
            except Stopped:
                pass
            return False

    async def _guarded(self, work: Work, action: Any) -> bool:
        """Run one action; note a failure, and what becomes of it when it is interrupted."""
        try:
            error = await lifecycle.run_guarded(work, action)
        except Stopped:
            await self._abandon(work)
            raise
        if error is not None:
            self._failed(work.resource, error)
        return error is None

    async def _abandon(self, work: Work) -> None:
        """An interrupted resource fails where nothing will resume it."""
        if self.run.abandons_waits() and work.resource.status is Status.IN_PROGRESS:
            reason = ResourceFailure(f"{work.resource.action} aborted ({self.run.why_stopped()})")
            await lifecycle.mark_failed(work, reason)
            self._failed(work.resource, reason)

    def _failed(self, row: Resource, error: Exception) -> None:
        text = lifecycle.failure_text(row.name, error)
        self.failures.append(Failure(row.action, text))
        self.run.note_failure(row.action, text)

    async def _clean(self, step: Step) -> bool:
        """Remove a row that is not the current one of its name."""
        row = self.by_id[step.row]
        current = self.rows.get(step.name)
        if current is not None and current.id == row.id:
            return True
        try:
            handler = self._handler_of(row)
        except ResourceFailure as error:
            return await self._guarded(self.work(row, ResourceType()), _cannot_delete(error))
        work = self.work(row, handler)
        if isinstance(handler, NestedType):
            return await self._guarded(work, nested.delete(self, work))
        return await self._guarded(work, self._delete(work))

    async def _delete(self, work: Work) -> None:
        await lifecycle.delete(work, await self._stored_properties(work))

    async def _stored_properties(self, work: Work) -> Properties:
        """What was last sent to the cloud, with ids for names as far as they still can be found."""
        props = work.kind.properties.wrap(dict(work.resource.properties))
        return await translated(props, self.run.find, self.run.known_ids, strict=False)

    def _handler_of(self, row: Resource) -> ResourceType[Any]:
        """The type behind a stored row, which the new template may no longer know."""
        if row.deletion_policy == "Retain" or row.action is Action.INIT:
            with contextlib.suppress(ResourceFailure):
                return nested.handler_of(row, self.run.services.registry, self.desired)
            return ResourceType()
        return nested.handler_of(row, self.run.services.registry, self.desired)

    async def _apply(self, name: str) -> bool:
        """Make one resource what the template says."""
        desired = self._desired()
        row = self.rows[name]
        if row is None or self.scope is None:
            raise ResourceFailure(f"resource {name} has no row")
        handler = desired.kinds[name].handler
        work = self.work(row, handler)
        if self._is_interrupted(row, name):
            if not await self._resume(work):
                return False
        elif row.replaced_by is not None and not await self._guarded(work, self._take_back(work)):
            return False
        return await self._guarded(work, self._reach(work, name))

    def _is_interrupted(self, row: Resource, name: str) -> bool:
        """Whether an action of the row has to be brought to its end first; nested stacks do it inside."""
        kind = self._desired().kinds[name]
        open_actions = (Action.CREATE, Action.UPDATE)
        if row.status is not Status.IN_PROGRESS or row.action not in open_actions:
            return False
        return not isinstance(kind.handler, NestedType) and row.kind == kind.name

    async def _load(self, name: str) -> tuple[Properties, dict[str, Any], str | None]:
        """Properties, metadata and external id as they are now that all references are known."""
        desired, scope = self._desired(), self._scope()
        metadata, external = desired.metadata(name, scope), desired.external_id(name, scope)
        if external is not None:
            return Properties.wrap({}), metadata, external
        if desired.is_slow:
            props = await asyncio.to_thread(loaded_properties, desired, name, scope)
        else:
            props = loaded_properties(desired, name, scope)
        desired.kinds[name].handler.validate(props)
        return props, metadata, None

    def _scope(self) -> StackScope:
        if self.scope is None:
            raise ResourceFailure(f"Stack {self.stack.name} is being deleted")
        return self.scope

    async def _reach(self, work: Work, name: str) -> None:
        """From the newest row to the wanted state: nothing, create, update, or replace."""
        is_new = work.resource.action is Action.INIT
        try:
            props, metadata, external = await self._load(name)
            intent = self._intent(name, props, metadata)
            _require_same_external(work.resource, external)
            decision = UNCHANGED if is_new or external else await self._decide(work, name, props, metadata)
        except Exception:
            await work.enter(Action.CREATE if is_new else Action.UPDATE)
            raise
        if external is not None:
            await self._adopt(work, external, intent)
        elif is_new:
            await self._create(work, props, intent)
        elif decision.change is Kind.REPLACE:
            fresh = await self._replace(work, name, decision)
            await self._follow(fresh, self._create(fresh, props, intent))
        elif isinstance(work.kind, NestedType):
            await nested.update(self, work, props, intent)
        elif decision.change is Kind.UPDATE:
            await self._update(work, props, intent)
        else:
            await self._leave_alone(work, intent)

    async def _follow(self, fresh: Work, action: Any) -> None:
        """Run the replacement's creation so that a failure is stored on its own row."""
        try:
            error = await lifecycle.run_guarded(fresh, action)
        except Stopped:
            await self._abandon(fresh)
            raise
        if error is not None:
            raise error

    def _intent(self, name: str, props: Properties, metadata: dict[str, Any]) -> dict[str, Any]:
        desired = self._desired()
        intent: dict[str, Any] = {
            "properties": props.data,
            "applied_from": self.target,
            "requires": tuple(sorted(desired.requires[name])),
            "deletion_policy": desired.resources[name].deletion_policy,
        }
        if metadata:
            intent["metadata"] = metadata
        if isinstance(desired.kinds[name].handler, NestedType):
            policy = desired.update_policy(name, self._scope())
            intent["data"] = {"update_policy": policy or None}  # for the type's ``batches``
        return intent

    def wanted(self, name: str) -> frozenset[tuple[Any, ...]]:
        """The attributes of a resource that something refers to."""
        mine = self._desired().wanted.get(name, frozenset())
        return mine | {(each,) for each in self.asked}

    async def _make_room(self, fresh: Resource) -> None:
        """Let a resource that is being replaced, and those given up, let go of what the new one needs."""
        if not fresh.replaces:
            return
        for old in [row for row in self.by_id.values() if row.name == fresh.name and row.id != fresh.id]:
            in_the_way = old.id == fresh.replaces or not old.applied_from
            if not in_the_way or old.physical_id is None or old.action is Action.DELETE:
                continue
            handler = self._handler_of(old)
            if type(handler).prepare_for_replace is not ResourceType.prepare_for_replace:
                work = self.work(old, handler)
                await handler.prepare_for_replace(work, await self._stored_properties(work))

    async def _create(self, work: Work, props: Properties, intent: dict[str, Any]) -> None:
        try:
            await self._make_room(work.resource)
        except Exception:
            await work.enter(Action.CREATE)
            raise
        if isinstance(work.kind, NestedType):
            await nested.create(self, work, props, intent)
            return
        ready = await translated(props, self.run.find, self.run.known_ids)
        await lifecycle.create(work, ready, self.wanted(work.resource.name), **intent)

    async def _adopt(self, work: Work, external_id: str, intent: dict[str, Any]) -> None:
        """Take an object that exists already; it is never changed and never deleted."""
        if work.resource.external_id == external_id and work.resource.status is Status.COMPLETE:
            return
        intent |= {"deletion_policy": "Retain", "external_id": external_id, "physical_id": external_id}
        await work.enter(Action.ADOPT, **intent)
        await work.kind.check(work, work.kind.properties.wrap({}))
        await work.leave(Status.COMPLETE, attributes=await work.attributes(self.wanted(work.resource.name)))

    async def _decide(self, work: Work, name: str, props: Properties, metadata: dict[str, Any]) -> Decision:
        row = work.resource
        broken = row.status is not Status.FAILED or await self._is_broken(work)
        return decide(
            row,
            work.kind,
            props,
            kind_name=self._desired().kinds[name].name,
            broken=broken,
            metadata_changed=bool(metadata) and metadata != dict(row.metadata),
        )

    async def _is_broken(self, work: Work) -> bool:
        """Whether a failed resource must be replaced: its object tells, where the type looks at it.

        What failed a check or was marked unhealthy is replaced, whatever its object looks like.
        """
        if isinstance(work.kind, NestedType):
            return await nested.is_broken(work)
        if work.resource.action is Action.CHECK:
            return True
        looks = type(work.kind).broken is not ResourceType.broken
        if work.resource.physical_id is None or not looks:
            return True
        try:
            return work.kind.broken(await work.live(fresh=True))
        except CloudNotFound:
            return True

    async def _update(self, work: Work, props: Properties, intent: dict[str, Any]) -> None:
        find, known = self.run.find, self.run.known_ids
        await self._mend(work)
        stored = present(work.resource, props)
        old = await translated(type(props).wrap(stored), find, known, strict=False)
        new = await translated(props, find, known)
        wanted = self.wanted(work.resource.name)
        await lifecycle.update(work, old, new, wanted, previous_properties=stored, **intent)

    async def _mend(self, work: Work) -> None:
        """What a failed create left undone is done before anything else."""
        if (work.resource.action, work.resource.status) == (Action.CREATE, Status.FAILED):
            props = await self._stored_properties(work)
            await work.kind.configure(work, props)
            await lifecycle.wait_until_ready(work, props)

    async def _leave_alone(self, work: Work, intent: dict[str, Any]) -> None:
        row = work.resource
        await self._mend(work)
        changed = {key: value for key, value in intent.items() if getattr(row, key) != value}
        missing = {str(path[0]) for path in self.wanted(row.name)} - row.attributes.keys()
        if missing & (work.kind.attributes.keys() | {"show"}):
            changed["attributes"] = await work.attributes(self.wanted(row.name))
        if row.status is Status.FAILED:
            text = "Update status to COMPLETE for FAILED resource neither update nor replace."
            await work.leave(Status.COMPLETE, text, **changed)
        elif changed:
            await work.store(**changed)
            await work.flush()

    async def _replace(self, work: Work, name: str, decision: Decision) -> Work:
        """Put a new row beside the old one; the old object goes when nothing needs it any more."""
        old = work.resource
        fresh = self._new_row(name, replaces=old.id)
        reason = f"The Resource {name} requires replacement."
        await self.run.write(
            Insert(fresh),
            Update(Resource, old.id, {"replaced_by": fresh.id}),
            self._event(old, Action.UPDATE, Status.IN_PROGRESS, STATE_CHANGED),
            self._event(old, Action.UPDATE, Status.COMPLETE, reason),
        )
        self.by_id[old.id] = replace(old, replaced_by=fresh.id)
        self.by_id[fresh.id] = fresh
        self.rows[name] = fresh
        return self.work(fresh, self._desired().kinds[name].handler)

    def _event(self, row: Resource, action: Action, status: Status, reason: str) -> Insert:
        return resource_event(self.stack, row, action, status, reason, row.physical_id)

    async def _take_back(self, work: Work) -> None:
        """Keep a row that was about to be replaced: a rollback came first.

        What was to take its place is given up for good where it may lose its ports or addresses to this one.
        """
        if type(work.kind).undo_replace is not ResourceType.undo_replace:
            await self._give_up_others(work.resource)
        if work.resource.physical_id is not None:
            await work.kind.undo_replace(work, await self._stored_properties(work))
        await work.store(replaced_by=None)
        await work.flush()

    async def _give_up_others(self, kept: Resource) -> None:
        for row in [each for each in self.by_id.values() if each.name == kept.name and each.id != kept.id]:
            if row.applied_from:
                await self.run.write(Update(Resource, row.id, {"applied_from": ""}))
                self.by_id[row.id] = replace(row, applied_from="")

    async def _resume(self, work: Work) -> bool:
        """Bring an interrupted action to its end first; False when that failed for good."""

        async def finish() -> None:
            ready = await self._stored_properties(work)
            if not await lifecycle.resume(work, ready, self.wanted(work.resource.name)):
                await work.store(action=Action.INIT, status=Status.COMPLETE, physical_id=None)
                await work.flush()

        error = await lifecycle.run_guarded(work, finish())
        return error is None or work.resource.status is Status.FAILED

    def members(self) -> Mapping[str, Resource]:
        """The stored rows by name, as they stand."""
        return {name: row for name, row in self.rows.items() if row is not None}


async def _cannot_delete(error: ResourceFailure) -> None:
    raise error


def _require_same_external(row: Resource, wanted: str | None) -> None:
    """An object of ours cannot become somebody else's, nor the other way round."""
    if row.action is not Action.INIT and row.external_id != wanted:
        raise NotSupported(f"Update to property external_id of {row.name} ({row.type}) is not supported.")
