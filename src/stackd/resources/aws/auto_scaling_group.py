"""AWS::AutoScaling::AutoScalingGroup, instances whose number lies between two bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.aws import instance_groups, load_balancers
from stackd.resources.aws.instance_parts import Pair
from stackd.resources.aws.launch_configuration import COPIED, copy_of_instance, properties_for
from stackd.resources.aws.rolling_policy import RollingPolicy, check_policy, pace_of
from stackd.resources.base import Batch, Child, Members, NestedType, Scaled
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.follows import Siblings
from stackd.resources.heat import scaling_groups
from stackd.resources.heat.capacity import Capacity
from stackd.resources.heat.rolling import Definition, Pace
from stackd.resources.registry import resource_type
from stackd.resources.scaling import Adjustment
from stackd.resources.schema import IN_PLACE, Properties, prop

_CAPACITY = Capacity(low="MinSize", high="MaxSize", desired="DesiredCapacity")
_ROLLING = "AutoScalingRollingUpdate"


class AutoScalingPolicy(Properties):
    """The update policy of a group."""

    rolling: RollingPolicy | None = prop("", name=_ROLLING)


class AutoScalingGroupProps(Properties):
    """Properties of ``AWS::AutoScaling::AutoScalingGroup``."""

    zones: list[Any] = prop(
        "Availability zones; they have no effect.", name="AvailabilityZones", required=True
    )
    configuration: str | None = prop(
        "The launch configuration of the members, by reference.",
        name="LaunchConfigurationName",
        update=IN_PLACE,
    )
    instance: str | None = prop(
        "A running instance that the members are to be like.", name="InstanceId", find="nova.server"
    )
    max_size: int = prop(
        "How many members there may be at most.", name="MaxSize", required=True, update=IN_PLACE
    )
    min_size: int = prop(
        "How many members there must be at least.", name="MinSize", required=True, update=IN_PLACE
    )
    cooldown: int | None = prop(
        "Seconds after a change of size in which policies wait.", name="Cooldown", update=IN_PLACE
    )
    capacity: int | None = prop(
        "How many members there are at first.", name="DesiredCapacity", update=IN_PLACE
    )
    grace: int | None = prop("Not implemented.", name="HealthCheckGracePeriod", implemented=False)
    health_check: str | None = prop(
        "Not implemented.", name="HealthCheckType", implemented=False, constraints=[one_of("EC2", "ELB")]
    )
    load_balancers: list[Any] | None = prop("Load balancers for the members.", name="LoadBalancerNames")
    subnets: list[str] | None = prop("The subnet of the members, one at most.", name="VPCZoneIdentifier")
    tags: list[Pair] | None = prop("Tags of the members.", name="Tags")


@resource_type("AWS::AutoScaling::AutoScalingGroup", since="2014.1")
class AutoScalingGroup(NestedType[AutoScalingGroupProps]):
    """Makes a number of instances by a launch configuration, which can change between two bounds.

    Another launch configuration is for new members; with an update policy, for all.
    """

    update_policy = AutoScalingPolicy.schema
    checkable = True
    scales = True
    shaping = ("DesiredCapacity", "MinSize", "MaxSize")
    attributes: ClassVar = {
        instance_groups.LIST: attr("The addresses of the members in order, separated by commas.")
    }

    def validate(self, props: AutoScalingGroupProps) -> None:
        """Members are described in one way and are in one subnet; the bounds must be in order."""
        given = [name for name in ("LaunchConfigurationName", "InstanceId") if props.data[name] is not None]
        if len(given) != 1:
            raise PropertyError(
                "Either LaunchConfigurationName or InstanceId must be given.",
                path="properties",
                remedy="Refer to a launch configuration, or name an instance to copy.",
            )
        _CAPACITY.check(props)
        subnets = props.data["VPCZoneIdentifier"]
        if isinstance(subnets, list) and len(subnets) > 1:
            raise PropertyError(
                "VPCZoneIdentifier can have one subnet only.",
                path="properties.VPCZoneIdentifier",
                remedy="Keep one of the subnets.",
            )

    def validate_among(self, props: AutoScalingGroupProps, siblings: Siblings) -> None:
        """The launch configuration and the load balancers are those of the stack."""
        if (reference := props.data["LaunchConfigurationName"]) is not None:
            instance_groups.check_configuration(reference, siblings)
        load_balancers.check(props.data["LoadBalancerNames"], siblings)

    def validate_update_policy(self, policy: Mapping[str, Any]) -> None:
        """Something must change in each batch, and pauses must be short."""
        check_policy(_ROLLING, policy)

    async def gather(self, ctx: Context, props: AutoScalingGroupProps) -> Mapping[str, Any]:
        """What the members have from an instance."""
        if props.instance is None:
            return {}
        server = await ctx.find.id_of("nova.server", props.instance)
        return {COPIED: await copy_of_instance(ctx, server)}

    def count(self, props: AutoScalingGroupProps) -> int | None:
        """The number of resources that a new group has."""
        first = _CAPACITY.first(props)
        return None if first is None else first + self.others(props)

    def others(self, props: AutoScalingGroupProps) -> int:
        """The resource that says where the members are, for load balancers."""
        return load_balancers.others(props.data["LoadBalancerNames"])

    def data_after(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members
    ) -> Mapping[str, Any]:
        """The names of the members; a change of the group brings it back to its desired capacity."""
        members = load_balancers.instances_of(members)
        size = scaling_groups.size_after(resource, props, members, _CAPACITY)
        return scaling_groups.data_of_size(resource, members, size, _shared(resource, props, members))

    def child(
        self, resource: Resource, props: AutoScalingGroupProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """The members, of which new ones have the newest definition."""
        members = load_balancers.instances_of(members)
        shared = _shared(resource, props, members)
        child = instance_groups.stack_of_instances(resource, members, shared, _pace(resource))
        return load_balancers.announced(child, props.data["LoadBalancerNames"])

    def batches(
        self,
        resource: Resource,
        old: AutoScalingGroupProps | None,
        new: AutoScalingGroupProps,
        members: Members,
        files: Mapping[str, str],
    ) -> Sequence[Batch]:
        """Several steps when an update policy brings another launch configuration to all members."""
        members = load_balancers.instances_of(members)
        shared = _shared(resource, new, members)
        batches = instance_groups.batches_of_instances(resource, members, shared, _pace(resource))
        return load_balancers.all_announced(batches, new.data["LoadBalancerNames"], members.definitions)

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
        members = load_balancers.instances_of(members)
        shared, bounds = _shared(resource, props, members), (props.min_size, props.max_size)
        scaled = scaling_groups.scaled(resource, members, shared, adjustment, bounds)
        if scaled is None:
            return None
        return replace(scaled, child=load_balancers.announced(scaled.child, props.data["LoadBalancerNames"]))

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """The addresses of the members, oldest first."""
        return instance_groups.read(resource, name, path, load_balancers.instances_of(members))


def _shared(group: Resource, props: AutoScalingGroupProps, members: Members) -> Definition:
    """The newest definition of the members."""
    if props.instance is not None:
        given = {"InstanceId": props.instance}
        definition = instance_groups.member(properties_for(group.name, given, group.data), {})
    else:
        definition = instance_groups.configured(group, props.configuration, members)
    subnets = props.data["VPCZoneIdentifier"]
    return instance_groups.with_properties(
        definition,
        Tags=instance_groups.tags_of(group, props.data["Tags"], by_group=True),
        SubnetId=next(iter(subnets), None) if isinstance(subnets, list) else subnets,
    )


def _pace(group: Resource) -> Pace | None:
    return pace_of(_ROLLING, group.data.get("update_policy"))
