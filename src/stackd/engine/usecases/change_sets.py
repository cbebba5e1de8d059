"""Change sets: saved plans under a name, for stacks that exist or whose names are reserved.

A change set is made at once: its plan is stored with it in one write. Which status it has is not stored but
follows from its plan and from what the stack has become, so it cannot be wrong after a crash: a plan is used
up in the write that accepts its operation, and one that was made for another state of the stack is obsolete.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from stackd.db import change_sets, operations, plans, stacks
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import load_json
from stackd.engine.planning.sources import shown_changes
from stackd.engine.services.stored_trees import load_desired
from stackd.engine.transitions import require_start, stack_event
from stackd.engine.usecases import checking, plan_states
from stackd.engine.usecases import plans as saved_plans
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.access import enforce, lookup
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.judging import changes_anything
from stackd.engine.usecases.repeats import known, note
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import Terms, Token
from stackd.errors import (
    ActionInProgress,
    BadRequest,
    ChangeSetExists,
    ChangeSetNotFound,
    ChangeSetUnavailable,
    EntityNotFound,
    Fenced,
    PlanOutdated,
    RequestLimitExceeded,
    StackExists,
    TemplateError,
)
from stackd.offload import in_thread
from stackd.records import (
    Action,
    Caller,
    ChangeSet,
    Operation,
    SavedPlan,
    Stack,
    Status,
    new_id,
    now,
)
from stackd.template.masking import concealed

CREATE: Final = "CREATE"
UPDATE: Final = "UPDATE"
LIFETIME: Final = timedelta(days=90)
"""How long a change set can be executed."""

MOST: Final = 200
"""Change sets of one stack; the oldest that cannot be executed any more make room for new ones."""

NO_CHANGES: Final = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
RULE: Final = "cloudformation:{}ChangeSet"
_ATTEMPTS: Final = 5
_MOST_REFUSED: Final = 5
"""Changes that are refused, which the reason of a change set names."""


class Execution(enum.StrEnum):
    """Whether a change set can be executed, or how its execution stands."""

    UNAVAILABLE = "UNAVAILABLE"
    AVAILABLE = "AVAILABLE"
    IN_PROGRESS = "EXECUTE_IN_PROGRESS"
    COMPLETE = "EXECUTE_COMPLETE"
    FAILED = "EXECUTE_FAILED"
    OBSOLETE = "OBSOLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChangeSet:
    """What a new change set is to be: its name and kind, for which stack, and what is shown with it."""

    name: str
    kind: str
    stack: str
    shown: Mapping[str, Any] = field(default_factory=dict)
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A change set with its stack, and how its execution stands."""

    change_set: ChangeSet
    stack: Stack
    execution: Execution


# --- making ----------------------------------------------------------------------------------------------


async def create(
    engine: Engine, caller: Caller, order: NewChangeSet, request: StackRequest, terms: Terms
) -> View:
    """Make a change set with its plan; one that would change nothing has failed, and says so.

    ``terms`` are those of its execution. Raises ``ChangeSetExists`` for a name that is taken. What is asked
    for again under the same token is made once.
    """
    rule = RULE.format("Create")
    enforce(engine, caller, rule)
    if order.token is not None and (stack := await known(engine, caller, order.token)) is not None:
        return await found(engine, caller, stack.id, order.name, rule=rule)
    for _ in range(_ATTEMPTS):
        try:
            return await _create(engine, caller, order, request, terms)
        except (Fenced, StackExists):
            continue  # another one of the name was made meanwhile, or the stack was: the next attempt sees it
    raise ActionInProgress(order.stack, "UPDATE")


async def _create(
    engine: Engine, caller: Caller, order: NewChangeSet, request: StackRequest, terms: Terms
) -> View:
    stack = await _named(engine, caller, order.stack)
    if order.kind == CREATE:
        return await _for_new(engine, caller, order, request, terms, stack)
    if stack is None or stack.action is Action.INIT:
        raise EntityNotFound("Stack", order.stack)
    return await _for_update(engine, caller, order, request, terms, stack)


