"""Saved plans: a plan is stored, shown, and later executed exactly as shown or refused.

A stored plan keeps the definition that it leads to and a digest of each part of what it was made from. It is
executed only while all of these are as they were, in the store and in the cloud.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from stackd.db import plans
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.definition.desired import Desired, Source
from stackd.engine.definition.documents import load_definition, pack_definition
from stackd.engine.planning.fingerprint import combined
from stackd.engine.planning.plan import Plan, step_data
from stackd.engine.services import exports
from stackd.engine.transitions import require_start
from stackd.engine.usecases import checking, plan_inputs, plan_states
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import Fetched, resolved_request
from stackd.engine.usecases.judging import judged, require_permitted
from stackd.engine.usecases.plan_inputs import NOTHING, Digests
from stackd.engine.usecases.plan_states import PlanView
from stackd.engine.usecases.planning import planned, planned_new
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import NO_TERMS, Terms
from stackd.errors import BadRequest, EntityNotFound, Fenced, PlanOutdated, PlanRefused
from stackd.offload import in_thread
from stackd.records import Action, Caller, Definition, SavedPlan, Stack, new_id, now
from stackd.template.masking import Secrets

LIFETIME: Final = timedelta(days=7)
"""How long a stored plan can be executed."""

_OPTIONS: Final = ("timeout_mins", "disable_rollback", "existing", "converge")
_ATTEMPTS: Final = 5
_COUNTED: Final = ("create", "update", "replace", "delete", "keep")
_RULES: Final = {
    Action.CREATE: "stacks:create",
    Action.UPDATE: "stacks:update",
    Action.DELETE: "stacks:delete",
}
"""The rule of policy that whoever executes a plan must satisfy as well, by the plan's action."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan with the inputs that it was made from."""

    plan: Plan
    saved: SavedPlan
    documents: tuple[Change, ...] = ()


async def draft_new(engine: Engine, caller: Caller, request: StackRequest) -> Draft:
    """The plan of a stack that does not exist yet."""
    engine.policy.enforce(caller, "plans:create")
    checked, _ = await checking.checked_new(engine, caller, request)
    definition, puts = _packed(engine, caller.project_id, checked.source)
    desired = replace(checked.desired, definition=definition)
    plan = await planned_new(engine, caller.project_id, desired, checked.expanded.secrets())
    imports = plan_inputs.of_imports(engine, caller.project_id, desired.source)
    saved = _saved(caller, request.name, "", Action.CREATE, definition, request, imports, plan)
    return Draft(plan, saved, tuple(puts))


async def draft_reserved(engine: Engine, caller: Caller, stack: Stack, request: StackRequest) -> Draft:
    """The plan of a stack of which only the name is reserved, or is about to be."""
    checked = await checking.checked_reserved(engine, caller, stack, request)
    definition, puts = _packed(engine, stack.project_id, checked.source)
    desired = replace(checked.desired, definition=definition)
    plan = await planned_new(engine, stack.project_id, desired, checked.expanded.secrets())
    imports = plan_inputs.of_imports(engine, stack.project_id, desired.source)
    saved = _saved(caller, stack.name, stack.id, Action.CREATE, definition, request, imports, plan)
    return Draft(plan, saved, tuple(puts))


async def draft_update(
    engine: Engine,
    caller: Caller,
    named: Named,
    request: StackRequest,
    *,
    observe: bool,
    rule: str = "plans:create",
) -> Draft:
    """The plan of an update; with ``observe`` objects missing in the cloud are created again."""
    stack = await permitted(engine, caller, rule, named, live=True)
    require_start(stack, Action.UPDATE)
    request, fetched = await resolved_request(engine, caller, request)
    checked = await checking.checked_change(engine, caller, stack, request, fetched)
    await exports.begin(engine.services.db, stack, checked.desired)
    definition, puts = _packed(engine, stack.project_id, checked.source)
    desired = replace(checked.desired, definition=definition)
    secrets = checked.expanded.secrets() | await engine.redaction.of(stack)
    draft = await _draft(
        engine, caller, stack, Action.UPDATE, desired, request, secrets, definition, observe=observe
    )
    return replace(draft, documents=tuple(puts))


