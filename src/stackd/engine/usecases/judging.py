"""Whether an update may begin, judged by its plan: the stack policy, and that it changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import pack_definition
from stackd.engine.planning.plan import Plan
from stackd.engine.planning.stack_policy import read_policy
from stackd.engine.services.stored_trees import load_desired
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.planning import observed, planned
from stackd.engine.usecases.requests import Checked, StackRequest
from stackd.engine.usecases.terms import Terms
from stackd.errors import NothingToUpdate, TemplateError
from stackd.offload import in_thread
from stackd.records import Action, Caller, Stack, Status


def defined(engine: Engine, stack: Stack, checked: Checked) -> Desired:
    """The checked definition under the ids that it will be stored with."""
    source, db = checked.source, engine.services.db
    data = (source.template.data, source.environment.to_data(), source.files)
    return replace(checked.desired, definition=pack_definition(db, stack.project_id, *data)[0])


async def require_allowed(
    engine: Engine, caller: Caller, stack: Stack, request: StackRequest, checked: Checked, terms: Terms
) -> None:
    """Refuse an update that the stack policy forbids, or that changes nothing where that is asked for."""
    terms.require_types(checked.desired)
    policy = terms.policy_for(stack)
    if policy is None and not terms.only_changes:
        return
    desired = defined(engine, stack, checked)
    secrets = checked.expanded.secrets() | await engine.redaction.of(stack)
    missing = await observed(engine, caller, stack) if request.converge else frozenset()
    plan = await planned(engine, stack, desired, Action.UPDATE, secrets, missing)
    if terms.only_changes and not await changes_anything(engine, stack, desired, request, terms, plan):
        raise NothingToUpdate
    await require_permitted(plan, policy)


async def require_permitted(plan: Plan, policy: str | None) -> None:
    """Raise ``UpdateDenied`` for the first step that a stack policy does not allow."""
    if policy is not None:
        await in_thread(read_policy(policy).require_all, list(plan.changes()))


async def judged(plan: Plan, policy: str | None) -> Plan:
    """The plan in which the steps that a stack policy does not allow are refused."""
    if policy is None:
        return plan
    made: Plan = await in_thread(plan.judged, read_policy(policy).refusal)
    return made


async def changes_anything(
    engine: Engine, stack: Stack, desired: Desired, request: StackRequest, terms: Terms, plan: Plan
) -> bool:
    """Whether an update changes anything: resources, or what the stack shows, keeps or is given.

    One of a stack that has failed does: it brings the stack to a good end.
    """
    if not plan.is_empty or stack.status is Status.FAILED or _is_redefined(stack, request, terms):
        return True
    try:
        before = await load_desired(engine.services.db, engine.services.registry, stack)
    except TemplateError:
        return True
    is_shown_alike: bool = await in_thread(_is_shown_alike, before, desired)
    return not is_shown_alike


def _is_redefined(stack: Stack, request: StackRequest, terms: Terms) -> bool:
    """Whether the request has other tags, settings or a policy for the stack."""
    tags_stay = request.tags is None and request.existing
    if not tags_stay and sorted(request.tags or ()) != sorted(stack.tags or ()):
        return True
    return any(getattr(stack, name) != value for name, value in terms.values(stack).items())


def _is_shown_alike(before: Desired, after: Desired) -> bool:
    return _shown(before) == _shown(after)


def _shown(desired: Desired) -> Mapping[str, Any]:
    """What of a definition matters although no step of a plan depends on it."""
    template = desired.source.template
    keys = template.version.resource_keys
    return {
        "outputs": template.data.get(template.version.sections["outputs"]) or {},
        "parameters": dict(desired.parameters.values_by_name),
        "policies": {
            name: {key: each.raw.get(keys[key]) for key in _POLICIES if key in keys}
            for name, each in desired.resources.items()
        },
    }


_POLICIES = ("deletion_policy", "update_policy", "update_replace_policy")
