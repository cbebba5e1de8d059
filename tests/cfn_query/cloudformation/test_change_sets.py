"""Change sets as clients of CloudFormation see them, from the reserved name to what was executed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cfn_query.cloudformation.test_stories import reached
from tests.cfn_query.conftest import Outcome, System

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOUND = "DescribeChangeSetResult/"
CHANGE = f"{FOUND}Changes/member/ResourceChange/"
DETAIL = f"{CHANGE}Details/member/"


def body(value: str, **more: Any) -> str:
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Parameters": {
                "Word": {"Type": "String", "Default": value},
                "Secret": {"Type": "String", "NoEcho": True, "Default": "hush"},
            },
            "Resources": {
                "First": {"Type": "OS::Heat::TestResource", "Properties": {"value": {"Ref": "Word"}}},
                "Net": {"Type": "OS::Neutron::Net", "Properties": {"name": "n"}},
            },
            **more,
        }
    )


async def create(system: System, stack: str, name: str = "c", **params: Any) -> Outcome:
    return await system.aws.call("CreateChangeSet", StackName=stack, ChangeSetName=name, **params)


async def describe(system: System, stack: str, name: str = "c", **params: Any) -> Outcome:
    return await system.aws.call("DescribeChangeSet", StackName=stack, ChangeSetName=name, **params)


async def execute(system: System, stack: str, name: str = "c", **params: Any) -> Outcome:
    return await system.aws.call("ExecuteChangeSet", StackName=stack, ChangeSetName=name, **params)


async def status(system: System, stack: str) -> str:
    found = await system.aws.call("DescribeStacks", StackName=stack)
    return found.text("DescribeStacksResult/Stacks/member/StackStatus")


async def test_life_of_change_sets_from_the_reserved_name_on(system: System) -> None:
    made = await create(
        system,
        "life",
        ChangeSetType="CREATE",
        TemplateBody=body("a"),
        Description="the first",
        Tags=[{"Key": "k", "Value": "v"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert made.status == 200, made.error
    arn = made.text("CreateChangeSetResult/Id")
    stack = made.text("CreateChangeSetResult/StackId")
    assert ":changeSet/c/" in arn
    assert await status(system, "life") == "REVIEW_IN_PROGRESS"
    listed = await system.aws.call("ListStacks", StackStatusFilter=["REVIEW_IN_PROGRESS"])
    assert stack in listed.texts(".//StackId")
    assert "life" not in str(await system.native.get("/stacks"))
    natively = await system.native.get(f"/stacks/life/{stack.rpartition('/')[2]}")
    assert natively["stack"]["stack_status"] == "INIT_COMPLETE"
    summary = await system.aws.call("GetTemplateSummary", StackName="life")
    assert summary.error[2].endswith(
        "The stack life has no template yet: none of its change sets was executed."
    )

    found = await describe(system, "", arn)
    assert [found.text(f"{FOUND}{name}") for name in ("Status", "ExecutionStatus", "StackName")] == [
        "CREATE_COMPLETE",
        "AVAILABLE",
        "life",
    ]
    assert found.texts(f"{CHANGE}Action") == ["Add", "Add"]
    assert found.texts(f"{FOUND}Parameters/member/ParameterValue") == ["a", "****"]
    assert found.texts(f"{FOUND}Tags/member/Key") == ["k"]
    assert found.texts(f"{FOUND}Capabilities/member") == ["CAPABILITY_IAM"]
    hooks = await system.aws.call("DescribeChangeSetHooks", ChangeSetName=arn)
    assert hooks.text("DescribeChangeSetHooksResult/Status") == "PLANNED"

    assert (await execute(system, "life", arn, DisableRollback=False)).status == 200
    await reached(system, stack, "CREATE_COMPLETE")
    described = await system.aws.call("DescribeStacks", StackName="life")
    assert described.text("DescribeStacksResult/Stacks/member/ChangeSetId") == arn
    assert described.text("DescribeStacksResult/Stacks/member/Tags/member/Value") == "v"
    assert (await describe(system, "life")).text(f"{FOUND}ExecutionStatus") == "EXECUTE_COMPLETE"
    again = await execute(system, "life", arn)
    assert again.error[:2] == (400, "InvalidChangeSetStatus")


async def test_update_shows_what_changes_and_why(system: System) -> None:
    made = await system.aws.call("CreateStack", StackName="why", TemplateBody=body("a"))
    await reached(system, made.text("CreateStackResult/StackId"), "CREATE_COMPLETE")
    parameters = [
        {"ParameterKey": "Word", "ParameterValue": "b"},
        {"ParameterKey": "Secret", "UsePreviousValue": True},
    ]
    made = await create(system, "why", UsePreviousTemplate=True, Parameters=parameters)
    assert made.status == 200, made.error
    found = await describe(system, "why", IncludePropertyValues=True)
    assert found.texts(f"{CHANGE}LogicalResourceId") == ["First"]
    assert (found.text(f"{CHANGE}Action"), found.text(f"{CHANGE}Replacement")) == ("Modify", "False")
    assert found.text(f"{CHANGE}Scope/member") == "Properties"
    target = {name: found.text(f"{DETAIL}Target/{name}") for name in ("Name", "BeforeValue", "AfterValue")}
    assert target == {"Name": "value", "BeforeValue": "a", "AfterValue": "b"}
    cause = [found.text(f"{DETAIL}{name}") for name in ("ChangeSource", "CausingEntity", "Evaluation")]
    assert cause == ["ParameterReference", "Word", "Static"]
    assert (await describe(system, "why")).root.findtext(f"{DETAIL}Target/AfterValue") is None
    template = await system.aws.call("GetTemplate", StackName="why", ChangeSetName="c")
    assert json.loads(template.text("GetTemplateResult/TemplateBody")) == json.loads(body("a"))


async def test_change_set_says_which_change_the_stack_policy_will_refuse(system: System) -> None:
    made = await system.aws.call("CreateStack", StackName="kept", TemplateBody=body("a"))
    await reached(system, made.text("CreateStackResult/StackId"), "CREATE_COMPLETE")
    allow: dict[str, str] = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    policy = {"Statement": [allow, {**allow, "Effect": "Deny", "Resource": "LogicalResourceId/First"}]}
    await system.aws.call("SetStackPolicy", StackName="kept", StackPolicyBody=json.dumps(policy))
    await create(system, "kept", TemplateBody=body("b"))
    found = await describe(system, "kept")
    assert found.text(f"{FOUND}Status") == "CREATE_COMPLETE"
    assert found.text(f"{FOUND}StatusReason") == (
        "The execution of this change set will fail. First: Action denied by stack policy: "
        "Statement [#2] does not allow [Update:Modify] for resource [LogicalResourceId/First]"
    )
    denied = await execute(system, "kept")
    assert denied.status == 400
    assert "denied by stack policy" in denied.error[2]


async def test_no_changes_are_a_failure_with_the_text_that_clients_look_for(system: System) -> None:
    made = await system.aws.call("CreateStack", StackName="same", TemplateBody=body("a"))
    await reached(system, made.text("CreateStackResult/StackId"), "CREATE_COMPLETE")
    assert (await create(system, "same", TemplateBody=body("a"), Tags=[], Parameters=[])).status == 200
    found = await describe(system, "same")
    assert (found.text(f"{FOUND}Status"), found.text(f"{FOUND}ExecutionStatus")) == ("FAILED", "UNAVAILABLE")
    assert "The submitted information didn't contain changes." in found.text(f"{FOUND}StatusReason")
    assert found.root.find(f"{FOUND}Changes") is not None
    listed = await system.aws.call("ListChangeSets", StackName="same")
    assert listed.texts("ListChangeSetsResult/Summaries/member/Status") == ["FAILED"]
    updated = await system.aws.call("UpdateStack", StackName="same", TemplateBody=body("a"))
    assert updated.error == (400, "ValidationError", "No updates are to be performed.")


@pytest.mark.parametrize(
    ("action", "params", "error"),
    [
        ("DescribeChangeSet", {"StackName": "same", "ChangeSetName": "x"}, (404, "ChangeSetNotFound", "[x]")),
        ("DescribeChangeSet", {"StackName": "no", "ChangeSetName": "x"}, (400, "ValidationError", "no")),
        (
            "DescribeChangeSet",
            {"ChangeSetName": "arn:openstack:heat::other:changeSet/c/1234"},
            (404, "ChangeSetNotFound", "other"),
        ),
        (
            "CreateChangeSet",
            {"StackName": "nothing", "ChangeSetName": "x", "TemplateBody": "{}"},
            (400, "ValidationError", "Stack [nothing] does not exist"),
        ),
        (
            "CreateChangeSet",
            {"StackName": "same", "ChangeSetName": "1x", "TemplateBody": "{}"},
            (400, "ValidationError", "ChangeSetName"),
        ),
        (
            "CreateChangeSet",
            {"StackName": "same", "ChangeSetName": "x", "UsePreviousTemplate": True, "TemplateBody": "{}"},
            (400, "InvalidParameterCombination", "not both"),
        ),
        (
            "CreateChangeSet",
            {
                "StackName": "same",
                "ChangeSetName": "x",
                "UsePreviousTemplate": True,
                "Parameters": [{"ParameterKey": "Nix", "UsePreviousValue": True}],
            },
            (400, "ValidationError", "Cannot specify usePreviousValue"),
        ),
        ("DeleteChangeSet", {"StackName": "no", "ChangeSetName": "x"}, (400, "ValidationError", "no")),
    ],
)
async def test_refusals_have_the_codes_and_words_of_aws(
    system: System, action: str, params: dict[str, Any], error: tuple[int, str, str]
) -> None:
    found = await system.aws.call(action, **params)
    assert found.error[:2] == error[:2]
    assert error[2] in found.error[2]


async def test_change_sets_are_deleted_and_names_are_taken_until_then(system: System) -> None:
    assert (await create(system, "taken", ChangeSetType="CREATE", TemplateBody=body("a"))).status == 200
    twice = await create(system, "taken", ChangeSetType="CREATE", TemplateBody=body("b"))
    assert twice.error == (
        400,
        "AlreadyExistsException",
        "ChangeSet [c] already exists; delete it or choose another name.",
    )
    for _ in range(2):  # the second time there is none any more
        gone = await system.aws.call("DeleteChangeSet", StackName="taken", ChangeSetName="c")
        assert gone.root.find("DeleteChangeSetResult") is not None
    listed = await system.aws.call("ListChangeSets", StackName="taken")
    assert listed.texts("ListChangeSetsResult/Summaries/member") == []
    assert await status(system, "taken") == "REVIEW_IN_PROGRESS"
    refused = await system.aws.call("UpdateStack", StackName="taken", TemplateBody=body("a"))
    assert "is in REVIEW_IN_PROGRESS state and can not be updated." in refused.error[2]
    assert (await system.aws.call("DeleteStack", StackName="taken")).status == 200
    gone = await system.aws.call("DescribeStacks", StackName="taken")
    assert gone.error == (400, "ValidationError", "Stack with id taken does not exist")


async def test_another_project_sees_no_change_set(system: System) -> None:
    made = await create(system, "mine", ChangeSetType="CREATE", TemplateBody=body("a"))
    arn = made.text("CreateChangeSetResult/Id")
    for action in ("DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "DescribeChangeSetHooks"):
        refused = await system.other.call(action, ChangeSetName=arn)
        assert refused.error[:2] == (404, "ChangeSetNotFound"), action
    listed = await system.other.call("ListChangeSets", StackName="mine")
    assert listed.error[:2] == (400, "ValidationError")
    assert (await describe(system, "", arn)).status == 200


async def test_request_that_comes_again_is_done_once(system: System) -> None:
    asked = {"ChangeSetType": "CREATE", "TemplateBody": body("a"), "ClientToken": "t-1"}
    first, again = [await create(system, "once", **asked) for _ in range(2)]
    assert first.text("CreateChangeSetResult/Id") == again.text("CreateChangeSetResult/Id")
    other = await create(system, "once", **(asked | {"TemplateBody": body("b")}))
    assert other.error[:2] == (400, "TokenAlreadyExistsException")
    for _ in range(2):
        assert (await execute(system, "once", ClientRequestToken="t-2")).status == 200
    await reached(system, first.text("CreateChangeSetResult/StackId"), "CREATE_COMPLETE")