async def draft_deletion(engine: Engine, caller: Caller, named: Named, *, observe: bool) -> Draft:
    """The plan of a deletion."""
    stack = await permitted(engine, caller, "plans:create", named, live=True)
    require_start(stack, Action.DELETE)
    await use_cases.require_unprotected(engine, stack)
    await exports.withdraw(engine.services.db, stack)
    request, secrets = StackRequest(name=stack.name), await engine.redaction.of(stack)
    return await _draft(
        engine, caller, stack, Action.DELETE, None, request, secrets, Definition(), observe=observe
    )


async def _draft(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    action: Action,
    desired: Desired | None,
    request: StackRequest,
    secrets: Secrets,
    definition: Definition,
    *,
    observe: bool,
) -> Draft:
    stored, missing = await plan_inputs.world(engine, caller, stack, observe=observe)
    plan = await planned(engine, stack, desired, action, secrets, missing)
    if action is Action.UPDATE:
        plan = await judged(plan, stack.policy)
    parts = await plan_inputs.of_stack(engine, stack, stored, missing)
    imports = plan_inputs.of_imports(engine, stack.project_id, desired.source) if desired else {}
    made_from = (imports, plan, parts, missing)
    saved = _saved(caller, stack.name, stack.id, action, definition, request, *made_from)
    return Draft(plan, saved)


async def save(engine: Engine, draft: Draft) -> SavedPlan:
    """Store a plan, so that it can be executed later."""
    await engine.services.journal.write(*draft.documents, Insert(draft.saved))
    return draft.saved


def drafted(draft: Draft) -> PlanView:
    """A plan that was just made, as it is shown."""
    return plan_states.judged(draft.saved)


async def listed(engine: Engine, caller: Caller, stack_id: str = "") -> list[PlanView]:
    """The stored plans of the caller's project, newest first, without their steps."""
    engine.policy.enforce(caller, "plans:index")
    found = await plans.listed(engine.services.db, caller.project_id, stack_id)
    return await plan_states.viewed(engine, caller, found)


async def shown(engine: Engine, caller: Caller, plan_id: str) -> PlanView:
    """A stored plan of the caller's project."""
    engine.policy.enforce(caller, "plans:show")
    (view,) = await plan_states.viewed(engine, caller, [await _found(engine, caller, plan_id)])
    return view


async def delete(engine: Engine, caller: Caller, plan_id: str) -> None:
    """Remove a stored plan."""
    engine.policy.enforce(caller, "plans:delete")
    saved = await _found(engine, caller, plan_id)
    await engine.services.journal.write(Remove(SavedPlan, saved.id))


async def execute(
    engine: Engine,
    caller: Caller,
    plan_id: str,
    *,
    rules: tuple[str, ...] = (),
    terms: Terms = NO_TERMS,
    disable_rollback: bool | None = None,
) -> Stack:
    """Execute a stored plan; raises ``PlanOutdated`` naming what has changed since it was made, and
    ``PlanRefused`` naming the steps that are certain to fail.

    ``rules`` of policy are asked for in place of the native ones, and the front end that has them judges the
    steps (a change set has the stack policy of the moment, and fails where it said so). ``disable_rollback``
    goes before what the plan was made with.
    """
    for rule in rules or ("plans:execute",):
        engine.policy.enforce(caller, rule)
    for _ in range(_ATTEMPTS):
        saved = await _found(engine, caller, plan_id)
        if not rules:
            engine.policy.enforce(caller, _RULES[saved.action])
        plan_states.require_ready(saved)
        if not rules:
            await _require_permitted(saved)
        request = _request(saved)
        if disable_rollback is not None:
            request = request.model_copy(update={"disable_rollback": disable_rollback})
        try:
            return await _execute(engine, caller, saved, request, terms)
        except Fenced:
            continue  # something changed between the comparison and the write: the next comparison reports it
    raise PlanOutdated(plan_id, "the stack keeps changing")


