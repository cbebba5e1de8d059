"""An action that does one thing to every stored resource of a stack: check, suspend, resume.

What it does is a row of a table, ``ACTS``. A walk that is repeated after a crash leaves alone what this
operation has done already, and begins again what it had begun; types' methods are safe to run again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from stackd.engine.execution import lifecycle, nested
from stackd.engine.execution.nested import Walk
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.planning.resting import rest_noted, rests
from stackd.engine.planning.verbs import Verb
from stackd.engine.transitions import RESOURCE_START, RESTING_START, STATE_CHANGED
from stackd.errors import CloudError, CloudNotFound, ResourceFailure, ResourceInError, StateInvalid
from stackd.records import Action, Resource, Stack, Status
from stackd.resources.base import NestedType, ResourceType
from stackd.resources.context import JSON
from stackd.resources.copies import RESTS, SNAPSHOT, without_copies
from stackd.resources.schema import Properties
from stackd.urls import shown_name


@dataclass(frozen=True, slots=True)
class Act:
    """How a verb is done to one resource: ``perform``, between its intent and its outcome.

    ``spare`` answers whether a resource has been dealt with otherwise. One whose last action failed takes
    part only if the verb ``retries`` it. ``begin`` are values to store with the intent. ``inside`` says that
    stacks inside take part too.
    """

    action: Action
    perform: Callable[[ResourceContext, Properties], Awaitable[None]]
    spare: Callable[[ResourceContext], Awaitable[bool]] | None = None
    retries: bool = True
    begin: Callable[[ResourceContext], Mapping[str, Any]] = lambda work: {}
    inside: bool = True


async def act(at: StackRun, name: str, walk: Walk) -> bool:
    """Do the plan's verb to one resource and to all inside it; returns whether that succeeded."""
    rule, row = ACTS[at.plan.steps[name].verb], at.rows.newest[name]
    assert row is not None
    if _is_done(at, row, rule.action):
        return True
    try:
        work = at.work(row, at.handler_of(row))
    except ResourceFailure as error:
        return await at.guarded(at.work(row, ResourceType()), _fail(error))
    if (failure := _standing_failure(at, rule, work)) is not None:
        at.note_standing_failure(row, failure)
        return False
    return await at.guarded(work, _act(at, rule, work, walk))


async def _act(at: StackRun, rule: Act, work: ResourceContext, walk: Walk) -> None:
    row, is_nested = work.resource, isinstance(work.kind, NestedType)
    if _is_unmade(row):
        return
    _require_state(row, rule.action, is_nested=is_nested)
    if not is_nested and rule.spare is not None and await rule.spare(work):
        return
    await _enter(work, rule)
    if is_nested and not rule.inside:
        await _leave(work)
    elif is_nested:
        await _act_inside(at, rule, work, walk)
        await work.leave(Status.COMPLETE)
    else:
        await _perform(at, rule, work)


async def settle(at: StackRun, work: ResourceContext) -> Exception | None:
    """Complete the check of a resource, or resume one that rests, before something else is done to it.

    Returns why that failed; the resource then is FAILED. What rested when it was checked goes on resting.
    """
    is_checked = (work.resource.action, work.resource.status) == (Action.CHECK, Status.IN_PROGRESS)
    rule = ACTS[Verb.CHECK if is_checked else Verb.RESUME]
    await _enter(work, rule)
    return await lifecycle.run_guarded(work, _perform(at, rule, work))


async def _enter(work: ResourceContext, rule: Act) -> None:
    if (work.resource.action, work.resource.status) != (rule.action, Status.IN_PROGRESS):
        await work.enter(rule.action, **rule.begin(work))


async def _perform(at: StackRun, rule: Act, work: ResourceContext) -> None:
    """Have the type do it; an object that is not ours is at most looked at."""
    if work.resource.external_id is None or rule.action is Action.CHECK:
        await rule.perform(work, await at.stored_properties(work))
    await _leave(work)


async def _leave(work: ResourceContext) -> None:
    """The good end; what rested when its snapshot was begun goes on resting, and can be resumed."""
    if work.resource.action is Action.SNAPSHOT and work.data.get(RESTS):
        await work.leave_for(Action.SUSPEND)
    else:
        await work.leave(Status.COMPLETE)


async def _act_inside(at: StackRun, rule: Act, work: ResourceContext, walk: Walk) -> None:
    plan = at.plan.children.get(work.resource.name)
    if plan is None or plan.stack is None:
        raise StateInvalid(f"Cannot {rule.action.lower()} {work.resource.name}, stack not created")
    if not _is_done(at, plan.stack, rule.action):
        await nested.act(at, work, plan, rule.action, walk)


def _is_done(at: StackRun, record: Resource | Stack, action: Action) -> bool:
    """Whether this operation has done its work on a resource or stack before a crash."""
    return (record.action, record.status) == (action, Status.COMPLETE) and _is_ours(at, record.updated_at)


