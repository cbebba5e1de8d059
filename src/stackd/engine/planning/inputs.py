"""What a plan is made from: the stored tree, and all else but the definition (pure records)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stackd.engine.definition.desired import Desired, Source
from stackd.engine.definition.scope import StackScope
from stackd.engine.planning.plan import StackPlan
from stackd.records import Definition, Resource, Stack
from stackd.resources.registry import Registry
from stackd.template.masking import NOTHING, Secrets


@dataclass(frozen=True, slots=True)
class StoredStack:
    """A stack with its rows and its definition, and the stacks inside it by their ids.

    ``source`` is None where the definition does not matter: the stack is being deleted.
    """

    stack: Stack
    rows: Sequence[Resource]
    source: Source | None = None
    children: Mapping[str, StoredStack] = field(default_factory=dict)

    def walk(self) -> Iterator[StoredStack]:
        """This stack and all inside."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def inside(self, row: Resource) -> StoredStack | None:
        """The stack inside a resource, if there is one that is not deleted."""
        child = self.children.get(row.nested_stack_id or "")
        return child if child is not None and child.stack.deleted_at is None else None

    def row_ids(self) -> Iterator[str]:
        """The ids of all rows of the tree."""
        for each in self.walk():
            yield from (row.id for row in each.rows)


Identify = Callable[[Any, Any, str], Definition]
"""Template data, environment data and the id of a manifest of files → the ids under which they are stored."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """``exports`` are the values that stacks of the project export, each with the id of its stack.

    ``missing`` are the ids of rows whose objects no longer exist, ``sharing`` those of stacks that
    export or import, ``secrets`` texts that no cause may show. With ``ahead`` the steps inside stacks that
    do not exist yet are planned too; else they are deferred to the walk. With ``keep_originals`` nothing
    that is replaced goes before all else has succeeded. With ``abandons`` whatever goes is left in the cloud,
    with ``adopts`` what is new is an object that exists. ``rewritten`` are, by the ids of rows, properties
    that count as changed although they have their values: a snapshot is restored once more.
    ``skipped`` are the dotted paths of resources that stay as they are, whatever their definition.
    With ``throughout`` stacks inside that stay as they are have a plan too, whose steps keep everything.
    """

    registry: Registry
    identify: Identify
    exports: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    rewritten: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sharing: frozenset[str] = frozenset()
    secrets: Secrets = NOTHING
    ahead: bool = True
    keep_originals: bool = False
    abandons: bool = False
    adopts: bool = False
    throughout: bool = False
    skipped: frozenset[str] = frozenset()
    max_depth: int = 5

    def skips(self, path: Iterable[str]) -> bool:
        """Whether the resource of this path stays as it is."""
        return bool(self.skipped) and ".".join(path) in self.skipped

    def with_exports(self, source: Source, stack_id: str) -> Source:
        """The definition with the values that it may import: those of other stacks."""
        if not source.may_import:
            return source
        values = {name: value for name, (owner, value) in self.exports.items() if owner != stack_id}
        return replace_exports(source, values)


def replace_exports(source: Source, values: Mapping[str, Any]) -> Source:
    """The same definition with other values to import."""
    return Source(source.template, source.environment, source.files, values)


@dataclass(frozen=True, slots=True)
class Level:
    """One stack while it is planned.

    ``view`` are the rows as the steps planned so far leave them (None: not known), which ``scope`` reads;
    ``asked`` are attributes that the stack around asks of any member.
    """

    inputs: Inputs
    plan: StackPlan
    desired: Desired
    stored: StoredStack | None
    scope: StackScope
    asked: frozenset[tuple[Any, ...]] = frozenset()

    def wanted(self, name: str) -> frozenset[tuple[Any, ...]]:
        """The attributes of a resource that something refers to."""
        return self.desired.wanted.get(name, frozenset()) | self.asked
