"""A small model of the engine: takes the steps of plans on rows in memory, in any order that they allow.

Like the engine it evaluates each resource with the rows as they then are, compares it with what is stored,
and plans the stacks inside when it comes to them. What is made gets attributes that nobody could know before.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from stackd.db.codec import to_json
from stackd.engine.definition.desired import (
    Desired,
    Source,
    build,
    identity_of,
    load_source,
    loaded_properties,
)
from stackd.engine.definition.nested_definitions import (
    NO_MEMBERS,
    Attributes,
    asked_inside,
    build_child,
    child_environment,
    child_source,
    child_template,
    members_of,
    nested_attributes,
    nested_type,
    private_values,
)
from stackd.engine.planning.diff import Difference, diff_resource, metadata_after
from stackd.engine.planning.inputs import Inputs, StoredStack
from stackd.engine.planning.make import make_plan, plan_stack
from stackd.engine.planning.ordering import SETTLED, Node, target_of
from stackd.engine.planning.plan import Path, Plan, StackPlan
from stackd.engine.planning.verbs import Verb
from stackd.records import Action, Definition, Resource, Stack, Status
from stackd.resources.base import Child, Members, NestedType
from stackd.resources.registry import load_registry
from stackd.resources.schema import Properties
from stackd.template.unknown import has_unknown
from tests.support.records import START, a_child, a_stack

REGISTRY = load_registry()
_ids = itertools.count()


def digest(data: Any) -> str:
    """A short name of JSON data."""
    return hashlib.blake2b(to_json(data), digest_size=8).hexdigest()


def identify(template: Any, environment: Any, files: str) -> Definition:
    """The ids of a definition."""
    return Definition(digest(template), digest(environment), files)


AHEAD = Inputs(REGISTRY, identify)
WALKING = Inputs(REGISTRY, identify, ahead=False)


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was done: to which resource, and to which of its rows."""

    path: Path
    verb: Verb
    row: str = ""


@dataclass
class Level:
    """A stack with all its rows, the ids of those that each row uses, and the stacks inside by their ids."""

    stack: Stack
    source: Source | None = None
    desired: Desired | None = None
    rows: dict[str, Resource] = field(default_factory=dict)
    uses: dict[str, set[str]] = field(default_factory=dict)
    children: dict[str, Level] = field(default_factory=dict)

    def stored(self) -> StoredStack:
        """The tree as a plan starts from it."""
        inside = {key: child.stored() for key, child in self.children.items()}
        return StoredStack(self.stack, list(self.rows.values()), self.source, inside)

    def current(self) -> dict[str, Resource]:
        """The rows that are not replaced, by name."""
        return {row.name: row for row in self.rows.values() if row.replaced_by is None}

    def members(self) -> Members:
        """What the type of the resource around this stack reads from it."""
        if self.desired is None:
            return NO_MEMBERS
        outputs = {key: each.get("value") for key, each in (self.stack.outputs or {}).items()}
        return members_of(self.desired, self.current(), outputs, REGISTRY)


