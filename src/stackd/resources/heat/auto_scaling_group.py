"""OS::Heat::AutoScalingGroup, resources of one definition whose number lies between two bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from stackd.records import Resource, Status
from stackd.resources.attributes import attr
from stackd.resources.base import Batch, Child, Members, NestedType, Scaled
from stackd.resources.constraints import between
from stackd.resources.heat import scaling_groups
from stackd.resources.heat.capacity import Capacity
from stackd.resources.heat.group_props import RollingUpdate
from stackd.resources.heat.members import is_member_attribute, no_attribute
from stackd.resources.heat.rolling import Definition, Pace
from stackd.resources.registry import resource_type
from stackd.resources.scaling import Adjustment
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.functions.refs import select

_CAPACITY = Capacity(low="min_size", high="max_size", desired="desired_capacity")


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
    scales = True
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
        _CAPACITY.check(props)

    def count(self, props: AutoScalingGroupProps) -> int | None:
        """The number of members that a new group has."""
        return _CAPACITY.first(props)

    def data_after(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members
    ) -> Mapping[str, Any]:
        """The names of the members; a change of the group brings it back to its desired capacity."""
        size = scaling_groups.size_after(resource, props, members, _CAPACITY)
        return scaling_groups.data_of_size(resource, members, size, props.data["resource"])

    def child(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """All members in their newest definition."""
        return scaling_groups.uniform_stack(resource, members, _shared(props))

    def batches(
        self,
        resource: Resource,
        old: AutoScalingGroupProps | None,
        new: AutoScalingGroupProps,
        members: Members,
        files: Mapping[str, str],
    ) -> Sequence[Batch]:
        """Several steps when the definition changes, the oldest members first."""
        if old is None or "resource" not in new.changed(old):
            return [Batch(self.child(resource, new, members, files))]
        rolling = new.rolling_updates
        pace = Pace(rolling.max_batch_size, rolling.pause_time, rolling.min_in_service)
        return scaling_groups.rolling_batches(resource, members, _shared(old), _shared(new), pace)

    def cooldown(self, props: AutoScalingGroupProps) -> float | None:
        """The group's own cooldown."""
        return props.cooldown

    def metadata_after(
        self, resource: Resource, props: AutoScalingGroupProps, moment: datetime
    ) -> Mapping[str, Any]:
        """The cooldown begins anew."""
        return scaling_groups.cooling(resource, moment, props.cooldown)

    def scaled(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members, adjustment: Adjustment
    ) -> Scaled | None:
        """Those that stay keep their definition; new members get the newest."""
        bounds = (props.min_size, props.max_size)
        return scaling_groups.scaled(resource, members, _shared(props), adjustment, bounds)

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """Lists and maps of the members' references and attributes, oldest first."""
        names = scaling_groups.existing_in_order(resource, members)
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
            return scaling_groups.attribute_by_position(resource, name, path, names, members)
        raise no_attribute(resource, name)


def _shared(props: AutoScalingGroupProps) -> Definition:
    """The definition of all members, without parts that are null."""
    return {key: value for key, value in props.data["resource"].items() if value is not None}
