"""Heat's actions over a whole process: what each answers, and what it does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from stackd.clients.addresses import AddressPolicy
from stackd.clients.egress import Egress, EgressSettings
from tests.cfn_query.conftest import ROOT, Outcome, System, query
from tests.support.signing import version_4
from tests.support.waiting import until
from tests.support.web import website

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEST = "OS::Heat::TestResource"
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "Two of them",
    "Parameters": {
        "Word": {"Type": "String", "Default": "a", "Description": "What is said"},
        "Secret": {"Type": "String", "NoEcho": True, "Default": "hush-hush"},
        "Kind": {"Type": "String", "Default": "small", "AllowedValues": ["small", "large"]},
    },
    "Resources": {
        "First": {"Type": TEST, "Properties": {"value": {"Ref": "Word"}}, "Metadata": {"k": {"deep": [1]}}},
        "Second": {"Type": TEST, "Properties": {"value": {"Ref": "Secret"}}, "DependsOn": "First"},
    },
    "Outputs": {
        "Said": {"Value": {"Fn::GetAtt": ["First", "output"]}, "Description": "What First says"},
        "Many": {"Value": {"Fn::Split": [",", "a,b"]}},
    },
}
BODY = json.dumps(TEMPLATE)


async def created(system: System, name: str, body: str = BODY, **params: Any) -> str:
    """The ARN of a new stack, once it is complete."""
    made = await system.aws.call("CreateStack", StackName=name, TemplateBody=body, **params)
    assert made.status == 200, made.error
    arn = made.text("CreateStackResult/StackId")
    await reached(system, arn, "CREATE_COMPLETE")
    return arn


async def described(system: System, name: str) -> Outcome:
    return await system.aws.call("DescribeStacks", StackName=name)


STACK = "DescribeStacksResult/Stacks/member/"


async def reached(system: System, name: str, status: str) -> None:
    async def is_there() -> bool:
        return (await described(system, name)).text(f"{STACK}StackStatus") == status

    await until(is_there)


async def test_stack_from_its_creation_to_its_end(system: System) -> None:
    made = await system.aws.call(
        "CreateStack",
        StackName="life",
        TemplateBody=BODY,
        Parameters=[{"ParameterKey": "Word", "ParameterValue": "b"}],
        Tags=[{"Key": "team", "Value": "web, mail"}, {"Key": "bare", "Value": ""}],
        TimeoutInMinutes=9,
        OnFailure="ROLLBACK",
    )
    arn = made.text("CreateStackResult/StackId")
    assert arn.startswith(f"arn:openstack:heat::{system.native.project}:stacks/life/")
    shown = await described(system, "life")
    assert shown.text(f"{STACK}StackStatus") == "CREATE_IN_PROGRESS"
    await reached(system, arn, "CREATE_COMPLETE")
    shown = await described(system, arn)
    parameters = dict(
        zip(
            shown.texts(f"{STACK}Parameters/member/ParameterKey"),
            shown.texts(f"{STACK}Parameters/member/ParameterValue"),
            strict=True,
        )
    )
    assert parameters == {"Word": "b", "Secret": "****", "Kind": "small"}
    assert shown.texts(f"{STACK}Outputs/member/OutputValue") == ["b", '["a","b"]']
    assert shown.texts(f"{STACK}Outputs/member/Description")[0] == "What First says"
    assert shown.texts(f"{STACK}Tags/member/Key") == ["team", "bare"]
    assert shown.texts(f"{STACK}Tags/member/Value") == ["web, mail", ""]
    single = {
        name: shown.text(f"{STACK}{name}") for name in ("StackName", "DisableRollback", "TimeoutInMinutes")
    }
    assert single == {"StackName": "life", "DisableRollback": "false", "TimeoutInMinutes": "9"}
    assert shown.root.find(f"{STACK}LastUpdatedTime") is None
    native = await system.native.get(f"/stacks/life/{arn.rpartition('/')[2]}")
    assert native["stack"]["tags"] == ["team=web, mail", "bare"]

    changed = json.dumps({**TEMPLATE, "Resources": {"First": TEMPLATE["Resources"]["First"]}})  # type: ignore[index]
    update = await system.aws.call("UpdateStack", StackName="life", TemplateBody=changed)
    assert update.text("UpdateStackResult/StackId") == arn
    await reached(system, "life", "UPDATE_COMPLETE")
    shown = await described(system, "life")
    assert shown.texts(f"{STACK}Outputs/member/OutputValue")[0] == "a"
    assert shown.texts(f"{STACK}Tags/member/Key") == ["team", "bare"]
    cleared = await system.aws.call("UpdateStack", StackName="life", TemplateBody=changed, Tags=[])
    assert cleared.status == 200
    await reached(system, "life", "UPDATE_COMPLETE")
    assert (await described(system, "life")).texts(f"{STACK}Tags/member/Key") == []

    deleted = await system.aws.call("DeleteStack", StackName=arn)
    assert (deleted.status, deleted.root.tag) == (200, "DeleteStackResponse")
    await reached(system, arn, "DELETE_COMPLETE")
    gone = await described(system, "life")
    assert gone.error == (400, "ValidationError", "Stack with id life does not exist")
    assert (await system.aws.call("DeleteStack", StackName="life")).status == 200
    assert (await system.aws.call("DeleteStack", StackName=arn)).status == 200


async def test_update_that_changes_nothing_is_refused_and_one_of_outputs_is_not(system: System) -> None:
    await created(system, "still")
    for body in (BODY, json.dumps({**TEMPLATE, "Description": "Other words"})):
        same = await system.aws.call("UpdateStack", StackName="still", TemplateBody=body)
        assert same.error == (400, "ValidationError", "No updates are to be performed.")
    outputs = json.dumps({**TEMPLATE, "Outputs": {"Said": {"Value": "other"}}})
    changed = await system.aws.call("UpdateStack", StackName="still", TemplateBody=outputs)
    assert changed.status == 200
    await reached(system, "still", "UPDATE_COMPLETE")
    tagged = await system.aws.call(
        "UpdateStack", StackName="still", TemplateBody=outputs, Tags=[{"Key": "k", "Value": "v"}]
    )
    assert tagged.status == 200


async def test_resources_and_their_metadata(system: System) -> None:
    arn = await created(system, "parts")
    one = await system.aws.call("DescribeStackResource", StackName="parts", LogicalResourceId="First")
    detail = "DescribeStackResourceResult/StackResourceDetail/"
    assert json.loads(one.text(f"{detail}Metadata")) == {"k": {"deep": [1]}}
    names = ("StackId", "StackName", "LogicalResourceId", "ResourceType", "ResourceStatus")
    assert [one.text(detail + name) for name in names] == [arn, "parts", "First", TEST, "CREATE_COMPLETE"]
    physical = one.text(f"{detail}PhysicalResourceId")
    for params in ({"StackName": "parts"}, {"PhysicalResourceId": physical}):
        all_ = await system.aws.call("DescribeStackResources", **params)
        found = all_.texts("DescribeStackResourcesResult/StackResources/member/LogicalResourceId")
        assert found == ["First", "Second"]
    one_of = await system.aws.call("DescribeStackResources", StackName=arn, LogicalResourceId="Second")
    assert one_of.texts("DescribeStackResourcesResult/StackResources/member/LogicalResourceId") == ["Second"]
    listed = await system.aws.call("ListStackResources", StackName="parts")
    row = "ListStackResourcesResult/StackResourceSummaries/member/"
    assert listed.texts(f"{row}ResourceStatus") == ["CREATE_COMPLETE"] * 2
    missing = await system.aws.call("DescribeStackResource", StackName="parts", LogicalResourceId="None")
    assert missing.error == (400, "ValidationError", "Resource None does not exist for stack parts")
    both = await system.aws.call("DescribeStackResources", StackName="parts", PhysicalResourceId=physical)
    assert both.error[1] == "InvalidParameterCombination"
    nothing = await system.aws.call("DescribeStackResources", PhysicalResourceId="no such object")
    assert nothing.error == (400, "ValidationError", "Stack for no such object does not exist")


async def test_stack_inside_another_says_where_it_is(system: System) -> None:
    group = {"Type": "OS::Heat::ResourceGroup", "Properties": {"count": 1, "resource_def": {"type": TEST}}}
    arn = await created(system, "outer", json.dumps({"Resources": {"Group": group}}))
    found = await system.aws.call("DescribeStackResource", StackName="outer", LogicalResourceId="Group")
    nested = found.text("DescribeStackResourceResult/StackResourceDetail/PhysicalResourceId")
    assert nested.startswith(f"arn:openstack:heat::{system.native.project}:stacks/outer-Group-")
    shown = await described(system, nested)
    assert [shown.text(STACK + name) for name in ("StackId", "ParentId", "RootId")] == [nested, arn, arn]
    assert (await described(system, "outer")).root.find(f"{STACK}ParentId") is None


async def test_metadata_is_an_object_for_clients_that_ask_for_json(system: System) -> None:
    await created(system, "asjson")
    asked = query("DescribeStackResource", {"StackName": "asjson", "LogicalResourceId": "First"})
    answer = await system.aws.send(version_4(ROOT, asked | {"ContentType": "JSON"}, system.aws.key))
    detail = answer.json()["DescribeStackResourceResponse"]["DescribeStackResourceResult"][
        "StackResourceDetail"
    ]
    assert detail["Metadata"] == {"k": {"deep": [1]}}
    wrong = await system.aws.send(
        version_4(ROOT, asked | {"ContentType": "JSON", "StackName": "no"}, system.aws.key)
    )
    assert wrong.json()["ErrorResponse"]["Error"]["Code"] == "ValidationError"


async def test_events_are_told_newest_first_and_the_stack_is_one_of_cloudformation(system: System) -> None:
    arn = await created(system, "told")
    found = await system.aws.call("DescribeStackEvents", StackName="told")
    row = "DescribeStackEventsResult/StackEvents/member/"
    names = found.texts(f"{row}LogicalResourceId")
    assert names == ["told", "Second", "Second", "First", "First", "told"]
    assert found.texts(f"{row}ResourceType")[-1] == "AWS::CloudFormation::Stack"
    assert found.texts(f"{row}PhysicalResourceId")[-1] == arn
    assert found.texts(f"{row}ResourceStatusReason")[-1] == "User Initiated"
    assert found.texts(f"{row}ResourceStatus")[0] == "CREATE_COMPLETE"
    properties = [json.loads(each) for each in found.texts(f"{row}ResourceProperties")]
    assert [each["value"] for each in properties] == ["******", "a"]
    assert "hush-hush" not in str(properties)


async def test_templates_are_read_back_summarised_and_validated(system: System) -> None:
    await created(system, "text")
    shown = await system.aws.call("GetTemplate", StackName="text")
    assert json.loads(shown.text("GetTemplateResult/TemplateBody")) == TEMPLATE
    assert shown.texts("GetTemplateResult/StagesAvailable/member") == ["Original", "Processed"]
    for params in ({"StackName": "text"}, {"TemplateBody": BODY}):
        found = await system.aws.call("GetTemplateSummary", **params)
        row = "GetTemplateSummaryResult/Parameters/member/"
        assert found.texts(f"{row}ParameterKey") == ["Word", "Secret", "Kind"]
        assert found.texts(f"{row}NoEcho") == ["false", "true", "false"]
        assert found.texts(f"{row}ParameterConstraints/AllowedValues/member") == ["small", "large"]
        assert found.texts("GetTemplateSummaryResult/ResourceTypes/member") == [TEST]
        assert found.text("GetTemplateSummaryResult/Version") == "2010-09-09"
        assert found.text("GetTemplateSummaryResult/Description") == "Two of them"
    valid = await system.aws.call("ValidateTemplate", TemplateBody=BODY)
    row = "ValidateTemplateResult/Parameters/member/"
    assert valid.texts(f"{row}DefaultValue") == ["a", "hush-hush", "small"]
    invalid = await system.aws.call(
        "ValidateTemplate", TemplateBody='{"Resources": {"A": {"Type": "No::Such"}}}'
    )
    assert invalid.error[:2] == (400, "ValidationError")
    assert "No::Such" in invalid.error[2]
    nothing = await system.aws.call("GetTemplateSummary", StackName="text", TemplateBody=BODY)
    assert nothing.error[1] == "InvalidParameterCombination"


async def test_template_of_an_identity_needs_a_capability(system: System) -> None:
    body = json.dumps({"Resources": {"Key": {"Type": "AWS::IAM::Something"}}})
    found = await system.aws.call("GetTemplateSummary", TemplateBody=body)
    assert found.texts("GetTemplateSummaryResult/Capabilities/member") == ["CAPABILITY_IAM"]
    assert "AWS::IAM::Something" in found.text("GetTemplateSummaryResult/CapabilitiesReason")


@pytest.mark.parametrize(
    "body",
    [
        f"Resources:\n  A:\n    Type: {TEST}\n    Properties: {{value: !Ref AWS::StackName}}\n",
        f"heat_template_version: 2021-04-16\nresources:\n  A: {{type: {TEST}, properties: {{value: hot}}}}\n",
    ],
)
async def test_templates_without_a_version_or_of_heat_are_taken(system: System, body: str) -> None:
    name = f"plain{len(body)}"
    await created(system, name, body)
    found = await system.aws.call("ListStackResources", StackName=name)
    assert found.texts("ListStackResourcesResult/StackResourceSummaries/member/LogicalResourceId") == ["A"]


async def test_template_is_fetched_from_its_url(system: System) -> None:
    engine = system.parts.engine
    egress, usual = Egress(EgressSettings(AddressPolicy.of(["127.0.0.1/32"]))), engine.services.egress
    object.__setattr__(engine.services, "egress", egress)
    try:
        async with website({"/t.json": BODY}) as site:
            for name, key in (("by-url", "TemplateURL"), ("by-old-url", "TemplateUrl")):
                made = await system.aws.call("CreateStack", StackName=name, **{key: site.url("/t.json")})
                assert made.status == 200
                await reached(system, name, "CREATE_COMPLETE")
            summary = await system.aws.call("GetTemplateSummary", TemplateURL=site.url("/t.json"))
            assert summary.texts("GetTemplateSummaryResult/ResourceTypes/member") == [TEST]
            gone = await system.aws.call("ValidateTemplate", TemplateURL=site.url("/gone.json"))
            assert gone.error[:2] == (400, "ValidationError")
            both = await system.aws.call(
                "ValidateTemplate", TemplateURL=site.url("/t.json"), TemplateBody=BODY
            )
            assert both.error[1] == "InvalidParameterCombination"
    finally:
        object.__setattr__(engine.services, "egress", usual)
        await egress.close()


BROKEN = {"Resources": {"A": {"Type": TEST, "Properties": {"fail": True}}}}


async def test_what_happens_to_a_failure_is_asked_for(system: System) -> None:
    body = json.dumps(BROKEN)
    for name, asked, status in (
        ("kept", {}, "CREATE_FAILED"),
        ("kept2", {"OnFailure": "DO_NOTHING"}, "CREATE_FAILED"),
        ("undone", {"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE"),
        ("undone2", {"DisableRollback": False}, "ROLLBACK_COMPLETE"),
    ):
        made = await system.aws.call("CreateStack", StackName=name, TemplateBody=body, **asked)
        assert made.status == 200
        await reached(system, name, status)
    both = await system.aws.call(
        "CreateStack", StackName="x", TemplateBody=body, OnFailure="ROLLBACK", DisableRollback=True
    )
    assert both.error[1] == "InvalidParameterCombination"
    good = {"Resources": {"A": {"Type": TEST}}}
    await created(system, "back", json.dumps(good))
    update = await system.aws.call("UpdateStack", StackName="back", TemplateBody=body, DisableRollback=False)
    assert update.status == 200
    await reached(system, "back", "UPDATE_ROLLBACK_COMPLETE")


async def test_update_that_runs_is_cancelled_and_nothing_else(system: System) -> None:
    slow = {"Resources": {"A": {"Type": TEST, "Properties": {"wait_secs": 100, "value": "x"}}}}
    await created(system, "slow", json.dumps({"Resources": {"A": {"Type": TEST}}}))
    update = await system.aws.call("UpdateStack", StackName="slow", TemplateBody=json.dumps(slow))
    assert update.status == 200
    cancelled = await system.aws.call("CancelUpdateStack", StackName="slow")
    assert (cancelled.status, cancelled.root.tag) == (200, "CancelUpdateStackResponse")
    await reached(system, "slow", "UPDATE_ROLLBACK_COMPLETE")
    again = await system.aws.call("CancelUpdateStack", StackName="slow")
    assert again.error[:2] == (400, "ValidationError")


async def test_lists_of_stacks_have_filters_and_pages(system: System) -> None:
    arn = await created(system, "listed", json.dumps({"Resources": {}}))
    await system.aws.call("DeleteStack", StackName="listed")
    await reached(system, arn, "DELETE_COMPLETE")
    row = "ListStacksResult/StackSummaries/member/"
    gone = await system.aws.call("ListStacks", StackStatusFilter=["DELETE_COMPLETE"])
    assert arn in gone.texts(f"{row}StackId")
    assert set(gone.texts(f"{row}StackStatus")) == {"DELETE_COMPLETE"}
    assert gone.texts(f"{row}DeletionTime")
    rolled = await system.aws.call("ListStacks", StackStatusFilter=["ROLLBACK_COMPLETE", "NO_SUCH"])
    assert set(rolled.texts(f"{row}StackName")) == {"undone", "undone2"}
    nothing = await system.aws.call("ListStacks", StackStatusFilter=["NO_SUCH"])
    assert nothing.root.find("ListStacksResult/StackSummaries") is not None
    assert nothing.texts(f"{row}StackId") == []
    everything = await system.aws.call("ListStacks")
    assert {"listed", "undone", "slow"} <= set(everything.texts(f"{row}StackName"))


async def test_pages_follow_each_other_by_sealed_tokens(system: System) -> None:
    resources = {f"R{at:03}": {"Type": "OS::Heat::None"} for at in range(230)}
    await created(system, "pages", json.dumps({"Resources": resources}))
    row = "ListStackResourcesResult/StackResourceSummaries/member/LogicalResourceId"
    seen: list[str] = []
    token: dict[str, str] = {}
    for _ in range(3):
        page = await system.aws.call("ListStackResources", StackName="pages", **token)
        seen += page.texts(row)
        token = {"NextToken": page.root.findtext("ListStackResourcesResult/NextToken") or ""}
        if token["NextToken"]:
            kept = token
    assert seen == sorted(resources)
    assert token == {"NextToken": ""}
    other = await system.aws.call("DescribeStackEvents", StackName="pages", **kept)
    assert other.error == (400, "ValidationError", "The parameter NextToken is one of another list.")
    forged = await system.aws.call("ListStackResources", StackName="pages", NextToken="x" * 1000)
    assert forged.error[2] == "The parameter NextToken is not one that an answer of this action had."
    stranger = await system.other.call("ListStacks", **kept)
    assert stranger.error[1] == "ValidationError"
    events: list[str] = []
    token = {}
    while len(events) < 1000:
        found = await system.aws.call("DescribeStackEvents", StackName="pages", **token)
        events += found.texts("DescribeStackEventsResult/StackEvents/member/EventId")
        following = found.root.findtext("DescribeStackEventsResult/NextToken")
        if not following:
            break
        token = {"NextToken": following}
    assert len(events) == len(set(events)) == 2 * 230 + 2


async def test_exports_and_who_imports_them(system: System) -> None:
    out = {"Resources": {}, "Outputs": {"O": {"Value": "v", "Export": {"Name": "shared-value"}}}}
    use = {"Resources": {"A": {"Type": TEST, "Properties": {"value": {"Fn::ImportValue": "shared-value"}}}}}
    arn = await created(system, "giver", json.dumps(out))
    unused = await system.aws.call("ListImports", ExportName="shared-value")
    assert unused.error[2] == "Export 'shared-value' is not imported by any stack."
    await created(system, "taker", json.dumps(use))
    found = await system.aws.call("ListExports")
    row = "ListExportsResult/Exports/member/"
    shown = [found.text(row + name) for name in ("ExportingStackId", "Name", "Value")]
    assert shown == [arn, "shared-value", "v"]
    importers = await system.aws.call("ListImports", ExportName="shared-value")
    assert importers.texts("ListImportsResult/Imports/member") == ["taker"]
    assert (await system.other.call("ListExports")).texts(f"{row}Name") == []
    used = await system.aws.call("DeleteStack", StackName="giver")
    assert used.error == (
        400,
        "ValidationError",
        "Export shared-value cannot be deleted as it is in use by taker.",
    )


NEW = {"StackName": "x", "TemplateBody": "{}"}
NO_STACK = "Stack with id no does not exist"
TWO_PARAMETERS = json.dumps({"Parameters": {"A": {"Type": "String"}, "B": {"Type": "String"}}})


@pytest.mark.parametrize(
    ("action", "params", "message"),
    [
        ("DescribeStacks", {"StackName": "no"}, NO_STACK),
        ("GetTemplate", {"StackName": "no"}, NO_STACK),
        ("DescribeStackEvents", {}, "The parameter StackName is required."),
        ("UpdateStack", NEW | {"StackName": "no"}, "Stack [no] does not exist"),
        ("CreateStack", {"StackName": "x"}, "The parameter TemplateBody is required, or TemplateURL."),
        ("CreateStack", NEW | {"TemplateBody": TWO_PARAMETERS}, "Parameters: [A, B] must have values"),
        (
            "CreateStack",
            NEW | {"Parameters": [{"ParameterKey": "Z", "ParameterValue": "1"}]},
            "Parameters: [Z] do not exist in the template",
        ),
        (
            "CreateStack",
            NEW | {"Parameters": [{"ParameterKey": "Z"}]},
            "The parameter Parameters.member.1 needs a ParameterKey and a ParameterValue.",
        ),
        (
            "CreateStack",
            NEW | {"Tags": [{"Key": "a=b", "Value": "1"}]},
            "The parameter Tags.member.1.Key may not have an equals sign, which parts keys from values.",
        ),
        (
            "CreateStack",
            NEW | {"Tags": [{"Key": "a"}, {"Key": "a"}]},
            "The parameter Tags has a key twice.",
        ),
        (
            "CreateStack",
            NEW | {"OnFailure": "PANIC"},
            "The parameter OnFailure must be one of DO_NOTHING, ROLLBACK, DELETE, not 'PANIC'.",
        ),
    ],
)
async def test_refusals_have_the_texts_that_clients_know(
    system: System, action: str, params: dict[str, Any], message: str
) -> None:
    assert (await system.aws.call(action, **params)).error == (400, "ValidationError", message)


async def test_name_that_is_taken_is_refused(system: System) -> None:
    await created(system, "taken", '{"Resources": {}}')
    again = await system.aws.call("CreateStack", StackName="taken", TemplateBody='{"Resources": {}}')
    assert again.error == (400, "AlreadyExistsException", "Stack [taken] already exists")


async def test_malformed_templates_are_refused_with_the_place(system: System) -> None:
    made = await system.aws.call("CreateStack", StackName="x", TemplateBody="Resources: [")
    assert made.error[:2] == (400, "ValidationError")
    assert made.error[2].startswith("Template format error: ")


async def test_arn_must_agree_with_the_stack_in_every_part(system: System) -> None:
    arn = await created(system, "arns", '{"Resources": {}}')
    identity = arn.rpartition("/")[2]
    assert (await described(system, identity)).text(f"{STACK}StackId") == arn
    assert (await described(system, arn.replace("arn:", "ARN:", 1))).status == 200
    for wrong in (
        arn.replace("/arns/", "/other/"),
        arn.replace(system.native.project, system.other_native.project),
        arn + "/more",
        quote(arn),
    ):
        found = await described(system, wrong)
        assert found.error == (400, "ValidationError", f"Stack with id {wrong} does not exist")