async def _execute(
    engine: Engine, caller: Caller, saved: SavedPlan, request: StackRequest, terms: Terms
) -> Stack:
    used = Update(SavedPlan, saved.id, {"state": plan_states.EXECUTED}, where={"state": plan_states.READY})
    if saved.action is Action.CREATE and not saved.stack_id:
        return await _create(engine, caller, saved, used)
    stack = await plan_states.stack_of(engine, caller, saved)
    if stack is None:
        raise PlanOutdated(saved.id, f"the stack {saved.stack_name} is gone")
    if saved.action is Action.CREATE:
        return await _make_reserved(engine, caller, stack, saved, request, terms, used)
    stored, missing = await plan_inputs.world(engine, caller, stack, observe=True)
    parts = await plan_inputs.of_stack(engine, stack, stored, missing)
    imports = await plan_inputs.imports_now(engine, stack.project_id, stack.id, saved.fingerprint)
    plan_inputs.require_unmoved(saved, {**parts, **imports})
    require_start(stack, saved.action)
    if saved.action is Action.DELETE:
        return await use_cases.accept_deletion(engine, caller, stack, used, plan=saved.id)
    if (policy := terms.policy_for(stack)) is not None:
        await require_permitted(await in_thread(Plan.of_data, saved.content), policy)
    source = await load_definition(engine.services.db, stack.project_id, saved.definition)
    before = await load_definition(engine.services.db, stack.project_id, stack.definition)
    fetched = _nothing_fetched(engine, saved)
    checked = await checking.checked_redefinition(engine, caller, stack, source, before, fetched)
    imports = plan_inputs.of_imports(engine, stack.project_id, checked.source)
    plan_inputs.require_unmoved(saved, {**parts, **imports})  # what the walk will use
    return await use_cases.accept_change(
        engine, caller, stack, request, checked, used, terms=terms, plan=saved.id, converge=True
    )


async def _make_reserved(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    saved: SavedPlan,
    request: StackRequest,
    terms: Terms,
    used: Change,
) -> Stack:
    """Make the stack whose name is reserved."""
    if stack.action is not Action.INIT:
        raise PlanOutdated(saved.id, f"the stack {saved.stack_name} was made meanwhile")
    await _require_imports(engine, saved)
    source = await load_definition(engine.services.db, saved.project_id, saved.definition)
    nothing = await load_definition(engine.services.db, saved.project_id, Definition())
    fetched = _nothing_fetched(engine, saved)
    checked = await checking.checked_redefinition(engine, caller, stack, source, nothing, fetched)
    plan_inputs.require_unmoved(saved, plan_inputs.of_imports(engine, saved.project_id, checked.source))
    return await use_cases.accept_change(
        engine, caller, stack, request, checked, used, action=Action.CREATE, terms=terms, plan=saved.id
    )


async def _create(engine: Engine, caller: Caller, saved: SavedPlan, used: Change) -> Stack:
    await _require_imports(engine, saved)
    source = await load_definition(engine.services.db, saved.project_id, saved.definition)
    fetched, request = _nothing_fetched(engine, saved), _request(saved)
    checked, stack_id = await checking.checked_source(engine, caller, saved.stack_name, source, fetched)
    plan_inputs.require_unmoved(saved, plan_inputs.of_imports(engine, saved.project_id, checked.source))
    async with engine.trusts.borrowed(caller) as credential:
        return await use_cases.accept_new(
            engine, caller, request, checked, stack_id, credential, used, plan=saved.id
        )


