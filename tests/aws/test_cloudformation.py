"""The AWS CLI and boto3 as programs: each command is held against what it brings about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aws.conftest import Programs, Server, User, sign_in

NET = """\
Description: A network
Parameters:
  Label: {Type: String, Default: plain}
  Word: {Type: String, NoEcho: true, Default: hush-hush}
Resources:
  Net:
    Type: OS::Neutron::Net
    Properties: {name: !Sub "${AWS::StackName}-${Label}"}
Outputs:
  Label: {Value: !Ref Label, Description: What it is called}
"""
STACK = ("--query", "Stacks[0]")


def networks(server: Server) -> set[str]:
    return {each["name"] for each in server.objects("network.networks")}


def test_create_describe_update_and_delete(programs: Programs, demo: User) -> None:
    template = programs.file("net.yaml", NET)
    made = programs.cloudformation(
        *("create-stack", "--stack-name", "life", "--template-body", template),
        *("--parameters", "ParameterKey=Label,ParameterValue=first", "--tags", "Key=team,Value=web"),
        *("--timeout-in-minutes", "5", "--on-failure", "ROLLBACK"),
    )
    arn = made["StackId"]
    demo.reached("life", "CREATE_COMPLETE")
    programs.cloudformation("wait", "stack-create-complete", "--stack-name", "life")
    programs.cloudformation("wait", "stack-exists", "--stack-name", "life")
    assert "life-first" in networks(demo.server)
    shown = programs.cloudformation("describe-stacks", "--stack-name", arn, *STACK)
    assert (shown["StackName"], shown["StackStatus"], shown["TimeoutInMinutes"]) == (
        "life",
        "CREATE_COMPLETE",
        5,
    )
    assert shown["DisableRollback"] is False
    assert {each["ParameterKey"]: each["ParameterValue"] for each in shown["Parameters"]} == {
        "Label": "first",
        "Word": "****",
    }
    assert [(each["OutputKey"], each["OutputValue"]) for each in shown["Outputs"]] == [("Label", "first")]
    assert shown["Tags"] == [{"Key": "team", "Value": "web"}]
    assert arn in [each["StackId"] for each in programs.cloudformation("list-stacks")["StackSummaries"]]

    programs.cloudformation(
        *("update-stack", "--stack-name", "life", "--template-body", template),
        *("--parameters", "ParameterKey=Label,ParameterValue=second"),
    )
    demo.reached("life", "UPDATE_COMPLETE")
    programs.cloudformation("wait", "stack-update-complete", "--stack-name", "life")
    assert "life-second" in networks(demo.server)
    assert "life-first" not in networks(demo.server)
    same = programs.refused(
        *("update-stack", "--stack-name", "life", "--template-body", template),
        *("--parameters", "ParameterKey=Label,ParameterValue=second"),
    )
    assert "No updates are to be performed." in same

    programs.cloudformation("delete-stack", "--stack-name", "life")
    demo.reached("life", "DELETE_COMPLETE")
    programs.cloudformation("wait", "stack-delete-complete", "--stack-name", "life")
    assert "life-second" not in networks(demo.server)
    assert "Stack with id life does not exist" in programs.refused("describe-stacks", "--stack-name", "life")
    programs.cloudformation("delete-stack", "--stack-name", "life")
    gone = programs.cloudformation("list-stacks", "--stack-status-filter", "DELETE_COMPLETE")
    assert arn in [each["StackId"] for each in gone["StackSummaries"]]


def test_resources_events_and_templates(programs: Programs, demo: User) -> None:
    template = programs.file("net.yaml", NET)
    arn = programs.cloudformation("create-stack", "--stack-name", "parts", "--template-body", template)[
        "StackId"
    ]
    demo.reached("parts", "CREATE_COMPLETE")
    [row] = programs.cloudformation("list-stack-resources", "--stack-name", "parts")["StackResourceSummaries"]
    [net] = [each for each in demo.server.objects("network.networks") if each["name"] == "parts-plain"]
    assert (row["LogicalResourceId"], row["PhysicalResourceId"]) == ("Net", net["id"])
    by_id = programs.cloudformation("describe-stack-resources", "--physical-resource-id", net["id"])
    assert [each["StackId"] for each in by_id["StackResources"]] == [arn]
    one = programs.cloudformation(
        "describe-stack-resource", "--stack-name", "parts", "--logical-resource-id", "Net"
    )["StackResourceDetail"]
    assert (one["ResourceType"], one["ResourceStatus"]) == ("OS::Neutron::Net", "CREATE_COMPLETE")
    assert json.loads(one["Metadata"]) == {}
    events = programs.cloudformation("describe-stack-events", "--stack-name", "parts")["StackEvents"]
    told = [(each["LogicalResourceId"], each["ResourceStatus"]) for each in reversed(events)]
    assert told == [
        ("parts", "CREATE_IN_PROGRESS"),
        ("Net", "CREATE_IN_PROGRESS"),
        ("Net", "CREATE_COMPLETE"),
        ("parts", "CREATE_COMPLETE"),
    ]
    body = programs.cloudformation("get-template", "--stack-name", "parts")["TemplateBody"]
    assert body["Resources"]["Net"]["Type"] == "OS::Neutron::Net"
    summary = programs.cloudformation("get-template-summary", "--stack-name", "parts")
    assert [each["ParameterKey"] for each in summary["Parameters"]] == ["Label", "Word"]
    assert summary["ResourceTypes"] == ["OS::Neutron::Net"]
    valid = programs.cloudformation("validate-template", "--template-body", template)
    assert {each["ParameterKey"]: each["NoEcho"] for each in valid["Parameters"]} == {
        "Label": False,
        "Word": True,
    }
    broken = programs.file("broken.yaml", NET.replace("!Ref Label", "!Ref Lable"))
    assert "ValidationError" in programs.refused("validate-template", "--template-body", broken)
    cost = programs.cloudformation("estimate-template-cost", "--template-body", template)
    assert cost["Url"].startswith("https://")
    limits = programs.cloudformation("describe-account-limits")["AccountLimits"]
    assert "StackLimit" in [each["Name"] for each in limits]
    programs.cloudformation("delete-stack", "--stack-name", "parts")
    demo.reached("parts", "DELETE_COMPLETE")


def test_update_that_runs_is_cancelled(programs: Programs, demo: User) -> None:
    def of(seconds: int) -> str:
        properties = {"value": str(seconds), "wait_secs": seconds}
        resources = {"A": {"Type": "OS::Heat::TestResource", "Properties": properties}}
        return json.dumps({"Resources": resources})

    programs.cloudformation("create-stack", "--stack-name", "slow", "--template-body", of(0))
    demo.reached("slow", "CREATE_COMPLETE")
    programs.cloudformation("update-stack", "--stack-name", "slow", "--template-body", of(15))
    programs.cloudformation("cancel-update-stack", "--stack-name", "slow")
    demo.reached("slow", "ROLLBACK_COMPLETE")
    shown = programs.cloudformation("describe-stacks", "--stack-name", "slow", *STACK)
    assert shown["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    programs.cloudformation("wait", "stack-rollback-complete", "--stack-name", "slow")
    assert "ValidationError" in programs.refused("cancel-update-stack", "--stack-name", "slow")


def test_exports_and_imports(programs: Programs, demo: User) -> None:
    out = {"Resources": {}, "Outputs": {"O": {"Value": "v", "Export": {"Name": "net-name"}}}}
    properties = {"name": {"Fn::ImportValue": "net-name"}}
    use = {"Resources": {"A": {"Type": "OS::Neutron::Net", "Properties": properties}}}
    for name, template in (("giver", out), ("taker", use)):
        programs.cloudformation("create-stack", "--stack-name", name, "--template-body", json.dumps(template))
        demo.reached(name, "CREATE_COMPLETE")
    exports = programs.cloudformation("list-exports")["Exports"]
    assert [(each["Name"], each["Value"]) for each in exports] == [("net-name", "v")]
    assert programs.cloudformation("list-imports", "--export-name", "net-name")["Imports"] == ["taker"]
    assert "in use by taker" in programs.refused("delete-stack", "--stack-name", "giver")


def test_creation_that_fails_is_rolled_back_as_asked(programs: Programs, demo: User) -> None:
    broken = json.dumps(
        {"Resources": {"A": {"Type": "OS::Heat::TestResource", "Properties": {"fail": True}}}}
    )
    for name, choice, state in (
        ("kept", "DO_NOTHING", "CREATE_FAILED"),
        ("undone", "ROLLBACK", "ROLLBACK_COMPLETE"),
    ):
        programs.cloudformation(
            *("create-stack", "--stack-name", name, "--template-body", broken, "--on-failure", choice)
        )
        demo.reached(name, state)
        failed = programs.run("cloudformation", "wait", "stack-create-complete", "--stack-name", name)
        assert failed.returncode == 255


def test_stack_that_was_adopted_is_imported(programs: Programs, demo: User) -> None:
    template = {"heat_template_version": "2018-08-31", "resources": {"r": {"type": "OS::Heat::TestResource"}}}
    row = {"name": "r", "type": "OS::Heat::TestResource", "resource_id": "r-1", "metadata": {}}
    data = {
        "template": template,
        "environment": {},
        "action": "CREATE",
        "status": "COMPLETE",
        "resources": {"r": {**row, "action": "CREATE", "status": "COMPLETE", "resource_data": {}}},
    }
    answer = demo.server.http.post(
        f"{demo.server.native}/v1/{demo.project}/stacks",
        headers={"X-Auth-Token": demo.token},
        json={"stack_name": "adopted", "adopt_stack_data": json.dumps(data), "timeout_mins": 5},
    )
    assert answer.status_code == 201, answer.text
    demo.reached("adopted", "ADOPT_COMPLETE")
    programs.cloudformation("wait", "stack-import-complete", "--stack-name", "adopted")


def test_boto3_reads_pages_and_waits(programs: Programs, demo: User) -> None:
    resources = {f"R{at:03}": {"Type": "OS::Heat::None"} for at in range(130)}
    body = json.dumps({"Resources": resources})
    found = programs.boto3(
        f"cfn.create_stack(StackName='pages', TemplateBody={body!r})\n"
        "wait = {'Delay': 1, 'MaxAttempts': 60}\n"
        "cfn.get_waiter('stack_create_complete').wait(StackName='pages', WaiterConfig=wait)\n"
        "def every(name, key, **given):\n"
        "    pages = cfn.get_paginator(name).paginate(**given)\n"
        "    return [each for page in pages for each in page[key]]\n"
        "rows = every('list_stack_resources', 'StackResourceSummaries', StackName='pages')\n"
        "events = every('describe_stack_events', 'StackEvents', StackName='pages')\n"
        "stacks = every('list_stacks', 'StackSummaries')\n"
        "shown = every('describe_stacks', 'Stacks')\n"
        "try:\n"
        "    cfn.create_stack(StackName='pages', TemplateBody='{}')\n"
        "except cfn.exceptions.AlreadyExistsException as error:\n"
        "    again = str(error)\n"
        "print(json.dumps({'rows': [row['LogicalResourceId'] for row in rows], 'events': len(events),\n"
        "    'stacks': len(stacks), 'shown': len(shown), 'again': again}))\n"
    )
    assert found["rows"] == sorted(resources)
    assert found["events"] == 2 * 130 + 2
    assert found["stacks"] >= found["shown"] >= 1
    assert "Stack [pages] already exists" in found["again"]


@pytest.mark.parametrize("root", ["", "/v1", "/v1/"])
def test_every_root_will_do(programs: Programs, root: str) -> None:
    url = f"{programs.user.server.cfn}{root}"
    found = programs.aws("--endpoint-url", url, "cloudformation", "describe-account-limits")
    assert found["AccountLimits"]


def test_who_has_not_enrolled_is_told_what_to_do(server: Server, tmp_path: Path) -> None:
    admin = Programs(sign_in(server, "admin"), tmp_path)
    said = admin.refused("create-stack", "--stack-name", "x", "--template-body", '{"Resources": {}}')
    assert "AccessDenied" in said
    assert "stackd enroll" in said
    assert admin.cloudformation("list-exports") == {"Exports": []}


def test_wrong_keys_are_refused(programs: Programs, demo: User) -> None:
    wrong = Programs(User(demo.server, "", demo.project, demo.access, "wrong"), programs.home)
    assert "SignatureDoesNotMatch" in wrong.refused("list-stacks")
    unknown = Programs(User(demo.server, "", demo.project, "0" * 32, demo.secret), programs.home)
    assert "InvalidClientTokenId" in unknown.refused("list-stacks")
