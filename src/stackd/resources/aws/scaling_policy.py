"""AWS::AutoScaling::ScalingPolicy, in the words of CloudFormation: a reference to it is its signed URL."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.constraints import between, one_of
from stackd.resources.heat.scaling_policy import URL, ScalingPolicy, kept, refuse_step
from stackd.resources.registry import resource_type
from stackd.resources.scaling import CHANGE, EXACT, PERCENT, Adjustment
from stackd.resources.schema import IN_PLACE, Properties, prop

_KINDS = {"ChangeInCapacity": CHANGE, "ExactCapacity": EXACT, "PercentChangeInCapacity": PERCENT}


class AWSScalingPolicyProps(Properties):
    """Properties of ``AWS::AutoScaling::ScalingPolicy``."""

    group: str = prop(
        "Reference of the group, which is in the same stack.", name="AutoScalingGroupName", required=True
    )
    scaling_adjustment: int = prop(
        "By how many members, or per cent of them, the group changes; or how many it is to have.",
        name="ScalingAdjustment",
        required=True,
        update=IN_PLACE,
    )
    adjustment_type: str = prop(
        "What the adjustment is: a change, the exact number, or a change in per cent.",
        name="AdjustmentType",
        required=True,
        update=IN_PLACE,
        constraints=[one_of(*_KINDS)],
    )
    cooldown: int | None = prop(
        "Seconds after a change in which signals are ignored.", name="Cooldown", update=IN_PLACE
    )
    min_adjustment_step: int | None = prop(
        "The least number of members that a change in per cent adds or removes.",
        name="MinAdjustmentStep",
        update=IN_PLACE,
        constraints=[between(0)],
    )


@resource_type("AWS::AutoScaling::ScalingPolicy")
class AWSScalingPolicy(ScalingPolicy):
    """Changes the number of members of a scaling group whenever its URL is called.

    Signals are ignored while the group is changing, and for its cooldown after that.
    """

    properties = AWSScalingPolicyProps
    attributes: ClassVar = {
        "AlarmUrl": attr("A signed URL to signal with, without a token.", compute=kept(URL)),
    }

    def validate(self, props: Any) -> None:
        """The least step is for changes in per cent."""
        kind, step = props.data.get("AdjustmentType"), props.data.get("MinAdjustmentStep")
        refuse_step(kind, step, "MinAdjustmentStep", "PercentChangeInCapacity")

    def adjustment(self, resource: Resource) -> Adjustment:
        """The adjustment that the properties describe."""
        props = AWSScalingPolicyProps.wrap(dict(resource.properties))
        by, label = props.scaling_adjustment, f"{props.adjustment_type} : {props.scaling_adjustment}"
        kind, step = _KINDS[props.adjustment_type], props.min_adjustment_step
        return Adjustment(props.group, kind, by, label, step, props.cooldown)

    def reference(self, resource: Resource) -> Any:
        """The signed URL, or the name before there is one."""
        return resource.data.get(URL) or resource.name
