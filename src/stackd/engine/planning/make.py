"""Computes what an action will do to a tree of stacks, before anything happens (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from stackd.engine.definition.desired import Desired, loaded_properties, stored_secrets
from stackd.engine.definition.nested_definitions import hidden_values, in_order
from stackd.engine.planning.diff import (
    NO_NAMES,
    UNCHANGED,
    Cause,
    Difference,
    diff_resource,
    is_surely_broken,
    masked,
    metadata_after,
    rolls_back,
)
from stackd.engine.planning.inputs import Inputs, Level, StoredStack
from stackd.engine.planning.nested import (
    DEFERRED,
    INSIDE,
    REDEFINED,
    Recurse,
    current_rows,
    is_broken,
    plan_existing,
    plan_new,
)
from stackd.engine.planning.ordering import Node, Order, order, target_of
from stackd.engine.planning.plan import Path, Plan, StackPlan, Step, plan_of
from stackd.engine.planning.shown import after_update, all_unknown, with_asked
from stackd.engine.planning.verbs import ACTIONS, VERBS, ActionRule, Verb, is_unsettled
from stackd.errors import NotSupported, ResourceActionRestricted, StackdError
from stackd.records import Action, Resource, Status
from stackd.resources.base import NestedType
from stackd.resources.schema import Properties
from stackd.template.masking import Secrets, secrets_of
from stackd.urls import is_signed, shown_name

_GONE: Final = Cause(rule="the stack is deleted")
_UNWANTED: Final = Cause(rule="no longer in the template")
_DISABLED: Final = Cause(rule="its condition does not hold")
_SKIPPED: Final = Cause(rule="it is skipped")
_SUPERSEDED: Final = Cause(rule="it was replaced")


def make_plan(desired: Desired | None, stored: StoredStack | None, action: Action, inputs: Inputs) -> Plan:
    """What an action does to a tree of stacks: one step for each resource, nested ones included.

    ``desired`` is the definition to reach, None for nothing; ``stored`` the tree as it is, None for a new
    one. A resource that is kept, or updated without touching what it shows, keeps its reference and
    attributes for those that refer to it; so the plan of an unchanged definition changes nothing. Properties
    that cannot be worked out are in the ``errors`` of the stack's plan, which a walk meets again.
    """
    return plan_of(action, plan_tree(desired, stored, action, inputs))


def plan_tree(
    desired: Desired | None, stored: StoredStack | None, action: Action, inputs: Inputs
) -> StackPlan:
    """The same plan in the form that is walked, stack by stack, without the list of all steps."""
    rule = ACTIONS[action]
    if rule.verb is not None and stored is not None:
        root = _same_for_all(stored, rule, rule.verb, ())
    else:
        root = plan_stack(inputs, desired, stored, ())
    plans = list(root.walk())
    _mask(plans, inputs.secrets | _secrets(plans, stored))
    return root


def plan_stack(
    inputs: Inputs,
    desired: Desired | None,
    stored: StoredStack | None,
    path: Path,
    asked: frozenset[tuple[Any, ...]] = frozenset(),
) -> StackPlan:
    """The plan of one stack of a tree, whose resource has ``path``, and of those inside it."""
    rows = stored.rows if stored is not None else ()
    stack = stored.stack if stored is not None else None
    ordered = order(
        desired.requires if desired is not None else {},
        rows,
        target_of(desired.definition) if desired is not None else "",
        keep_originals=inputs.keep_originals,
        settle_first=stack is not None and stack.id in inputs.sharing,
    )
    plan = StackPlan(path, stack, desired, rows, ordered, dict(ordered.current))

    def recurse(
        inner: Desired | None, below: StoredStack | None, at: Path, needed: frozenset[tuple[Any, ...]]
    ) -> StackPlan:
        return plan_stack(inputs, inner, below, at, needed)

    if desired is not None:
        level = Level(inputs, plan, desired, stored, desired.scope(plan.view), asked)
        is_new = not any(ordered.current.values())
        for name in desired.requires if is_new else in_order(desired.requires):
            _plan_name(level, name, recurse)
    for row in ordered.leftovers:
        _plan_removal(plan, row, stored, recurse, abandons=inputs.abandons)
    return plan


# --- wanted resources -----------------------------------------------------------------------------------


def _plan_name(at: Level, name: str, recurse: Recurse) -> None:
    row, path = at.plan.order.current[name], (*at.plan.path, name)
    written = at.desired.types[name].written
    if row is not None and at.inputs.skips(path):
        at.plan.steps[name] = Step(path, written, Verb.KEEP, (_SKIPPED,), row.id)
        return
    try:
        if row is None or row.action is Action.INIT:
            at.plan.view[name] = None
            at.plan.steps[name] = _new_step(at, name, path, recurse)
            return
        difference = _difference(at, row, path, recurse)
        if (after := at.plan.view[name]) is not None:
            at.plan.view[name] = with_asked(after, at.desired.types[name].handler, at.wanted(name))
    except StackdError as error:
        at.plan.errors[name] = error
        is_new = row is None or row.action is Action.INIT
        handler = at.desired.types[name].handler
        at.plan.view[name] = None if row is None or is_new else all_unknown(handler.with_computed(row))
        difference = Difference(Verb.CREATE if is_new else Verb.UPDATE)
    causes, refused = difference.causes, ""
    if row is not None and _is_restricted(at, name, difference):
        restricted = str(ResourceActionRestricted(difference.verb.value))
        if _is_certain(at, row, difference):
            refused = f"{restricted} The environment has it in restricted_actions."
        else:
            causes = (Cause(rule=restricted), *causes)
    deferred = any(cause.unknown and not cause.path for cause in causes)
    row_id = row.id if row is not None else ""
    at.plan.steps[name] = Step(
        path, written, difference.verb, causes, row_id, deferred=deferred, refused=refused
    )


def _new_step(at: Level, name: str, path: Path, recurse: Recurse) -> Step:
    kind, definition = at.desired.types[name], at.desired.resources[name]
    if definition.external_id is not None:
        return Step(path, kind.written, Verb.ADOPT)
    deferred = isinstance(kind.handler, NestedType) and plan_new(at, name, path, recurse)
    verb = Verb.ADOPT if at.inputs.adopts else Verb.CREATE
    return Step(path, kind.written, verb, deferred=deferred)


def _is_restricted(at: Level, name: str, difference: Difference) -> bool:
    """Whether the environment forbids what is planned, so that the walk will refuse it."""
    forbidden = difference.verb.value in at.desired.source.environment.restricted_actions(name)
    return forbidden and not difference.settles


def _is_certain(at: Level, row: Resource, difference: Difference) -> bool:
    """Whether the walk will do no less than is planned, whatever it learns meanwhile."""
    kind = at.desired.types[row.name].handler
    if difference.verb is not Verb.REPLACE:
        inside = at.plan.children.get(row.name)
        changes = INSIDE in difference.causes and inside is not None and _surely_changes(inside)
        return changes or any(
            not cause.unknown and (cause.path or not difference.changed)
            for cause in difference.causes
            if cause not in (INSIDE, REDEFINED)
        )
    has_failed = row.status is Status.FAILED and not isinstance(kind, NestedType)
    if has_failed and (is_unsettled(row) or not is_surely_broken(row, kind)):
        # Its object may turn out to be as it should be.
        props = loaded_properties(at.desired, row.name, at.scope)
        difference = _own_difference(at, row, props, broken=False)
    return any(cause.replaces and not cause.unknown for cause in difference.causes)


def _surely_changes(plan: StackPlan) -> bool:
    """Whether anything in a stack is certain to change."""
    return any(
        VERBS[step.verb].changes and not (step.causes and all(cause.unknown for cause in step.causes))
        for step in plan.all_steps()
    )


def _difference(at: Level, row: Resource, path: Path, recurse: Recurse) -> Difference:
    name, view = row.name, at.plan.view
    kind, external = at.desired.types[name], at.desired.external_id(name, at.scope)
    if row.external_id != external:
        raise NotSupported(
            f"Update to property external_id of {name} ({shown_name(row.type)}) is not supported."
        )
    if external is not None:
        return UNCHANGED
    child = at.stored.inside(row) if at.stored is not None else None
    nested = isinstance(kind.handler, NestedType)
    broken = is_broken(row, child.stack if child is not None else None) if nested else True
    props = loaded_properties(at.desired, name, at.scope)
    found = _own_difference(at, row, props, broken=broken)
    if found.verb is Verb.REPLACE:
        view[name] = None
        _plan_removal_inside(at, row, recurse)
        deferred = nested and plan_new(at, name, path, recurse)
        return replace(found, causes=(*found.causes, DEFERRED)) if deferred else found
    if nested:
        return plan_existing(at, row, props, found, path, recurse)
    return _in_place(at, row, props, found)


def _own_difference(at: Level, row: Resource, props: Properties, *, broken: bool) -> Difference:
    """What a resource itself needs, without what is inside it; one that has FAILED is ``broken`` or not."""
    kind = at.desired.types[row.name]
    metadata = metadata_after(row, kind.handler, at.desired.metadata(row.name, at.scope))
    is_lost = isinstance(kind.handler, NestedType) and bool(row.nested_stack_id)
    is_lost = is_lost and (at.stored is None or at.stored.inside(row) is None)
    return diff_resource(
        row,
        kind.handler,
        props,
        type_name=kind.name,
        broken=broken,
        missing=row.id in at.inputs.missing or is_lost,
        metadata_changed=metadata != dict(row.metadata),
        stays=rolls_back(at.plan.stack),
        rewritten=at.inputs.rewritten.get(row.id, NO_NAMES),
    )


def _in_place(at: Level, row: Resource, props: Properties, found: Difference) -> Difference:
    kind = at.desired.types[row.name].handler
    if found.verb is Verb.UPDATE:
        at.plan.view[row.name] = after_update(row, kind, props, found.changed)
    if is_unsettled(row):
        is_checked = row.action is Action.CHECK and row.status is Status.COMPLETE
        unsettled = Cause(rule="it is suspended" if is_checked else f"it is {row.action}_{row.status}")
        return Difference(Verb.UPDATE, (*found.causes, unsettled), found.changed, found == UNCHANGED)
    if row.status is Status.IN_PROGRESS:
        interrupted = Cause(rule=f"its {row.action} was interrupted")
        return Difference(Verb.UPDATE, (*found.causes, interrupted), found.changed, found == UNCHANGED)
    if row.status is Status.FAILED and found == UNCHANGED:
        return Difference(Verb.UPDATE, (Cause(rule=f"its last {row.action} failed"),), settles=True)
    return found


def _plan_removal_inside(at: Level, row: Resource, recurse: Recurse) -> None:
    """The resources of a nested stack that is replaced as a whole go after the new ones were made."""
    if at.stored is None or at.stored.inside(row) is None:
        return
    policy = at.desired.resources[row.name].replacement_policy or row.deletion_policy
    _plan_removal(at.plan, replace(row, deletion_policy=policy), at.stored, recurse)


# --- rows that go ---------------------------------------------------------------------------------------


def _plan_removal(
    plan: StackPlan, row: Resource, stored: StoredStack | None, recurse: Recurse, *, abandons: bool = False
) -> None:
    if row.action is Action.INIT and row.physical_id is None:
        return
    path = (*plan.path, row.name)
    keeps = row.deletion_policy == "Retain" or row.external_id is not None
    cause = _SUPERSEDED if row.name in plan.view else _unwanted(plan.desired, row.name)
    verb = Verb.ABANDON if keeps or abandons else Verb.DELETE
    plan.removals[row.id] = Step(path, row.type, verb, (cause,), row.id, removes=True)
    inside = stored.inside(row) if stored is not None else None
    if inside is not None and (abandons or not keeps):
        plan.children[row.id] = recurse(None, inside, path, frozenset())


def _unwanted(desired: Desired | None, name: str) -> Cause:
    """Why a resource is not part of what a stack is to be."""
    if desired is None:
        return _GONE
    return _DISABLED if name in desired.source.template.resources else _UNWANTED


# --- one verb for all -----------------------------------------------------------------------------------


def _same_for_all(stored: StoredStack, rule: ActionRule, verb: Verb, path: Path) -> StackPlan:
    """The plan of an action that does the same to every resource there is."""
    import networkx as nx

    rows = current_rows(stored)
    graph: nx.DiGraph[Node] = nx.DiGraph()
    graph.add_nodes_from(Node(name) for name in rows)
    for name, row in rows.items():
        needed = [(Node(other), Node(name)) for other in row.requires if other in rows]
        graph.add_edges_from((b, a) if rule.reversed else (a, b) for a, b in needed)
    ordered = Order(graph, dict(rows))
    plan = StackPlan(path, stored.stack, None, stored.rows, ordered, dict(rows), rule=rule)
    for name, row in rows.items():
        plan.steps[name] = Step((*path, name), row.type, verb, row=row.id)
        if (inside := stored.inside(row)) is not None:
            plan.children[name] = _same_for_all(inside, rule, verb, (*path, name))
    return plan


# --- secrets --------------------------------------------------------------------------------------------


def _secrets(plans: Iterable[StackPlan], stored: StoredStack | None) -> Secrets:
    """The values of hidden parameters of all stacks of a tree, as they were, are and will be."""
    found: set[str] = set()
    for plan in plans:
        if plan.desired is not None and plan.desired.parameters.hidden:
            found |= secrets_of(plan.desired.source.template, plan.desired.parameters)
    for stack in stored.walk() if stored is not None else ():
        if stack.source is not None:
            found |= stored_secrets(stack.source, stack.stack)
        found |= frozenset().union(*(hidden_values(row) for row in stack.rows if row.nested_stack_id))
    return frozenset(found)


def _mask(plans: Iterable[StackPlan], secrets: Secrets) -> None:
    """Mask secrets in types and causes: one stack hands its secrets to others, in and out."""
    for each in plans:
        each.steps = {name: _masked(step, secrets) for name, step in each.steps.items()}
        each.removals = {row: _masked(step, secrets) for row, step in each.removals.items()}


def _masked(step: Step, secrets: Secrets) -> Step:
    if not step.causes and not is_signed(step.type):
        return step
    causes = tuple(masked(cause, secrets) for cause in step.causes)
    return replace(step, type=shown_name(step.type), causes=causes)
