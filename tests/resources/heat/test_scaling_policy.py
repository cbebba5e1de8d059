"""Both scaling policies as declarations: what is refused, and what a signal means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.aws.scaling_policy import AWSScalingPolicy, AWSScalingPolicyProps
from stackd.resources.heat.scaling_policy import ScalingPolicy, ScalingPolicyProps
from stackd.resources.scaling import Adjustment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(kind: str, **properties: Any) -> Resource:
    ids: dict[str, Any] = {"id": "1", "stack_id": "s", "root_id": "s"}
    return Resource(**ids, name="p", type=kind, kind=kind, created_at=NOW, properties=properties)


def heat(kind: str = "change_in_capacity", **more: Any) -> dict[str, Any]:
    return {"auto_scaling_group_id": "g", "scaling_adjustment": 2, "adjustment_type": kind, **more}


def aws(kind: str = "ChangeInCapacity", **more: Any) -> dict[str, Any]:
    return {"AutoScalingGroupName": "g", "ScalingAdjustment": 2, "AdjustmentType": kind, **more}


def test_a_least_step_is_for_changes_in_per_cent_only() -> None:
    with pytest.raises(PropertyError, match="min_adjustment_step"):
        ScalingPolicy().validate(ScalingPolicyProps.load(heat(min_adjustment_step=1), "p"))
    with pytest.raises(PropertyError, match="MinAdjustmentStep"):
        AWSScalingPolicy().validate(AWSScalingPolicyProps.load(aws(MinAdjustmentStep=1), "p"))
    percent = heat("percent_change_in_capacity", min_adjustment_step=1)
    ScalingPolicy().validate(ScalingPolicyProps.load(percent, "p"))
    in_aws = aws("PercentChangeInCapacity", MinAdjustmentStep=1)
    AWSScalingPolicy().validate(AWSScalingPolicyProps.load(in_aws, "p"))


def test_a_signal_means_the_same_in_both_dialects() -> None:
    loaded = ScalingPolicyProps.load(heat(cooldown=60), "p").data
    known = ScalingPolicy().adjustment(row("OS::Heat::ScalingPolicy", **loaded))
    assert known == Adjustment("g", "change_in_capacity", 2, "change_in_capacity : 2", None, 60)
    loaded = AWSScalingPolicyProps.load(aws(Cooldown=60), "p").data
    known = AWSScalingPolicy().adjustment(row("AWS::AutoScaling::ScalingPolicy", **loaded))
    assert known == Adjustment("g", "change_in_capacity", 2, "ChangeInCapacity : 2", None, 60)


def test_the_reference_of_aws_is_its_signed_url_once_there_is_one() -> None:
    made = row("AWS::AutoScaling::ScalingPolicy")
    assert AWSScalingPolicy().reference(made) == "p"
    signed = replace(made, data={"ec2_signed_url": "u"})
    assert AWSScalingPolicy().reference(signed) == "u"
    assert AWSScalingPolicy().computed_values(signed) == {"AlarmUrl": "u"}