class Model:
    """A root stack, and all that was done to its tree since ``done`` was emptied."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.root = Level(a_stack(definition=Definition()))
        self.done: list[Done] = []

    # --- definitions ----------------------------------------------------------------------------

    def desired(self, template: Any, files: Mapping[str, str], parameters: Mapping[str, Any]) -> Desired:
        """A definition of the root, evaluated."""
        source = load_source(template, {"parameters": dict(parameters)}, files)
        definition = identify(source.template.data, source.environment.to_data(), digest(dict(files)))
        return build(source, identity_of(self.root.stack), REGISTRY, definition)

    def plan(self, desired: Desired | None) -> Plan:
        """What it would take to get there."""
        action = Action.UPDATE if desired is not None else Action.DELETE
        stored = self.root.stored() if self.root.rows else None
        return make_plan(desired, stored, action, AHEAD)

    def reach(self, desired: Desired | None) -> None:
        """Go there, step by step."""
        self.done = []
        self._walk(self.root, desired, (), frozenset())

    # --- one stack ------------------------------------------------------------------------------

    def _walk(self, at: Level, desired: Desired | None, path: Path, asked: Attributes) -> None:
        plan = plan_stack(WALKING, desired, at.stored(), path, asked)
        at.desired = desired
        if desired is not None:
            at.stack = replace(at.stack, definition=desired.definition)
            at.source = desired.source
        walk = Walk(self, at, plan, dict(plan.order.current), asked)
        waiting = dict(plan.order.graph.in_degree())
        ready = [node for node, count in waiting.items() if not count]
        while ready:
            node = ready.pop(self.dice.randrange(len(ready)))
            walk.act(node)
            for after in plan.order.graph.successors(node):
                waiting[after] -= 1
                if not waiting[after]:
                    ready.append(after)
        if desired is not None:
            at.stack = replace(at.stack, outputs=desired.outputs(desired.scope(walk.rows)))


@dataclass
class Walk:
    """One stack while the steps of its plan are taken; ``rows`` are the newest of the wanted names."""

    model: Model
    at: Level
    plan: StackPlan
    rows: dict[str, Resource | None]
    asked: Attributes

    @property
    def desired(self) -> Desired:
        assert self.plan.desired is not None
        return self.plan.desired

    def act(self, node: Node) -> None:
        """Take one step."""
        if node == SETTLED:
            return
        if not node.is_clean:
            self._reconcile(node.name)
        elif (current := self.rows.get(node.name)) is None or current.id != node.row:
            self._clean(self.at.rows[node.row], (*self.plan.path, node.name))

    def _note(self, name: str, verb: Verb, row: str = "") -> None:
        self.model.done.append(Done((*self.plan.path, name), verb, row))

    def _wanted(self, name: str) -> Attributes:
        return self.desired.wanted.get(name, frozenset()) | self.asked

    def _put(self, row: Resource) -> None:
        self.at.rows[row.id] = row
        self.rows[row.name] = row

    def _uses(self, name: str) -> set[str]:
        needed = (self.rows[other] for other in self.desired.requires[name])
        return {row.id for row in needed if row is not None}

    # --- wanted names ---------------------------------------------------------------------------

    def _reconcile(self, name: str) -> None:
        props = loaded_properties(self.desired, name, self.desired.scope(self.rows))
        assert not has_unknown(props.data), f"{name} was reached before what it needs"
        row = self.rows[name]
        if row is None:
            self._make(name, props, None)
            self._note(name, Verb.CREATE)
        else:
            self._change(row, props)
        row = self.rows[name]
        assert row is not None
        origin = {
            "applied_from": target_of(self.desired.definition),
            "requires": tuple(sorted(self.desired.requires[name])),
            "deletion_policy": self.desired.resources[name].deletion_policy,
        }
        self._put(replace(row, **origin))
        self.at.uses[row.id] = self._uses(name)

    def _change(self, row: Resource, props: Properties) -> None:
        kind = self.desired.types[row.name]
        written = self.desired.metadata(row.name, self.desired.scope(self.rows))
        found = diff_resource(
            row,
            kind.handler,
            props,
            type_name=kind.name,
            metadata_changed=metadata_after(row, kind.handler, written) != dict(row.metadata),
        )
        if found.verb is Verb.REPLACE:
            self._make(row.name, props, row)
            self._note(row.name, Verb.REPLACE)
        elif isinstance(kind.handler, NestedType):
            self._change_inside(row, props, found)
        else:
            self._put(self._shown(replace(row, properties=props.data)))
            if found.verb is Verb.UPDATE:
                self._note(row.name, Verb.UPDATE)

    def _make(self, name: str, props: Properties, old: Resource | None) -> None:
        kind, number = self.desired.types[name], next(_ids)
        row = Resource(
            id=f"row {name} {number}",
            stack_id=self.at.stack.id,
            root_id=self.at.stack.root_id,
            name=name,
            type=kind.written,
            kind=kind.name,
            action=Action.CREATE,
            status=Status.COMPLETE,
            physical_id=f"id of {name} {number}",
            properties=props.data,
            data={"value": f"drawn {number}"},
            replaces=old.id if old is not None else None,
            created_at=START.replace(microsecond=number % 1_000_000),
        )
        if old is not None:
            self.at.rows[old.id] = replace(old, replaced_by=row.id)
        if isinstance(kind.handler, NestedType):
            child = Level(a_child(self.at.stack, parent_resource=name, definition=Definition()))
            self.at.children[child.stack.id] = child
            row = replace(row, physical_id=child.stack.id, nested_stack_id=child.stack.id, data={})
            self._reach_inside(row, props, None)
        else:
            self._put(self._shown(row))

    def _shown(self, row: Resource) -> Resource:
        """The row with what its object shows; what is lazy only where it was asked for."""
        kind = self.desired.types[row.name].handler
        values = kind.attribute_values(row, {})
        if "output" in kind.attributes and any(path[0] == "output" for path in self._wanted(row.name)):
            values["output"] = row.properties.get("value")
        return replace(row, attributes=values)

    # --- stacks inside --------------------------------------------------------------------------

    def _change_inside(self, row: Resource, props: Properties, own: Difference) -> None:
        child = self.at.children[str(row.nested_stack_id)]
        kind, members = nested_type(self.desired.types[row.name].handler), child.members()
        policy = self.desired.update_policy(row.name, self.desired.scope(self.rows))
        new = replace(row, data=private_values(row, kind, policy, props, members), properties=props.data)
        wanted = kind.child(new, props, members, self.desired.source.files)
        definition = self._definition(new, wanted)
        known = replace(definition, files=child.stack.definition.files)
        if known == child.stack.definition and self._inner_plan(new, wanted, child).is_empty:
            child.stack = replace(child.stack, definition=definition)
            self._put(self._attributes(new, child))
            return
        self._reach_inside(new, props, type(props).wrap(dict(row.properties)))
        self._note(row.name, Verb.UPDATE)

    def _reach_inside(self, row: Resource, props: Properties, old: Properties | None) -> None:
        child = self.at.children[str(row.nested_stack_id)]
        kind, files = nested_type(self.desired.types[row.name].handler), self.desired.source.files
        path = (*self.plan.path, row.name)
        for batch in kind.batches(row, old, props, child.members(), files):
            inner = self._inner(row, batch.child, child)
            self.model._walk(child, inner, path, asked_inside(self._wanted(row.name)))
        self._put(self._attributes(row, child))

    def _inner_plan(self, row: Resource, wanted: Child, child: Level) -> StackPlan:
        path, asked = (*self.plan.path, row.name), asked_inside(self._wanted(row.name))
        return plan_stack(WALKING, self._inner(row, wanted, child), child.stored(), path, asked)

    def _inner(self, row: Resource, wanted: Child, child: Level) -> Desired:
        source = child_source(self.desired, row, wanted)
        definition = self._definition(row, wanted)
        return build_child(self.desired, row, source, identity_of(child.stack), REGISTRY, definition)

    def _definition(self, row: Resource, wanted: Child) -> Definition:
        environment = child_environment(self.desired.source.environment, row, wanted)
        return identify(child_template(self.desired, row, wanted), environment, self.desired.definition.files)

    def _attributes(self, row: Resource, child: Level) -> Resource:
        kind = nested_type(self.desired.types[row.name].handler)
        values = nested_attributes(row, kind, self._wanted(row.name), child.members())
        return replace(row, attributes=values)

    # --- rows that go ---------------------------------------------------------------------------

    def _clean(self, row: Resource, path: Path) -> None:
        users = [other for other, used in self.at.uses.items() if row.id in used and other != row.id]
        assert not users, f"{row.id} was deleted while {users} needed it"
        keeps = row.deletion_policy == "Retain"
        child = self.at.children.pop(row.nested_stack_id or "", None)
        if child is not None and not keeps:
            self.model._walk(child, None, path, frozenset())
        self.model.done.append(Done(path, Verb.ABANDON if keeps else Verb.DELETE, row.id))
        del self.at.rows[row.id]
        self.at.uses.pop(row.id, None)