async def _named(engine: Engine, caller: Caller, name: str) -> Stack | None:
    """The live stack with this name or id."""
    try:
        found = await lookup(engine, caller, name, rule=RULE.format("Create"))
    except EntityNotFound:
        return None
    return found if found.deleted_at is None else None


async def _for_new(
    engine: Engine,
    caller: Caller,
    order: NewChangeSet,
    request: StackRequest,
    terms: Terms,
    stack: Stack | None,
) -> View:
    """A change set that makes a stack; the name is reserved with the first one."""
    if stack is not None and stack.action is not Action.INIT:
        raise BadRequest(
            f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
            f"[{order.name}]. Make one of the type UPDATE."
        )
    changes: list[Change] = []
    if stack is None:
        await checking.require_room(engine, caller, order.stack)
        stack = use_cases.reserved(caller, order.stack)
        reason = "User Initiated"
        changes += [Insert(stack), stack_event(stack, stack.action, stack.status, reason)]
    draft = await saved_plans.draft_reserved(engine, caller, stack, request)
    terms.require_types(_desired(draft))
    shown = await in_thread(shown_changes, draft.plan, None)
    return await _store(engine, order, terms, stack, draft, shown, changes)


async def _for_update(
    engine: Engine, caller: Caller, order: NewChangeSet, request: StackRequest, terms: Terms, stack: Stack
) -> View:
    if stack.status is Status.IN_PROGRESS:
        raise ActionInProgress(stack.name, stack.action)
    require_start(stack, Action.UPDATE)
    draft = await saved_plans.draft_update(
        engine, caller, stack, request, observe=True, rule=RULE.format("Create")
    )
    desired = _desired(draft)
    terms.require_types(desired)
    if not await changes_anything(engine, stack, desired, request, terms, draft.plan):
        return await _store(engine, order, terms, stack, None, [], [])
    try:
        before = await load_desired(engine.services.db, engine.services.registry, stack)
    except TemplateError:  # what it was made from can no longer be evaluated
        before = None
    shown = await in_thread(shown_changes, draft.plan, before)
    return await _store(engine, order, terms, stack, draft, shown, [])


async def _store(
    engine: Engine,
    order: NewChangeSet,
    terms: Terms,
    stack: Stack,
    draft: saved_plans.Draft | None,
    shown: Sequence[Mapping[str, Any]],
    changes: list[Change],
) -> View:
    """Store a change set with its plan, in place of one of the same name that can no longer be executed."""
    plan = None
    if draft is not None:
        plan = replace(draft.saved, expires_at=now() + LIFETIME)
        changes += [*draft.documents, Insert(plan)]
        order = replace(order, shown={**order.shown, "parameters": _desired(draft).parameters.shown()})
    made = ChangeSet(
        id=change_sets.change_set_id(stack.id, order.name),
        uuid=new_id(),
        project_id=stack.project_id,
        stack_id=stack.id,
        name=order.name,
        kind=order.kind,
        plan_id=plan.id if plan is not None else "",
        reason=_reason(draft),
        based_on=stack.operation_id,
        created_at=now(),
        content={**order.shown, "changes": list(shown), "terms": _kept(terms)},
    )
    changes += note(stack.project_id, stack.id, order.token)
    await engine.services.journal.write(*changes, *await _put(engine, stack, made))
    return View(made, stack, Execution.AVAILABLE if plan is not None else Execution.UNAVAILABLE)


def _reason(draft: saved_plans.Draft | None) -> str | None:
    """What is remarkable about a change set: that it changes nothing, or that its execution will fail."""
    if draft is None:
        return NO_CHANGES
    refused = [f"{'.'.join(step.path)}: {step.refused}" for step in draft.plan.refused()]
    more = len(refused) - _MOST_REFUSED
    shown = "; ".join(refused[:_MOST_REFUSED]) + (f"; and {more} more" if more > 0 else "")
    return f"The execution of this change set will fail. {shown}" if refused else None


def _desired(draft: saved_plans.Draft) -> Desired:
    """The definition that a plan leads to."""
    assert draft.plan.root is not None
    assert draft.plan.root.desired is not None
    return draft.plan.root.desired