async def _require_imports(engine: Engine, saved: SavedPlan) -> None:
    """Raise ``PlanOutdated`` when what a new stack imports is not as it was, before validation misses it."""
    now_exported = await plan_inputs.imports_now(engine, saved.project_id, saved.stack_id, saved.fingerprint)
    plan_inputs.require_unmoved(saved, now_exported)


async def _require_permitted(saved: SavedPlan) -> None:
    """Raise ``PlanRefused`` naming the steps of a plan that would fail, and why."""
    if saved.options["summary"].get(plan_states.REFUSED):
        refused = (await in_thread(Plan.of_data, saved.content)).refused()
        raise PlanRefused(saved.id, [f"{'/'.join(step.path)}: {step.refused}" for step in refused])


async def _found(engine: Engine, caller: Caller, plan_id: str) -> SavedPlan:
    saved = await plans.get(engine.services.db, plan_id, caller.project_id)
    if saved is None:
        raise EntityNotFound("Plan", plan_id)
    return saved


# --- records ----------------------------------------------------------------------------------------------


def _packed(engine: Engine, project_id: str, source: Source) -> tuple[Definition, list[Change]]:
    data = (source.template.data, source.environment.to_data(), source.files)
    return pack_definition(engine.services.db, project_id, *data)


def _saved(
    caller: Caller,
    name: str,
    stack_id: str,
    action: Action,
    definition: Definition,
    request: StackRequest,
    imports: Digests,
    plan: Plan,
    parts: Digests = NOTHING,
    missing: frozenset[str] = frozenset(),
) -> SavedPlan:
    moment = now()
    options: dict[str, Any] = {key: getattr(request, key) for key in _OPTIONS}
    return SavedPlan(
        id=new_id(),
        project_id=caller.project_id,
        stack_id=stack_id,
        stack_name=name,
        action=action,
        state=plan_states.READY,
        user_id=caller.user_id,
        user_name=caller.user_name,
        created_at=moment,
        expires_at=moment + LIFETIME,
        definition=definition,
        options={
            **options,
            "tags": None if request.tags is None else list(request.tags),
            "summary": _summary(plan),
            plan_states.MISSING: sorted(missing),
            plan_states.COMBINED: combined(parts),
            plan_states.IMPORTS: imports,
        },
        fingerprint={**parts, **imports},
        content=plan.to_data(),
    )


def _request(saved: SavedPlan) -> StackRequest:
    """The options of the request that a plan was made for; its definition is stored with the plan."""
    options = {key: value for key in _OPTIONS if (value := saved.options.get(key)) is not None}
    tags = saved.options.get("tags")
    said = options if tags is None else options | {"tags": tuple(tags)}
    return StackRequest.model_validate({"name": saved.stack_name, **said})


def _nothing_fetched(engine: Engine, saved: SavedPlan) -> Fetched:
    """Fetches nothing: all templates that a plan names were stored with it."""
    return Fetched(engine.services.egress, engine.limits.max_template_size, saved.project_id)


def _summary(plan: Plan) -> dict[str, int]:
    """How many steps of each verb there are, and apart from them how many are ``refused``, if any are."""
    counted = dict.fromkeys(_COUNTED, 0) | {verb.value: count for verb, count in plan.counts().items()}
    refused = len(plan.refused())
    return counted | ({plan_states.REFUSED: refused} if refused else {})


def contents(saved: SavedPlan) -> dict[str, Any]:
    """A plan as API data: the steps that change something, their number by verb, the fingerprint."""
    plan = Plan.of_data(saved.content)
    return {
        "format": saved.content["format"],
        "fingerprint": combined(saved.fingerprint),
        "steps": [step_data(step) for step in plan.changes()],
    }


def require_action(text: str) -> Action:
    """The action of the request that a plan is made for."""
    try:
        return {"update": Action.UPDATE, "delete": Action.DELETE}[text.lower()]
    except KeyError:
        raise BadRequest(f"There is no plan of the action {text}; use update or delete.") from None
