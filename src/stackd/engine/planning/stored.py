"""A tree of stacks as it is stored: what plans start from (pure records)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stackd.engine.definition.desired import Source
from stackd.records import Resource, Stack


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
