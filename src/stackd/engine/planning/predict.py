"""What a plan will do to each resource, told before anything happens (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stackd.engine.definition.desired import Desired, loaded_properties
from stackd.engine.definition.scope import StackScope
from stackd.engine.planning.diff import Change, Decision, decide
from stackd.engine.planning.plan import best_row, target_of
from stackd.errors import ResourceActionRestricted
from stackd.records import Action, Resource
from stackd.resources.schema import Properties


@dataclass(frozen=True, slots=True)
class Prediction:
    """The decision on every wanted name in order of work, and the rows that will be deleted."""

    decisions: Mapping[str, Decision]
    current: Mapping[str, Resource]
    deleted: Sequence[Resource]


def predict(desired: Desired, stored: Sequence[Resource]) -> Prediction:
    """Compare stored rows with a definition.

    What a resource refers to and is to be replaced counts as unknown, so a change shows wherever it
    may reach.
    """
    by_name: dict[str, list[Resource]] = {}
    for row in stored:
        by_name.setdefault(row.name, []).append(row)
    target = target_of(desired.definition)
    rows: dict[str, Resource | None] = {
        name: best_row(by_name.get(name, ()), target) for name in desired.resources
    }
    current: dict[str, Resource] = {name: row for name, row in rows.items() if row is not None}
    decisions: dict[str, Decision] = {}
    scope = desired.scope(rows)
    for name in _in_order(desired):
        known = current.get(name)
        if known is None or known.action is Action.INIT:
            decisions[name], rows[name] = Decision(Change.CREATE, "it is new"), None
            continue
        decisions[name] = _decision(desired, name, known, scope)
        if decisions[name].change is Change.REPLACE:
            rows[name] = None
    gone = [row for row in stored if row.name not in desired.resources and row.action is not Action.INIT]
    return Prediction(decisions, current, gone)


def _decision(desired: Desired, name: str, known: Resource, scope: StackScope) -> Decision:
    kind, external = desired.kinds[name], desired.external_id(name, scope)
    props = Properties.wrap({}) if external is not None else loaded_properties(desired, name, scope)
    metadata = desired.metadata(name, scope)
    changed = bool(metadata) and metadata != dict(known.metadata)
    decision = decide(known, kind.handler, props, kind_name=kind.name, metadata_changed=changed)
    if decision.change.value in desired.source.environment.restricted_actions(name):
        refusal = ResourceActionRestricted(decision.change.value)
        return replace(decision, reason=f"{refusal} ({decision.reason})")
    return decision


def _in_order(desired: Desired) -> list[str]:
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(desired.requires)
    graph.add_edges_from(
        (needed, name) for name, all_needed in desired.requires.items() for needed in all_needed
    )
    return list(nx.topological_sort(graph))
