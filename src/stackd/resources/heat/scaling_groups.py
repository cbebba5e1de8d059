"""What all types of scaling groups share: the names of their members, batches and attributes. Pure.

The private values of a group keep the names of its members, and how many were made in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from stackd.errors import NotFound
from stackd.records import Resource, Status
from stackd.resources.base import Batch, Child, Members, Scaled
from stackd.resources.heat.capacity import Capacity
from stackd.resources.heat.group_limits import refuse_too_large, refuse_too_many
from stackd.resources.heat.members import group_attribute
from stackd.resources.heat.rolling import Definition, Pace, definition_now, walk
from stackd.resources.heat.scaled_members import in_order, resized, unused_names
from stackd.resources.scaling import Adjustment, ended
from stackd.resources.schema import Properties

_VERSION = "2015-04-30"
_NAMES, _MADE = "member_names", "members_made"


def wanted_names(group: Resource, members: Members) -> list[str]:
    """The names of the members that the group is to have."""
    return list(group.data.get(_NAMES, members.adopted or members.resources))


def size_after(group: Resource, props: Properties, members: Members, capacity: Capacity) -> int:
    """How many members the group is to have; a group that is adopted keeps those that it has."""
    if _NAMES in group.data:
        return capacity.after(props, group.properties, len(wanted_names(group, members)))
    if members.adopted:
        return capacity.after(props, props.data, len(members.adopted))
    return capacity.after(props, {}, None)


def data_of_size(group: Resource, members: Members, size: int, definition: Any) -> Mapping[str, Any]:
    """The private values of the group after a change to ``size`` members of a definition."""
    refuse_too_many(size)
    refuse_too_large(size, definition)
    made = int(group.data.get(_MADE) or 0)
    names, made = resized(group.name, wanted_names(group, members), members.resources, size, made)
    return {_NAMES: names, _MADE: made}


def stack_of(members: Mapping[str, Definition]) -> Child:
    """The nested stack with these members."""
    return Child({"heat_template_version": _VERSION, "resources": dict(members)})


def uniform_stack(group: Resource, members: Members, shared: Definition) -> Child:
    """The nested stack in which all members have the same definition."""
    return stack_of(dict.fromkeys(wanted_names(group, members), shared))


def rolling_batches(
    group: Resource, members: Members, before: Definition | None, shared: Definition, pace: Pace
) -> list[Batch]:
    """The steps in which the members get a new definition, the oldest first.

    Without a definition ``before`` members that were interrupted are taken to be as their rows say.
    """
    last = Batch(uniform_stack(group, members, shared), pace.pause)
    names = wanted_names(group, members)
    given, reached = members.definitions, members.reached
    now: dict[str, Definition] = {}
    for name, row in members.resources.items():
        had = before if before is not None else _definition_of(row)
        now[name] = definition_now(name, given.get(name, had), had, shared, reached)
    turns = _turns(group, names, members)
    states = walk(now, lambda size: list(islice(turns(size), size)), len(names), pace, lambda name: shared)
    plan = [Batch(stack_of(state), pace.pause) for state in states]
    if plan and plan[-1].child == last.child:
        plan.pop()
    return [*plan, last]


def _definition_of(row: Resource) -> Definition:
    properties = {key: value for key, value in row.properties.items() if value is not None}
    metadata = {"metadata": dict(row.metadata)} if row.metadata else {}
    return {"type": row.type, "properties": properties, **metadata}


def scaled(
    group: Resource,
    members: Members,
    shared: Definition,
    adjustment: Adjustment,
    bounds: tuple[int, int],
) -> Scaled | None:
    """The group after a signal, None when as many members work as are to.

    Those that stay keep their definitions; new ones get the ``shared`` one.
    """
    wanted = wanted_names(group, members)
    rows = [members.resources[each] for each in wanted if each in members.resources]
    working = sum(row.status is not Status.FAILED for row in rows)
    size = adjustment.of(working, *bounds)
    if size == working:
        return None
    data = data_of_size(group, members, size, shared)
    return Scaled(data, stack_of(kept_definitions(data[_NAMES], members, shared)))


def kept_definitions(names: Iterable[str], members: Members, shared: Definition) -> dict[str, Definition]:
    """Members keep the definition that they have; new ones, and those that failed, get the shared one."""

    def define(name: str) -> Definition:
        row = members.resources.get(name)
        had: Definition = members.definitions.get(name, shared)
        return shared if row is None or row.status is Status.FAILED else had

    return {name: define(name) for name in names}


def cooling(group: Resource, moment: datetime, cooldown: float | None) -> Mapping[str, Any]:
    """The group's metadata once it has the size that was asked for: others wait for the cooldown."""
    return ended(group.metadata, moment, cooldown, f"ExactCapacity : {len(group.data.get(_NAMES) or ())}")


def existing_in_order(group: Resource, members: Members) -> list[str]:
    """The names of the members that are there to stay: those that failed first, then the oldest."""
    wanted = set(wanted_names(group, members))
    return in_order([each for each in members.resources if each in wanted], members.resources)


def attribute_by_position(
    group: Resource, name: str, path: tuple[Any, ...], names: Sequence[str], members: Members
) -> Any:
    """``resource.<position>[.<attribute>]``, of the member at a position in ``names``."""
    prefix, _, rest = name.partition(".")
    position, dot, inner = rest.partition(".")
    if not position.isdecimal() or int(position) >= len(names):
        raise NotFound(f"Member '{position}' not found in group resource '{group.name}'.")
    return group_attribute(group, f"{prefix}.{names[int(position)]}{dot}{inner}", path, names, members)


def _turns(group: Resource, names: Sequence[str], members: Members) -> Callable[[int], Sequence[str]]:
    """The names for each size of the group while it changes; the last of those that stay change first.

    Members that have to go stand in as long as the group is larger, then new ones.
    """
    stay = list(reversed(in_order(names, members.resources)))
    leaving = [each for each in in_order(list(members.resources), members.resources) if each not in names]
    made = int(group.data.get(_MADE) or 0)

    def names_of(size: int) -> Sequence[str]:
        known = [*stay, *reversed(leaving)]
        fresh = unused_names(group.name, made, known)
        return [*known, *(name for name, _ in islice(fresh, max(0, size - len(known))))]

    return names_of