async def _put(engine: Engine, stack: Stack, made: ChangeSet) -> list[Change]:
    """The changes that store a change set, where its name is free."""
    old = await change_sets.named(engine.services.db, stack.project_id, stack.id, made.name)
    if old is None:
        return [*await _room(engine, stack), Insert(made)]
    view = await _viewed(engine, old, stack)
    if view.execution in (Execution.AVAILABLE, Execution.IN_PROGRESS):  # clients name them by the second
        raise ChangeSetExists(made.name)
    values = {name: getattr(made, name) for name in _RENEWED}
    gone = [Remove(SavedPlan, old.plan_id)] if view.execution is Execution.OBSOLETE else []
    return [*gone, Update(ChangeSet, made.id, values, where={"uuid": old.uuid})]


async def _room(engine: Engine, stack: Stack) -> list[Change]:
    """The changes that make room for one more: the oldest that cannot be executed any more go."""
    every = await change_sets.of_stack(engine.services.db, stack.id)
    too_many = len(every) + 1 - MOST
    if too_many <= 0:
        return []
    known = {each.id: each for each in await plans.listed(engine.services.db, stack.project_id, stack.id)}
    states = {each.id: _execution(each, known.get(each.plan_id), stack, None) for each in every}
    old = [each for each in every if states[each.id] is not Execution.AVAILABLE][:too_many]
    if len(old) < too_many:
        raise RequestLimitExceeded(
            f"Request limit exceeded: A stack may have {MOST} change sets. Delete some of {stack.name}."
        )
    return [change for each in old for change in removal(each, states[each.id])]


_OVERTAKEN: Final = "The stack has changed since it was made, or it has expired. Create a new change set."
_RENEWED: Final = ("uuid", "kind", "plan_id", "reason", "based_on", "created_at", "content")


def _kept(terms: Terms) -> dict[str, Any]:
    """The terms as they are stored with a change set."""
    return {"settings": dict(terms.settings), "deletes": terms.deletes}


# --- showing ---------------------------------------------------------------------------------------------


async def found(engine: Engine, caller: Caller, stack: str, name: str, uuid: str = "", *, rule: str) -> View:
    """A change set by its own id, or by the name or id of its stack and its name."""
    enforce(engine, caller, rule)
    change_set, of = await _found(engine, caller, stack, name, uuid, rule)
    if change_set is None or of is None:
        raise ChangeSetNotFound(name or uuid)
    return await _viewed(engine, change_set, of)


async def _found(
    engine: Engine, caller: Caller, stack: str, name: str, uuid: str, rule: str
) -> tuple[ChangeSet | None, Stack | None]:
    db, project = engine.services.db, caller.project_id
    if uuid:
        found = await change_sets.with_uuid(db, project, uuid)
        return found, await stacks.get(db, found.stack_id, project) if found is not None else None
    of = await lookup(engine, caller, stack, rule=rule)
    return await change_sets.named(db, project, of.id, name), of


async def template(engine: Engine, view: View) -> Any:
    """The template that a change set leads to, as data."""
    plan = await plans.get(engine.services.db, view.change_set.plan_id, view.change_set.project_id)
    if plan is None:
        raise ChangeSetNotFound(view.change_set.name)
    found = await load_json(engine.services.db, plan.project_id, plan.definition.template)
    return concealed(found, await engine.redaction.around(view.stack))


async def listed(engine: Engine, caller: Caller, stack: str) -> list[View]:
    """The change sets of a stack that have not been executed, oldest first, without their contents."""
    of = await lookup(engine, caller, stack, rule="cloudformation:ListChangeSets")
    known = {each.id: each for each in await plans.listed(engine.services.db, of.project_id, of.id)}
    views = []
    for each in await change_sets.of_stack(engine.services.db, of.id):
        plan = known.get(each.plan_id)
        if plan is None or plan.state != plan_states.EXECUTED:
            views.append(View(each, of, _execution(each, plan, of, None)))
    return views


