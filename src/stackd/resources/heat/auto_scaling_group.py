"""OS::Heat::AutoScalingGroup, resources of one definition whose number lies between two bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from stackd.errors import NotFound, PropertyError
from stackd.records import Resource, Status
from stackd.resources.attributes import attr
from stackd.resources.base import Batch, Child, Members, NestedType, Scaled
from stackd.resources.constraints import between
from stackd.resources.heat.group_limits import refuse_too_large, refuse_too_many
from stackd.resources.heat.group_props import RollingUpdate
from stackd.resources.heat.members import group_attribute, is_member_attribute, no_attribute
from stackd.resources.heat.rolling import Definition, Pace, walk
from stackd.resources.heat.scaled_members import in_order, resized, unused_names
from stackd.resources.registry import resource_type
from stackd.resources.scaling import Adjustment, ended
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.functions.refs import select
from stackd.template.unknown import Unknown

_VERSION = "2015-04-30"
_NAMES, _MADE = "member_names", "members_made"


class AutoScalingGroupProps(Properties):
    """Properties of ``OS::Heat::AutoScalingGroup``."""

    resource: dict[str, Any] = prop(
        "The definition that all members share, as in a HOT template.", required=True, update=IN_PLACE
    )
    max_size: int = prop(
        "How many members there may be at most.", required=True, update=IN_PLACE, constraints=[between(0)]
    )
    min_size: int = prop(
        "How many members there must be at least.", required=True, update=IN_PLACE, constraints=[between(0)]
    )
    cooldown: int | None = prop("Seconds after a change of size in which policies wait.", update=IN_PLACE)
    desired_capacity: int | None = prop("How many members there are at first.", update=IN_PLACE)
    rolling_updates: RollingUpdate = prop(
        "How the members change when their definition does.",
        default={"min_in_service": 0, "max_batch_size": 1, "pause_time": 0},
        update=IN_PLACE,
    )


@resource_type("OS::Heat::AutoScalingGroup", since="2014.1")
class AutoScalingGroup(NestedType[AutoScalingGroupProps]):
    """Makes a number of resources from one definition, which can change between two bounds.

    Members have random names. When the group shrinks, failed members go first, then the oldest.
    """

    checkable = True
    shaping = ("desired_capacity", "min_size", "max_size")
    attributes: ClassVar = {
        "outputs": attr("The named attribute of all members by name.", "map", since="2014.2"),
        "outputs_list": attr("The named attribute of all members in order.", "list", since="2014.2"),
        "current_size": attr("How many members work.", "integer", since="2015.1"),
        "refs": attr("References of the members in order.", "list", since="7.0.0"),
        "refs_map": attr("References of the members by name.", "map", since="7.0.0"),
    }

    def validate(self, props: AutoScalingGroupProps) -> None:
        """The bounds must be in order, and the capacity within them."""
        low, high, desired = (props.data.get(key) for key in ("min_size", "max_size", "desired_capacity"))
        if any(isinstance(each, Unknown) for each in (low, high, desired)):
            return
        if props.max_size < props.min_size:
            raise PropertyError("MinSize can not be greater than MaxSize", path="properties.min_size")
        if desired is not None and not props.min_size <= desired <= props.max_size:
            raise PropertyError(
                "DesiredCapacity must be between MinSize and MaxSize", path="properties.desired_capacity"
            )

    def count(self, props: AutoScalingGroupProps) -> int | None:
        """The number of members that a new group has."""
        desired, low = props.data.get("desired_capacity"), props.data["min_size"]
        first = low if desired is None else desired
        return first if isinstance(first, int) else None

    def data_after(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members
    ) -> Mapping[str, Any]:
        """The names of the members; the size stays as it is unless another capacity is asked for."""
        names = _names(resource, members)
        desired = props.data.get("desired_capacity")
        new = _NAMES not in resource.data
        if desired is not None and (new or desired != resource.properties.get("desired_capacity")):
            size = desired
        else:
            size = props.min_size if new else len(names)
        size = max(props.min_size, min(size, props.max_size))
        refuse_too_many(size)
        refuse_too_large(size, props.data["resource"])
        made = int(resource.data.get(_MADE) or 0)
        names, made = resized(resource.name, names, members.resources, size, made)
        return {_NAMES: names, _MADE: made}

    def child(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """All members in their newest definition."""
        shared = _without_none(props.data["resource"])
        return _stack(dict.fromkeys(_names(resource, members), shared))

    def batches(
        self,
        resource: Resource,
        old: AutoScalingGroupProps | None,
        new: AutoScalingGroupProps,
        members: Members,
        files: Mapping[str, str],
    ) -> Sequence[Batch]:
        """Several steps when the definition changes, the oldest members first."""
        last = Batch(self.child(resource, new, members, files))
        if old is None or "resource" not in new.changed(old):
            return [last]
        rolling, shared = new.rolling_updates, _without_none(new.data["resource"])
        pace = Pace(rolling.max_batch_size, rolling.pause_time, rolling.min_in_service)
        names, before = _names(resource, members), _without_none(old.data["resource"])
        now = {name: _stored(row, before, shared) for name, row in members.resources.items()}
        turns = _turns(resource, names, members)
        states = walk(
            now, lambda size: list(islice(turns(size), size)), len(names), pace, lambda name: shared
        )
        plan = [Batch(_stack(state), pace.pause) for state in states]
        if plan and plan[-1].child == last.child:
            plan.pop()
        return [*plan, last]

    scales = True

    def cooldown(self, props: AutoScalingGroupProps) -> float | None:
        """The group's own cooldown."""
        return props.cooldown

    def metadata_after(
        self, resource: Resource, props: AutoScalingGroupProps, moment: datetime
    ) -> Mapping[str, Any]:
        """The cooldown begins anew."""
        size = len(resource.data.get(_NAMES) or ())
        return ended(resource.metadata, moment, props.cooldown, f"ExactCapacity : {size}")

    def scaled(
        self,
        resource: Resource,
        props: AutoScalingGroupProps,
        members: Members,
        defined: Mapping[str, Any],
        adjustment: Adjustment,
    ) -> Scaled | None:
        """Those that stay keep their definition; new members get the newest."""
        names = _names(resource, members)
        rows = [members.resources[each] for each in names if each in members.resources]
        working = sum(row.status is not Status.FAILED for row in rows)
        size = adjustment.of(working, props.min_size, props.max_size)
        if size == working:
            return None
        shared = _without_none(props.data["resource"])
        refuse_too_many(size)
        refuse_too_large(size, shared)
        made = int(resource.data.get(_MADE) or 0)
        names, made = resized(resource.name, names, members.resources, size, made)
        return Scaled(
            {_NAMES: names, _MADE: made}, _stack({each: defined.get(each, shared) for each in names})
        )

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """Lists and maps of the members' references and attributes, oldest first."""
        wanted = set(_names(resource, members))
        names = in_order([each for each in members.resources if each in wanted], members.resources)
        if name == "current_size":
            return sum(members.resources[each].status is not Status.FAILED for each in names)
        if name in ("outputs", "outputs_list"):
            if not path:
                raise no_attribute(resource, name)
            values = {each: members.attribute(each, path) for each in names}
            return values if name == "outputs" else list(values.values())
        if name == "refs_map":
            return select({each: members.references.get(each) for each in names}, path)
        if name == "refs":
            return select([members.references.get(each) for each in names], path)
        if is_member_attribute(name):
            return group_attribute(resource, _by_name(resource, name, names), path, names, members)
        raise no_attribute(resource, name)


