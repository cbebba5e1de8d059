"""Protection, stack policies, ways out of failures, drift and signals, as AWS clients use them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from stackd.app import make_cfn_asgi
from tests.cfn_query.cloudformation.test_stories import STACK, described, reached
from tests.cfn_query.conftest import CFN, Aws, System
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOT_FIRST = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/First"},
        ]
    }
)
ALL = json.dumps(
    {"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}
)


def body(value: str = "a", *, fail: bool = False, **resources: Any) -> str:
    first = {"Type": "OS::Heat::TestResource", "Properties": {"value": value, "fail": fail}}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"First": first, **resources}})


async def created(
    system: System, name: str, template: str, end: str = "CREATE_COMPLETE", **params: Any
) -> str:
    made = await system.aws.call("CreateStack", StackName=name, TemplateBody=template, **params)
    assert made.status == 200, made.error
    arn = made.text("CreateStackResult/StackId")
    await reached(system, arn, end)
    return arn


async def test_protected_stack_is_deleted_by_neither_api(system: System) -> None:
    arn = await created(system, "guarded", body(), EnableTerminationProtection=True)
    shown = await described(system, "guarded")
    assert shown.text(f"{STACK}EnableTerminationProtection") == "true"
    refused = await system.aws.call("DeleteStack", StackName="guarded")
    text = "Stack [guarded] cannot be deleted while TerminationProtection is enabled"
    assert refused.error == (400, "ValidationError", text)
    code, kind, message = await system.native.refused("DELETE", f"/stacks/guarded/{arn.rpartition('/')[2]}")
    assert (code, kind, message) == (409, "StackProtected", text)
    freed = await system.aws.call(
        "UpdateTerminationProtection", StackName="guarded", EnableTerminationProtection=False
    )
    assert freed.text("UpdateTerminationProtectionResult/StackId") == arn
    assert (await system.aws.call("DeleteStack", StackName="guarded")).status == 200
    await reached(system, arn, "DELETE_COMPLETE")


async def test_stack_policy_judges_updates_unless_one_brings_its_own(system: System) -> None:
    await created(system, "judged", body())
    none = await system.aws.call("GetStackPolicy", StackName="judged")
    assert none.root.find("GetStackPolicyResult") is not None
    assert none.root.find("GetStackPolicyResult/StackPolicyBody") is None
    wrong = await system.aws.call("SetStackPolicy", StackName="judged", StackPolicyBody="{}")
    assert wrong.error[:2] == (400, "ValidationError")
    assert (
        await system.aws.call("SetStackPolicy", StackName="judged", StackPolicyBody=NOT_FIRST)
    ).status == 200
    kept = await system.aws.call("GetStackPolicy", StackName="judged")
    assert kept.text("GetStackPolicyResult/StackPolicyBody") == NOT_FIRST

    update = {"StackName": "judged", "TemplateBody": body("b")}
    refused = await system.aws.call("UpdateStack", **update)
    assert refused.error[:2] == (400, "ValidationError")
    assert "Action denied by stack policy: Statement [#2] does not allow [Update:Modify]" in refused.error[2]
    allowed = await system.aws.call("UpdateStack", **update, StackPolicyDuringUpdateBody=ALL)
    assert allowed.status == 200, allowed.error
    await reached(system, "judged", "UPDATE_COMPLETE")


async def test_what_owners_ask_to_be_kept_is_shown(system: System) -> None:
    role, topic = "arn:aws:iam::123456789012:role/r", "arn:aws:sns:us-east-1:123456789012:t"
    watched = {"RollbackTriggers": [{"Arn": topic, "Type": "AWS::CloudWatch::Alarm"}]}
    await created(
        system,
        "kept",
        body(),
        RoleARN=role,
        NotificationARNs=[topic],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        RollbackConfiguration={**watched, "MonitoringTimeInMinutes": 5},
    )
    shown = await described(system, "kept")
    found = [
        shown.text(f"{STACK}{name}") for name in ("RoleARN", "NotificationARNs/member", "Capabilities/member")
    ]
    assert found == [role, topic, "CAPABILITY_NAMED_IAM"]
    assert shown.text(f"{STACK}RollbackConfiguration/MonitoringTimeInMinutes") == "5"
    assert shown.text(f"{STACK}RollbackConfiguration/RollbackTriggers/member/Arn") == topic
    for params in (
        {"Capabilities": ["CAPABILITY_X"]},
        {"RoleARN": "short"},
        {"NotificationARNs": [topic] * 6},
        {"RollbackConfiguration": {"MonitoringTimeInMinutes": 181}},
        {"RollbackConfiguration": {"RollbackTriggers": [{"Arn": topic}]}},
        {"ResourceTypes": ["AWS::EC2::*"]},
        {"StackPolicyBody": "no json"},
    ):
        refused = await system.aws.call("CreateStack", StackName="wrong", TemplateBody=body(), **params)
        assert refused.error[:2] == (400, "ValidationError"), params


async def test_capabilities_are_required_where_the_operator_wants_that(system: System) -> None:
    settings = system.parts.settings
    listener = settings.api.cfn.model_copy(update={"require_capabilities": True})
    api = settings.api.model_copy(update={"cfn": listener})
    strict = replace(system.parts, settings=settings.model_copy(update={"api": api}))
    template = body(User={"Type": "AWS::IAM::User"})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_cfn_asgi(strict)), base_url=CFN
    ) as client:
        aws = Aws(client, system.aws.key)
        refused = await aws.call("CreateStack", StackName="cap", TemplateBody=template)
        text = "Requires capabilities : [CAPABILITY_IAM]"
        assert refused.error == (400, "InsufficientCapabilitiesException", text)
        wanted = {
            "StackName": "cap",
            "ChangeSetName": "c",
            "ChangeSetType": "CREATE",
            "TemplateBody": template,
        }
        refused = await aws.call("CreateChangeSet", **wanted)
        assert refused.error[1] == "InsufficientCapabilitiesException"
        made = await aws.call("CreateChangeSet", **wanted, Capabilities=["CAPABILITY_NAMED_IAM"])
        assert made.status == 200, made.error


async def test_stack_that_cannot_be_made_is_left_rolled_back_or_deleted(system: System) -> None:
    failing = body(fail=True)
    await created(system, "left", failing, "CREATE_FAILED", OnFailure="DO_NOTHING")
    await created(system, "back", failing, "ROLLBACK_COMPLETE", OnFailure="ROLLBACK")
    await created(system, "gone", failing, "DELETE_COMPLETE", OnFailure="DELETE")
    refused = await system.aws.call("UpdateStack", StackName="back", TemplateBody=body())
    assert refused.error[2].endswith("is in ROLLBACK_COMPLETE state and can not be updated.")
    undone = await system.aws.call("RollbackStack", StackName="left")
    assert undone.text("RollbackStackResult/OperationId")
    await reached(system, "left", "ROLLBACK_COMPLETE")
    for action in ("RollbackStack", "ContinueUpdateRollback", "CancelUpdateStack"):
        refused = await system.aws.call(action, StackName="left")
        assert refused.error[:2] == (400, "ValidationError"), action


async def test_running_update_is_cancelled_once_however_often_that_is_asked_for(system: System) -> None:
    await created(system, "stop", body())
    slow = {"Second": {"Type": "OS::Heat::TestResource", "Properties": {"wait_secs": 60}}}
    await system.aws.call("UpdateStack", StackName="stop", TemplateBody=body("b", **slow))
    refused = await system.aws.call("UpdateStack", StackName="stop", TemplateBody=body("c"))
    assert refused.error[2].endswith("is in UPDATE_IN_PROGRESS state and can not be updated.")
    for _ in range(2):
        stopped = await system.aws.call("CancelUpdateStack", StackName="stop", ClientRequestToken="t-stop")
        assert stopped.status == 200
    await reached(system, "stop", "UPDATE_ROLLBACK_COMPLETE")
    refused = await system.aws.call("DeleteStack", StackName="stop", RetainResources=["First"])
    assert refused.error[:2] == (400, "ValidationError")


async def test_previous_values_and_the_previous_template_are_kept_where_that_is_asked_for(
    system: System,
) -> None:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"A": {"Type": "String", "Default": "a"}, "B": {"Type": "String", "Default": "b"}},
        "Resources": {
            "First": {
                "Type": "OS::Heat::TestResource",
                "Properties": {"value": {"Fn::Join": ["-", [{"Ref": "A"}, {"Ref": "B"}]]}},
            }
        },
        "Outputs": {"Both": {"Value": {"Fn::GetAtt": ["First", "output"]}}},
    }
    chosen = [{"ParameterKey": "A", "ParameterValue": "1"}, {"ParameterKey": "B", "ParameterValue": "2"}]
    await created(system, "before", json.dumps(template), Parameters=chosen)
    kept = [{"ParameterKey": "A", "UsePreviousValue": True}]
    updated = await system.aws.call(
        "UpdateStack", StackName="before", UsePreviousTemplate=True, Parameters=kept
    )
    assert updated.status == 200, updated.error
    await reached(system, "before", "UPDATE_COMPLETE")
    assert (await described(system, "before")).text(f"{STACK}Outputs/member/OutputValue") == "1-b"
    both = [{"ParameterKey": "A", "ParameterValue": "x", "UsePreviousValue": True}]
    refused = await system.aws.call(
        "UpdateStack", StackName="before", UsePreviousTemplate=True, Parameters=both
    )
    assert refused.error[:2] == (400, "ValidationError")


async def test_drift_from_its_detection_to_the_differences(system: System) -> None:
    net = {"Type": "OS::Neutron::Net", "Properties": {"name": "mine"}}
    await created(system, "drifting", body(Net=net))
    assert (await described(system, "drifting")).text(
        f"{STACK}DriftInformation/StackDriftStatus"
    ) == "NOT_CHECKED"
    part = await system.aws.call("DescribeStackResource", StackName="drifting", LogicalResourceId="Net")
    physical = part.text("DescribeStackResourceResult/StackResourceDetail/PhysicalResourceId")
    caller = await system.parts.tokens.validate(system.native.token)
    network = system.parts.engine.trusts.of_caller(caller).service("network")
    await network.put(f"/networks/{physical}", {"network": {"name": "theirs"}})

    begun = await system.aws.call("DetectStackDrift", StackName="drifting")
    id_ = begun.text("DetectStackDriftResult/StackDriftDetectionId")
    assert len(id_) <= 36
    status = "DescribeStackDriftDetectionStatusResult/"

    async def is_detected() -> bool:
        found = await system.aws.call("DescribeStackDriftDetectionStatus", StackDriftDetectionId=id_)
        return found.text(f"{status}DetectionStatus") == "DETECTION_COMPLETE"

    await until(is_detected)
    found = await system.aws.call("DescribeStackDriftDetectionStatus", StackDriftDetectionId=id_)
    assert found.text(f"{status}StackDriftStatus") == "DRIFTED"
    assert found.text(f"{status}DriftedStackResourceCount") == "1"
    assert (await described(system, "drifting")).text(
        f"{STACK}DriftInformation/StackDriftStatus"
    ) == "DRIFTED"
    drifts = await system.aws.call(
        "DescribeStackResourceDrifts", StackName="drifting", StackResourceDriftStatusFilters=["MODIFIED"]
    )
    difference = "DescribeStackResourceDriftsResult/StackResourceDrifts/member/PropertyDifferences/member/"
    names = ("PropertyPath", "ExpectedValue", "ActualValue", "DifferenceType")
    assert [drifts.text(difference + name) for name in names] == ["/name", "mine", "theirs", "NOT_EQUAL"]
    one = await system.aws.call("DetectStackResourceDrift", StackName="drifting", LogicalResourceId="Net")
    assert (
        one.text("DetectStackResourceDriftResult/StackResourceDrift/StackResourceDriftStatus") == "MODIFIED"
    )
    rows = await system.aws.call("ListStackResources", StackName="drifting")
    assert sorted(rows.texts(".//StackResourceDriftStatus")) == ["MODIFIED", "NOT_CHECKED"]
    foreign = await system.other.call("DescribeStackDriftDetectionStatus", StackDriftDetectionId=id_)
    assert foreign.error[:2] == (400, "ValidationError")


@pytest.mark.parametrize(
    ("name", "handle", "condition"),
    [
        (
            "aws-wait",
            {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "900", "Count": 2},
            },
        ),
        (
            "heat-wait",
            {"Type": "OS::Heat::WaitConditionHandle", "Properties": {"signal_transport": "HEAT_SIGNAL"}},
            {
                "Type": "OS::Heat::WaitCondition",
                "Properties": {"handle": {"Ref": "Handle"}, "timeout": 900, "count": 2},
            },
        ),
    ],
)
async def test_signals_of_this_api_complete_wait_conditions(
    system: System, name: str, handle: dict[str, Any], condition: dict[str, Any]
) -> None:
    await system.aws.call("CreateStack", StackName=name, TemplateBody=body(Handle=handle, Wait=condition))

    async def is_waiting() -> bool:
        found = await system.aws.call("DescribeStackResource", StackName=name, LogicalResourceId="Wait")
        return found.status == 200 and "CREATE_IN_PROGRESS" in found.texts(".//ResourceStatus")

    await until(is_waiting)
    signal = {"StackName": name, "LogicalResourceId": "Handle", "Status": "SUCCESS"}
    for unique in ("a", "a", "b"):
        sent = await system.aws.call("SignalResource", **signal, UniqueId=unique)
        assert sent.status == 200, sent.error
    await reached(system, name, "CREATE_COMPLETE")
    for wrong in ({"Status": "MAYBE"}, {"UniqueId": "x" * 65}, {"LogicalResourceId": "Nothing"}):
        refused = await system.aws.call("SignalResource", **({**signal, "UniqueId": "c"} | wrong))
        assert refused.error[:2] == (400, "ValidationError"), wrong