async def _viewed(engine: Engine, change_set: ChangeSet, stack: Stack) -> View:
    plan = await plans.get(engine.services.db, change_set.plan_id, stack.project_id)
    operation = None
    if plan is not None and plan.state == plan_states.EXECUTED:
        every = await operations.of_root(engine.services.db, stack.root_id, unfinished=False)
        operation = next((each for each in every if each.options.get("plan") == plan.id), None)
    return View(change_set, stack, _execution(change_set, plan, stack, operation))


def _execution(
    change_set: ChangeSet, plan: SavedPlan | None, stack: Stack, operation: Operation | None
) -> Execution:
    """How the execution of a change set stands (pure)."""
    if not change_set.plan_id:
        return Execution.UNAVAILABLE
    if plan is not None and plan.state == plan_states.EXECUTED:
        return _executed(stack, operation)
    is_ready = plan is not None and plan.state == plan_states.READY and plan.expires_at > now()
    stays = stack.operation_id == change_set.based_on and stack.deleted_at is None
    return Execution.AVAILABLE if is_ready and stays else Execution.OBSOLETE


def _executed(stack: Stack, operation: Operation | None) -> Execution:
    if operation is not None and operation.state != "done":
        return Execution.IN_PROGRESS
    is_newest = operation is not None and stack.operation_id == operation.id
    has_failed = stack.status is Status.FAILED or stack.action in (Action.ROLLBACK, Action.DELETE)
    return Execution.FAILED if is_newest and has_failed else Execution.COMPLETE


# --- executing and deleting -------------------------------------------------------------------------------


async def execute(
    engine: Engine,
    caller: Caller,
    view: View,
    *,
    disable_rollback: bool | None = None,
    unretained: bool = False,
    token: Token | None = None,
) -> Stack:
    """Begin what a change set shows; raises ``ChangeSetUnavailable`` when it cannot be executed (any
    more)."""
    rule = RULE.format("Execute")
    enforce(engine, caller, rule)
    change_set, execution = view.change_set, view.execution
    if execution is not Execution.AVAILABLE:
        why = _OVERTAKEN if execution is Execution.OBSOLETE else ""
        why = why if change_set.plan_id else change_set.reason or ""
        raise ChangeSetUnavailable(change_set.name, "executed", execution, why)
    kept = change_set.content["terms"]
    terms = Terms(
        settings={**kept["settings"], "change_set": [change_set.name, change_set.uuid]},
        deletes=kept["deletes"] and not disable_rollback,
        unretained=unretained,
        token=token,
    )
    try:
        return await saved_plans.execute(
            engine,
            caller,
            change_set.plan_id,
            rules=(rule,),
            terms=terms,
            disable_rollback=disable_rollback,
        )
    except PlanOutdated as error:
        await _note_outdated(engine, change_set)
        raise ChangeSetUnavailable(change_set.name, "executed", Execution.OBSOLETE, error.moved) from error


async def _note_outdated(engine: Engine, change_set: ChangeSet) -> None:
    """Store that a change set is obsolete, unless another request has executed it."""
    outdated = {"state": plan_states.OUTDATED}
    with contextlib.suppress(Fenced):
        await engine.services.journal.write(
            Update(SavedPlan, change_set.plan_id, outdated, where={"state": plan_states.READY})
        )


async def delete(engine: Engine, caller: Caller, stack: str, name: str, uuid: str = "") -> None:
    """Remove a change set. Idempotent: ignores one that there is not, of a stack that there is."""
    rule = RULE.format("Delete")
    enforce(engine, caller, rule)
    change_set, of = await _found(engine, caller, stack, name, uuid, rule)
    if change_set is None or of is None:
        return
    view = await _viewed(engine, change_set, of)
    if view.execution is Execution.IN_PROGRESS:
        raise ChangeSetUnavailable(change_set.name, "deleted", view.execution)
    await engine.services.journal.write(*removal(change_set, view.execution))


def removal(change_set: ChangeSet, execution: Execution) -> list[Change]:
    """The changes that remove a change set; the plan of one that was executed bounds its operation."""
    keeps_plan = not change_set.plan_id or execution in (Execution.COMPLETE, Execution.FAILED)
    gone: list[Change] = [] if keeps_plan else [Remove(SavedPlan, change_set.plan_id)]
    return [*gone, Remove(ChangeSet, change_set.id)]
