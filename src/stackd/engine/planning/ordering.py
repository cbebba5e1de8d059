"""The order of the steps of one stack, as a graph (pure).

Every change of a stack has two kinds of node: *apply* brings one named resource to its definition,
*clean* removes one stored row that nothing needs any more. Create, update, delete and rollback differ only in
the definition and in which rows exist; so does recovery after a crash.

The graph's edges point from what must be finished first to what waits for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from stackd.records import Action, Definition, Resource, Status

if TYPE_CHECKING:
    import networkx as nx

_TARGETS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Node:
    """``row`` is the id of the row to clean, empty where a name is applied."""

    name: str
    row: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether a row is removed."""
        return bool(self.row)


SETTLED = Node("", "*")
"""Does nothing; it comes after all that is applied, and before what a rollback would miss is cleaned."""


@dataclass(frozen=True, slots=True)
class Order:
    """The graph, for every wanted name the row that becomes it (None: a new one), and the other rows.

    ``target`` is what rows keep of the definition that they are applied from.
    """

    graph: nx.DiGraph[Node]
    current: Mapping[str, Resource | None]
    leftovers: Sequence[Resource] = field(default=())
    target: str = ""


@lru_cache(_TARGETS_KEPT)
def target_of(definition: Definition) -> str:
    """A short digest of a definition; rows keep it as the definition they were last applied from.

    The template alone would not do: an update often changes nothing but parameters.
    """
    parts = (definition.template, definition.environment, definition.files)
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def order(
    requires: Mapping[str, Iterable[str]],
    rows: Sequence[Resource],
    target: str,
    *,
    keep_originals: bool = False,
    settle_first: bool = False,
) -> Order:
    """The order in which ``rows`` become the wanted names.

    ``requires`` maps every wanted name to the names that it needs; ``target`` names the definition
    that they come from. With ``keep_originals`` nothing that is replaced goes before every apply step
    has succeeded, so that a rollback finds it; with ``settle_first`` nothing at all does.
    """
    import networkx as nx

    by_name: dict[str, list[Resource]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    current = {name: best_row(by_name.get(name, ()), target) for name in requires}
    graph: nx.DiGraph[Node] = nx.DiGraph()
    for name, needed in requires.items():
        step = Node(name)
        graph.add_node(step)
        graph.add_edges_from((Node(other), step) for other in needed)
    _add_cleaning(graph, rows, by_name, requires)
    if keep_originals or settle_first:
        graph.add_edges_from((Node(name), SETTLED) for name in requires)
        waiting = [row for row in rows if settle_first or row.name in requires]
        graph.add_edges_from((SETTLED, Node(row.name, row.id)) for row in waiting)
    kept = {row.id for row in current.values() if row is not None}
    return Order(graph, current, [row for row in rows if row.id not in kept], target)


def best_row(rows: Iterable[Resource], target: str) -> Resource | None:
    """Of several rows with one name, the one to keep.

    Several exist after an interrupted replacement. One that was applied from the wanted definition is
    best; one that is being deleted, a failed one, one that was given up (it has lost what it was
    applied from), and one that was replaced are worse in that order.
    """
    return max(rows, key=lambda row: (_score(row, target), row.created_at), default=None)


def shown_row(rows: Iterable[Resource], target: str) -> Resource | None:
    """Of several rows with one name, the one that clients see: the newest of the current definition.

    Of a replacement that failed they see the failure, though a plan goes on from the row before it.
    """
    found = list(rows)
    newest = [row for row in found if row.applied_from == target and row.action is not Action.DELETE]
    return max(newest, key=lambda row: (not row.replaced_by, row.created_at), default=best_row(found, target))


def _score(row: Resource, target: str) -> int:
    return (
        (10 if row.applied_from == target else 0)
        - (30 if row.status is Status.FAILED else 0)
        - (50 if row.action is Action.DELETE else 0)
        - (5 if not row.applied_from else 0)
        - (1 if row.replaced_by else 0)
    )


def _add_cleaning(
    graph: nx.DiGraph[Node],
    rows: Sequence[Resource],
    by_name: Mapping[str, Sequence[Resource]],
    wanted: Mapping[str, object],
) -> None:
    """A clean step per row, after its name is settled and after the rows that required it are clean."""
    for row in rows:
        step = Node(row.name, row.id)
        graph.add_node(step)
        if row.name in wanted:
            graph.add_edge(Node(row.name), step)
    for row in rows:
        step = Node(row.name, row.id)
        for needed in row.requires:
            graph.add_edges_from(
                (step, Node(needed, other.id)) for other in _used(row, by_name.get(needed, ()))
            )
    _untangle(graph)


def _used(row: Resource, rows: Sequence[Resource]) -> Sequence[Resource]:
    """Of the rows with a name that ``row`` requires, those whose objects it may be using.

    A walk applies what is required first, so a row uses the one that was applied from the same
    definition. Where there is none an interrupted walk has taken that one further: it may be any.
    """
    others = [other for other in rows if other.id != row.id]
    return [other for other in others if other.applied_from == row.applied_from] or others


def _untangle(graph: nx.DiGraph[Node]) -> None:
    """Drop edges between clean steps that form a cycle.

    Rows of different generations can require each other's names when an interrupted update had
    turned a dependency round; their objects do not really depend on each other in a circle.
    """
    import networkx as nx

    for component in list(nx.strongly_connected_components(graph)):
        if len(component) > 1:
            inside = [(a, b) for a in component for b in graph.successors(a) if b in component]
            graph.remove_edges_from(inside)
