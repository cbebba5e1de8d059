"""Parameters of the wrong shape are refused by name; none is an error of the server."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from botocore.loaders import Loader
from botocore.model import ServiceModel

from stackd.cfn_query.cloudformation import ACTIONS
from tests.cfn_query.conftest import ROOT, System, query

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE: list[Any] = [
    "x" * 2000,
    "\x01\ufffe",
    "arn:openstack:heat::p:stacks/s/i",
    "-1",
    {"a": {"b": "c"}},
    ["x", {"a": "b"}],
    [{"ParameterKey": "A"}, {"UsePreviousValue": "true"}, {"Key": "k"}],
    {"entry.1": {"key": "k", "value": "v"}},
]
RESOURCES = {"resources": {"A": {"type": "OS::Heat::TestResource"}}}
GOOD = {
    "StackName": "hostile",
    "TemplateBody": '{"Resources": {"A": {"Type": "OS::Heat::TestResource"}}}',
    "ChangeSetName": "c",
    "LogicalResourceId": "A",
    "UniqueId": "u",
    "Status": "SUCCESS",
    "StackDriftDetectionId": "d",
    "ExportName": "e",
}
LEFT_OUT = ("CreateStack", "DeleteStack")
"""Actions that would succeed with some of the values."""


def members(action: str) -> list[str]:
    model = ServiceModel(Loader().load_service_model("cloudformation", "service-2"), "cloudformation")
    shape = model.operation_model(action).input_shape
    return list(shape.members) if shape is not None else []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def headers(system: System) -> dict[str, str]:
    """A proof of somebody who has the stack that is named."""
    await system.native.create("hostile", {"heat_template_version": "2021-04-16", **RESOURCES})
    return {"X-Auth-Token": system.native.token}


@pytest.mark.parametrize("action", sorted(ACTIONS))
async def test_parameters_of_the_wrong_shape_are_no_error_of_the_server(
    system: System, headers: dict[str, str], action: str
) -> None:
    names = members(action)
    for name in names:
        for value in HOSTILE:
            given = {each: GOOD[each] for each in names if each in GOOD} | {name: value}
            if action in LEFT_OUT:
                given["StackName"] = value if name == "StackName" else "-wrong"
            answer = await system.cfn.post(ROOT, data=query(action, given), headers=headers)
            assert answer.status_code < 500, (name, value, answer.text)
            assert answer.headers["content-type"] == "application/xml"