def _names(resource: Resource, members: Members) -> list[str]:
    """The names of the members that the group is to have."""
    return list(resource.data.get(_NAMES) or members.resources)


def _by_name(resource: Resource, attribute: str, names: Sequence[str]) -> str:
    """``resource.<position>…`` with the member's name in place of its position."""
    prefix, _, rest = attribute.partition(".")
    position, dot, inner = rest.partition(".")
    if not position.isdecimal() or int(position) >= len(names):
        raise NotFound(f"Member '{position}' not found in group resource '{resource.name}'.")
    return f"{prefix}.{names[int(position)]}{dot}{inner}"


def _turns(resource: Resource, names: Sequence[str], members: Members) -> Any:
    """The names for each size of the group while it changes; the last of those that stay change first.

    Members that have to go stand in as long as the group is larger, then new ones.
    """
    stay = list(reversed(in_order(names, members.resources)))
    leaving = [each for each in in_order(list(members.resources), members.resources) if each not in names]
    made = int(resource.data.get(_MADE) or 0)

    def names_of(size: int) -> Sequence[str]:
        known = [*stay, *reversed(leaving)]
        fresh = unused_names(resource.name, made, known)
        return [*known, *(name for name, _ in islice(fresh, max(0, size - len(known))))]

    return names_of


def _without_none(definition: Mapping[str, Any]) -> Definition:
    return {key: value for key, value in definition.items() if value is not None}


def _stored(row: Resource, before: Definition, after: Definition) -> Definition:
    """The definition that a member has now: the new one if a change that was cut off has reached it."""
    new = after.get("properties") or {}
    return after if row.type == after.get("type") and dict(row.properties) == new else before


def _stack(members: Mapping[str, Definition]) -> Child:
    return Child({"heat_template_version": _VERSION, "resources": dict(members)})
