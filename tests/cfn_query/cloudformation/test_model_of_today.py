"""The answers of what Heat lacks, by the model that AWS SDKs are made from."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.cfn_query.cloudformation.test_model import (
    MODEL,
    TEST,
    parsed,
    query,
    reached,
    unknown,
)
from tests.cfn_query.conftest import ROOT, System
from tests.support.signing import version_4
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROLE, TOPIC = "arn:aws:iam::123456789012:role/r", "arn:aws:sns:us-east-1:123456789012:t"
TEMPLATE = {
    "Parameters": {"P": {"Type": "String", "Default": "p"}},
    "Resources": {
        "Net": {"Type": "OS::Neutron::Net", "Properties": {"name": {"Ref": "P"}}},
        "Word": {"Type": "OS::Heat::RandomString", "Properties": {"length": 8}},
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    },
}
OTHER = {
    "Parameters": TEMPLATE["Parameters"],
    "Resources": {
        "Net": {"Type": "OS::Neutron::Net", "Properties": {"name": {"Fn::GetAtt": ["Word", "value"]}}},
        "Word": {"Type": "OS::Heat::RandomString", "Properties": {"length": {"Ref": "P"}}},
        "New": {"Type": TEST},
    },
}
POLICY = {"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}
NAMED = {"StackName": "today", "ChangeSetName": "c"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    (
        "SignalResource",
        {"StackName": "today", "LogicalResourceId": "Handle", "UniqueId": "1", "Status": "SUCCESS"},
    ),
    (
        "CreateChangeSet",
        NAMED
        | {
            "TemplateBody": json.dumps(OTHER),
            "Parameters": [{"ParameterKey": "P", "ParameterValue": "9"}],
            "Description": "d",
            "OnStackFailure": "ROLLBACK",
            "IncludeNestedStacks": True,
        },
    ),
    ("DescribeChangeSet", NAMED | {"IncludePropertyValues": True}),
    ("DescribeChangeSetHooks", NAMED),
    ("ListChangeSets", {"StackName": "today"}),
    ("GetTemplate", NAMED),
    ("DetectStackDrift", {"StackName": "today"}),
    ("DescribeStackDriftDetectionStatus", {"StackDriftDetectionId": "DETECTION"}),
    ("DescribeStackResourceDrifts", {"StackName": "today"}),
    ("DetectStackResourceDrift", {"StackName": "today", "LogicalResourceId": "Net"}),
    ("DescribeStacks", {"StackName": "today"}),
    ("SetStackPolicy", {"StackName": "today", "StackPolicyBody": json.dumps(POLICY)}),
    ("GetStackPolicy", {"StackName": "today"}),
    ("UpdateTerminationProtection", {"StackName": "today", "EnableTerminationProtection": True}),
    ("ExecuteChangeSet", NAMED),
    ("DeleteChangeSet", {"StackName": "failed", "ChangeSetName": "c"}),
    ("RollbackStack", {"StackName": "failed"}),
    ("ContinueUpdateRollback", {"StackName": "stuck"}),
]
"""What each action is asked with, one after another."""


async def prepared(system: System) -> None:
    """The stacks that the calls name: one with all that is kept, one that failed, one whose rollback did."""
    kept = {
        "RoleARN": ROLE,
        "NotificationARNs": [TOPIC],
        "Capabilities": ["CAPABILITY_IAM"],
        "RollbackConfiguration": {
            "RollbackTriggers": [{"Arn": TOPIC, "Type": "AWS::CloudWatch::Alarm"}],
            "MonitoringTimeInMinutes": 1,
        },
    }
    fails = {"Resources": {"A": {"Type": TEST, "Properties": {"fail": True}}}}
    await system.aws.call("CreateStack", StackName="today", TemplateBody=json.dumps(TEMPLATE), **kept)
    await system.aws.call("CreateStack", StackName="failed", TemplateBody=json.dumps(fails))
    await reached(system, "today", "CREATE_COMPLETE")
    await reached(system, "failed", "CREATE_FAILED")


async def stuck(system: System) -> None:
    """A stack whose rollback has failed: the name of its network could not be set back."""

    def of(name: str, *, fails: bool) -> str:
        net = {"Type": "OS::Neutron::Net", "Properties": {"name": name}}
        test = {"Type": TEST, "DependsOn": "Net", "Properties": {"value": name, "fail": fails}}
        return json.dumps({"Resources": {"Net": net, "A": test}})

    await system.aws.call(
        "CreateStack", StackName="stuck", TemplateBody=of("a", fails=False), DisableRollback=False
    )
    await reached(system, "stuck", "CREATE_COMPLETE")
    refused = {"effect": "status", "status": 409, "service": "network", "method": "PUT", "nth": [2]}
    system.cloud.faults.replace([refused])
    await system.aws.call("UpdateStack", StackName="stuck", TemplateBody=of("b", fails=True))
    await reached(system, "stuck", "UPDATE_ROLLBACK_FAILED")
    system.cloud.faults.replace([])


async def test_answers_are_what_the_model_says(system: System) -> None:
    await prepared(system)
    await stuck(system)
    known: dict[str, str] = {}
    for action, given in CALLS:
        params = {name: known.get(str(value), value) for name, value in given.items()}
        answer = await system.aws.send(version_4(ROOT, query(action, params), system.aws.key))
        assert answer.status_code == 200, (action, answer.text)
        root, shape = ET.fromstring(answer.text), MODEL.operation_model(action).output_shape
        found = parsed(action, answer)
        if shape is None:
            assert [child.tag for child in root] == ["ResponseMetadata"], action
            continue
        result, _ = root
        assert list(unknown(shape, result, action)) == []
        assert found.keys() - {"ResponseMetadata"} == {child.tag for child in result}, action
        if action == "DetectStackDrift":
            known["DETECTION"] = found["StackDriftDetectionId"]
            await _detected(system, known["DETECTION"])
    assert {action for action, _ in CALLS} <= set(MODEL.operation_names)


async def _detected(system: System, detection: str) -> None:
    async def is_over() -> bool:
        found = await system.aws.call("DescribeStackDriftDetectionStatus", StackDriftDetectionId=detection)
        return found.text(".//DetectionStatus") == "DETECTION_COMPLETE"

    await until(is_over)
