"""OS::Heat::InstanceGroup, a number of instances by a launch configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.aws import instance_groups, load_balancers
from stackd.resources.aws.instance_parts import Pair
from stackd.resources.aws.rolling_policy import RollingPolicy, check_policy, pace_of
from stackd.resources.base import Batch, Child, Members, NestedType
from stackd.resources.follows import Siblings
from stackd.resources.heat import scaling_groups
from stackd.resources.heat.rolling import Definition, Pace
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_ROLLING = "RollingUpdate"


class InstanceGroupPolicy(Properties):
    """The update policy of a group."""

    rolling: RollingPolicy | None = prop("", name=_ROLLING)


class InstanceGroupProps(Properties):
    """Properties of ``OS::Heat::InstanceGroup``."""

    zones: list[Any] = prop(
        "Availability zones; they have no effect.", name="AvailabilityZones", required=True
    )
    configuration: str = prop(
        "The launch configuration of the members, by reference.",
        name="LaunchConfigurationName",
        required=True,
        update=IN_PLACE,
    )
    size: int = prop("How many members there are.", name="Size", required=True, update=IN_PLACE)
    load_balancers: list[Any] | None = prop("Load balancers for the members.", name="LoadBalancerNames")
    tags: list[Pair] | None = prop("Tags of the members.", name="Tags")


@resource_type("OS::Heat::InstanceGroup")
class InstanceGroup(NestedType[InstanceGroupProps]):
    """Makes a number of instances by a launch configuration.

    Another launch configuration is for new members; with an update policy, for all.
    """

    update_policy = InstanceGroupPolicy.schema
    checkable = True
    shaping = ("Size",)
    attributes: ClassVar = {
        instance_groups.LIST: attr("The addresses of the members in order, separated by commas.")
    }

    def validate(self, props: InstanceGroupProps) -> None:
        """The size is a number of members."""
        size = props.data["Size"]
        if isinstance(size, int) and size < 0:
            raise PropertyError(
                "Size is a number of members, 0 or more.",
                path="properties.Size",
                remedy="Give it a number from 0 on.",
            )

    def validate_among(self, props: InstanceGroupProps, siblings: Siblings) -> None:
        """The launch configuration and the load balancers are those of the stack."""
        instance_groups.check_configuration(props.data["LaunchConfigurationName"], siblings)
        load_balancers.check(props.data["LoadBalancerNames"], siblings)

    def validate_update_policy(self, policy: Mapping[str, Any]) -> None:
        """Something must change in each batch, and pauses must be short."""
        check_policy(_ROLLING, policy)

    def count(self, props: InstanceGroupProps) -> int | None:
        """The number of resources."""
        size = props.data["Size"]
        return size + self.others(props) if isinstance(size, int) else None

    def others(self, props: InstanceGroupProps) -> int:
        """The resource that says where the members are, for load balancers."""
        return load_balancers.others(props.data["LoadBalancerNames"])

    def data_after(
        self, resource: Resource, props: InstanceGroupProps, members: Members
    ) -> Mapping[str, Any]:
        """The names of the members."""
        members = load_balancers.instances_of(members)
        shared = _shared(resource, props, members)
        return scaling_groups.data_of_size(resource, members, props.size, shared)

    def child(
        self, resource: Resource, props: InstanceGroupProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """The members, of which new ones have the newest definition."""
        members = load_balancers.instances_of(members)
        shared = _shared(resource, props, members)
        child = instance_groups.stack_of_instances(resource, members, shared, _pace(resource))
        return load_balancers.announced(child, props.data["LoadBalancerNames"])

    def batches(
        self,
        resource: Resource,
        old: InstanceGroupProps | None,
        new: InstanceGroupProps,
        members: Members,
        files: Mapping[str, str],
    ) -> Sequence[Batch]:
        """Several steps when an update policy brings another launch configuration to all members."""
        members = load_balancers.instances_of(members)
        shared = _shared(resource, new, members)
        batches = instance_groups.batches_of_instances(resource, members, shared, _pace(resource))
        return load_balancers.all_announced(batches, new.data["LoadBalancerNames"], members.definitions)

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """The addresses of the members, oldest first."""
        return instance_groups.read(resource, name, path, load_balancers.instances_of(members))


def _shared(group: Resource, props: InstanceGroupProps, members: Members) -> Definition:
    """The newest definition of the members."""
    definition = instance_groups.configured(group, props.configuration, members)
    tags = instance_groups.tags_of(group, props.data["Tags"])
    return instance_groups.with_properties(definition, Tags=tags)


def _pace(group: Resource) -> Pace | None:
    return pace_of(_ROLLING, group.data.get("update_policy"))
