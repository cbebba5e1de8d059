"""Every answer parses by the model that AWS SDKs are made from: nothing unknown in it, nothing missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import botocore.loaders
import botocore.model
import botocore.parsers
import httpx
import pytest

from stackd.cfn_query.cloudformation import ACTIONS
from tests.cfn_query.conftest import ROOT, System, query
from tests.support.signing import version_4
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEST = "OS::Heat::TestResource"
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "All there is",
    "Metadata": {"k": "v"},
    "Parameters": {"P": {"Type": "String", "Default": "p", "AllowedValues": ["p", "q"], "Description": "d"}},
    "Resources": {
        "A": {"Type": TEST, "Properties": {"value": {"Ref": "P"}}, "Metadata": {"m": 1}},
        "G": {"Type": "OS::Heat::ResourceGroup", "Properties": {"count": 1, "resource_def": {"type": TEST}}},
    },
    "Outputs": {"O": {"Value": "v", "Description": "d", "Export": {"Name": "model-export"}}},
}
USER = {"Resources": {"A": {"Type": TEST, "Properties": {"value": {"Fn::ImportValue": "model-export"}}}}}
BODY = json.dumps(TEMPLATE)
CALLS: dict[str, list[dict[str, Any]]] = {
    "CreateStack": [{"StackName": "new", "TemplateBody": BODY.replace("model-export", "other")}],
    "UpdateStack": [{"StackName": "model", "TemplateBody": BODY, "Tags": [{"Key": "k", "Value": "v"}]}],
    "CancelUpdateStack": [{"StackName": "slow"}],
    "DeleteStack": [{"StackName": "new"}],
    "DescribeStacks": [{}, {"StackName": "model"}, {"StackName": "NESTED"}],
    "ListStacks": [{}, {"StackStatusFilter": ["DELETE_COMPLETE"]}],
    "DescribeStackEvents": [{"StackName": "model"}],
    "DescribeStackResource": [
        {"StackName": "model", "LogicalResourceId": "A"},
        {"StackName": "model", "LogicalResourceId": "G"},
    ],
    "DescribeStackResources": [{"StackName": "model"}],
    "ListStackResources": [{"StackName": "model"}],
    "GetTemplate": [{"StackName": "model"}],
    "GetTemplateSummary": [{"StackName": "model"}, {"TemplateBody": BODY}],
    "ValidateTemplate": [{"TemplateBody": BODY}],
    "EstimateTemplateCost": [{"TemplateBody": BODY}],
    "DescribeAccountLimits": [{}],
    "ListExports": [{}],
    "ListImports": [{"ExportName": "model-export"}],
}
"""For each action what it is asked with; the answers together have every kind of member that there is."""


def service() -> botocore.model.ServiceModel:
    loaded = botocore.loaders.Loader().load_service_model("cloudformation", "service-2")
    return botocore.model.ServiceModel(loaded)


MODEL = service()


def unknown(shape: Any, element: ET.Element, path: str) -> Iterator[str]:
    """Elements of an answer that the model does not have, and required ones that the answer does not have."""
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for child in element:
            if child.tag not in names:
                yield f"{path}.{child.tag} is unknown"
            else:
                yield from unknown(names[child.tag], child, f"{path}.{child.tag}")
        present = {child.tag for child in element}
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in present)
    elif shape.type_name == "list":
        for child in element:
            if child.tag != "member":
                yield f"{path}.{child.tag} is no member"
            yield from unknown(shape.member, child, f"{path}[]")
    elif len(element):
        yield f"{path} has elements where a {shape.type_name} should be"


def parsed(action: str, answer: httpx.Response) -> dict[str, Any]:
    """The answer as an SDK gives it to its caller."""
    raw = {"body": answer.content, "headers": dict(answer.headers), "status_code": answer.status_code}
    parser = botocore.parsers.create_parser(MODEL.metadata["protocol"])
    found: dict[str, Any] = parser.parse(raw, MODEL.operation_model(action).output_shape)
    return found


@pytest.fixture(scope="module")
def stacks() -> dict[str, str]:
    return {}


async def prepared(system: System, stacks: dict[str, str]) -> dict[str, str]:
    """The stacks that the calls name, once."""
    if not stacks:
        slow = json.dumps({"Resources": {"A": {"Type": TEST}}})
        later = {"Resources": {"A": {"Type": TEST, "Properties": {"wait_secs": 50, "value": "x"}}}}
        for name, body in (("model", BODY), ("user", json.dumps(USER)), ("slow", slow)):
            await system.aws.call("CreateStack", StackName=name, TemplateBody=body)
            await reached(system, name, "CREATE_COMPLETE")
        await system.aws.call("UpdateStack", StackName="slow", TemplateBody=json.dumps(later))
        rows = await system.aws.call("ListStackResources", StackName="model")
        path = "ListStackResourcesResult/StackResourceSummaries/member/PhysicalResourceId"
        stacks["NESTED"] = rows.texts(path)[1]
    return stacks


async def reached(system: System, name: str, status: str) -> None:
    async def is_there() -> bool:
        found = await system.aws.call("DescribeStacks", StackName=name)
        return found.text("DescribeStacksResult/Stacks/member/StackStatus") == status

    await until(is_there)


@pytest.mark.parametrize(
    ("action", "number"), [(name, at) for name in CALLS for at in range(len(CALLS[name]))]
)
async def test_answer_is_what_the_model_says(
    system: System, stacks: dict[str, str], action: str, number: int
) -> None:
    names = await prepared(system, stacks)
    params = {key: names.get(str(value), value) for key, value in CALLS[action][number].items()}
    answer = await system.aws.send(version_4(ROOT, query(action, params), system.aws.key))
    assert answer.status_code == 200, answer.text
    root, shape = ET.fromstring(answer.text), MODEL.operation_model(action).output_shape
    assert root.tag == f"{action}Response"
    found = parsed(action, answer)
    assert found["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]
    if shape is None:
        assert [child.tag for child in root] == ["ResponseMetadata"]
        return
    result, metadata = root
    assert (result.tag, metadata.tag) == (f"{action}Result", "ResponseMetadata")
    assert list(unknown(shape, result, action)) == []
    assert found.keys() - {"ResponseMetadata"} == {child.tag for child in result}


async def test_every_action_is_one_of_the_model_and_is_called_here() -> None:
    assert set(ACTIONS) <= set(MODEL.operation_names)
    assert set(CALLS) <= set(ACTIONS)


async def test_required_parameters_of_the_model_are_required_here(system: System) -> None:
    for action in sorted(CALLS):
        required = MODEL.operation_model(action).input_shape.required_members
        refused = await system.aws.call(action)
        if required and action != "DeleteStack":
            assert refused.error[:2] == (400, "ValidationError"), action
    named = await system.aws.call("DeleteStack")
    assert named.error == (400, "ValidationError", "The parameter StackName is required.")


async def test_errors_parse_with_code_message_and_id(system: System) -> None:
    refused = query("DescribeStacks", {"StackName": "no-such-stack"})
    answer = await system.aws.send(version_4(ROOT, refused, system.aws.key))
    found = parsed("DescribeStacks", answer)
    assert found["Error"]["Code"] == "ValidationError"
    assert found["Error"]["Message"] == "Stack with id no-such-stack does not exist"
    assert found["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]