def _is_ours(at: StackRun, moment: datetime | None) -> bool:
    return moment is not None and at.run.accepted_at is not None and moment >= at.run.accepted_at


def _is_unmade(row: Resource) -> bool:
    return row.action is Action.INIT and row.physical_id is None


def _standing_failure(at: StackRun, rule: Act, work: ResourceContext) -> str | None:
    """Why a resource counts as failed whatever its object is like: the verb does not hide that."""
    row = work.resource
    if rule.retries:
        return None
    if _is_unmade(row):
        return f"Can not {rule.action.lower()} {row.name}, resource not created yet."
    if row.status is not Status.FAILED or isinstance(work.kind, NestedType):
        return None
    return row.reason if row.action is not rule.action or _is_ours(at, row.updated_at) else None


def _require_state(row: Resource, action: Action, *, is_nested: bool) -> None:
    """Refuse a resource that is not in a state for the action.

    Of a nested stack that was checked its members know whether they can be resumed.
    """
    state = (row.action, row.status)
    if state in RESOURCE_START[action] or (rests(row) and state in RESTING_START.get(action, ())):
        return
    if is_nested and row.action is Action.CHECK and row.status is not Status.IN_PROGRESS:
        return
    raise StateInvalid(f"State ('{row.action}', '{row.status}') invalid for {action.lower()}")


async def _fail(error: ResourceFailure) -> None:
    raise error


# --- the verbs ---------------------------------------------------------------------------------------


async def _suspend(work: ResourceContext, props: Properties) -> None:
    """The user of a guest can still signal what the guest does before it rests."""
    await work.kind.suspend(work, props)
    await work.users.enable(False)


async def _resume(work: ResourceContext, props: Properties) -> None:
    await work.users.enable(True)
    await work.kind.resume(work, props)


def _for_check(work: ResourceContext) -> Mapping[str, Any]:
    """Private values: whether the resource rests."""
    return rest_noted(work.resource)


async def _check(work: ResourceContext, props: Properties) -> None:
    if work.kind.checkable and work.resource.physical_id is None:
        raise StateInvalid(f"Can not check {work.resource.name}, resource not created yet.")
    await work.kind.check(work, props)


async def _look_only(work: ResourceContext) -> bool:
    """Whether a resource rests or cannot be checked: no more is to be seen than that its object is there."""
    row, kind = work.resource, work.kind
    resting = rests(row)
    if kind.checkable and not resting:
        return False
    noted = rest_noted(row)
    if (failure := await _lost(work)) is not None:
        await work.enter(Action.CHECK, **noted)
        raise failure
    if resting and row.status is Status.COMPLETE:
        return True
    reason = STATE_CHANGED if kind.checkable else f"CHECK not supported for {shown_name(row.type)}"
    if (row.action, row.status, row.reason) != (Action.CHECK, Status.COMPLETE, reason):
        await work.become(Action.CHECK, Status.COMPLETE, reason, **noted)
    return True


async def _lost(work: ResourceContext) -> CloudError | ResourceInError | None:
    """Why the object cannot be used any more, as far as a look at its collection shows that."""
    if work.kind.entity is None or work.resource.physical_id is None:
        return None
    try:
        live = await work.poll(_anything)
    except CloudNotFound as error:
        return error
    except CloudError:  # of what may not be read nothing is known
        return None
    return ResourceInError("Went to status ERROR") if _status(work, live) == "ERROR" else None


def _anything(live: JSON) -> bool:
    return True


def _status(work: ResourceContext, live: JSON) -> Any:
    return live.get(work.kind.status_field)


async def _snapshot(work: ResourceContext, props: Properties) -> None:
    await work.kind.snapshot(work, props)


def _for_snapshot(work: ResourceContext) -> Mapping[str, Any]:
    """Private values: which snapshot is taken, whether the resource rests, and nothing of an earlier copy."""
    kept, noted = work.kind.kept, rest_noted(work.resource)
    if not kept:
        return noted
    data = without_copies(noted.get("data", work.data), kept)
    return {"data": {**data, SNAPSHOT: work.run.snapshot}}


async def _has_copy(work: ResourceContext) -> bool:
    """Whether a resource that rests has been copied before a crash."""
    return work.resource.action is Action.SUSPEND and work.data.get(SNAPSHOT) == work.run.snapshot


ACTS: Final[Mapping[Verb, Act]] = {
    Verb.CHECK: Act(Action.CHECK, _check, spare=_look_only, retries=False, begin=_for_check),
    Verb.SUSPEND: Act(Action.SUSPEND, _suspend),
    Verb.RESUME: Act(Action.RESUME, _resume),
    Verb.SNAPSHOT: Act(Action.SNAPSHOT, _snapshot, spare=_has_copy, begin=_for_snapshot, inside=False),
}
