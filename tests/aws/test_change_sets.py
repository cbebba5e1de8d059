"""What AWS tooling of today does: deploy, change sets, drift, policies, signals, ways out of failures."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.aws.conftest import Programs, User

NET = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Label: {Type: String, Default: plain}
  Word: {Type: String, NoEcho: true, Default: hush-hush}
Resources:
  Net:
    Type: OS::Neutron::Net
    Properties: {name: !Sub "${AWS::StackName}-${Label}"}
"""
NOT_NET = {
    "Statement": [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/Net"},
    ]
}


def networks(user: User) -> set[str]:
    return {each["name"] for each in user.server.objects("network.networks")}


def rename(user: User, network: str, name: str) -> None:
    """Change a network as somebody else would."""
    body = {"network": {"name": name}}
    url = f"{user.server.cloud}/network/v2.0/networks/{network}"
    user.server.http.put(url, json=body, headers={"X-Auth-Token": user.token}).raise_for_status()


def made(programs: Programs, user: User, name: str, template: str = NET, *more: str) -> str:
    arn = programs.cloudformation("create-stack", "--stack-name", name, "--template-body", template, *more)
    user.reached(name, "CREATE_COMPLETE")
    return str(arn["StackId"])


def test_deploy_creates_changes_and_notices_that_nothing_changes(programs: Programs, demo: User) -> None:
    file = programs.file("net.yaml", NET).removeprefix("file://")
    deploy = ("cloudformation", "deploy", "--stack-name", "deployed", "--template-file", file)
    first = programs.run(*deploy, "--parameter-overrides", "Label=first", "Word=secret", "--tags", "team=web")
    assert (first.returncode, "Successfully created/updated stack" in first.stdout) == (0, True), first.stderr
    assert "deployed-first" in networks(demo)
    assert demo.shown("/stacks?name=deployed")["stacks"][0]["tags"] == ["team=web"]
    second = programs.run(*deploy, "--parameter-overrides", "Label=second")
    assert second.returncode == 0, second.stderr
    assert {"deployed-second"} == {each for each in networks(demo) if each.startswith("deployed")}
    same = programs.run(*deploy, "--no-fail-on-empty-changeset")
    assert (same.returncode, "No changes to deploy" in same.stdout) == (0, True), (same.stdout, same.stderr)
    kept = programs.run(*deploy, "--no-execute-changeset", "--parameter-overrides", "Label=third")
    assert kept.returncode == 0, kept.stderr
    assert "deployed-third" not in networks(demo)
    assert demo.shown("/stacks?name=deployed")["stacks"][0]["stack_status"] == "UPDATE_COMPLETE"
    failing = programs.file("failing.yaml", NET.replace("OS::Neutron::Net", "OS::Nix::Net"))
    refused = programs.run(*deploy[:4], "--template-file", failing.removeprefix("file://"))
    assert refused.returncode != 0
    assert "ValidationError" in refused.stderr


def test_change_sets_from_review_to_execution(programs: Programs, demo: User) -> None:
    template = programs.file("net.yaml", NET)
    wanted = ("--stack-name", "reviewed", "--change-set-name", "first")
    arn = programs.cloudformation(
        *("create-change-set", *wanted, "--change-set-type", "CREATE", "--template-body", template),
        *("--description", "The first one", "--on-stack-failure", "DELETE"),
    )["Id"]
    programs.cloudformation("wait", "change-set-create-complete", "--change-set-name", arn)
    [shown] = programs.cloudformation("describe-stacks", "--stack-name", "reviewed")["Stacks"]
    assert shown["StackStatus"] == "REVIEW_IN_PROGRESS"
    described = programs.cloudformation("describe-change-set", "--change-set-name", arn)
    assert (described["Status"], described["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [each["ResourceChange"]["Action"] for each in described["Changes"]] == ["Add"]
    assert "reviewed-plain" not in networks(demo)
    programs.cloudformation("execute-change-set", *wanted)
    programs.cloudformation("wait", "stack-create-complete", "--stack-name", "reviewed")
    assert "reviewed-plain" in networks(demo)

    second = ("--stack-name", "reviewed", "--change-set-name", "second")
    programs.cloudformation(
        *("create-change-set", *second, "--use-previous-template"),
        *(
            "--parameters",
            "ParameterKey=Label,ParameterValue=other",
            "ParameterKey=Word,UsePreviousValue=true",
        ),
    )
    change = programs.cloudformation("describe-change-set", *second, "--include-property-values")
    [detail] = change["Changes"][0]["ResourceChange"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Label")
    assert detail["Target"]["AfterValue"] == "reviewed-other"
    listed = programs.cloudformation("list-change-sets", "--stack-name", "reviewed")["Summaries"]
    assert [each["ChangeSetName"] for each in listed] == ["second"]
    programs.cloudformation("delete-change-set", *second)
    assert "ChangeSetNotFound" in programs.refused("describe-change-set", *second)
    assert "reviewed-other" not in networks(demo)
    none = ("--stack-name", "reviewed", "--change-set-name", "none")
    programs.cloudformation("create-change-set", *none, "--use-previous-template")
    failed = programs.refused("wait", "change-set-create-complete", *none)
    assert "Waiter ChangeSetCreateComplete failed" in failed
    hooks = programs.cloudformation("describe-change-set-hooks", *none)
    assert hooks["Status"] == "PLANNED"


def test_drift_is_detected(programs: Programs, demo: User) -> None:
    made(programs, demo, "drifting")
    physical = programs.cloudformation(
        "describe-stack-resource", "--stack-name", "drifting", "--logical-resource-id", "Net"
    )["StackResourceDetail"]["PhysicalResourceId"]
    assert _detected(programs, "drifting") == "IN_SYNC"
    rename(demo, physical, "theirs")
    assert _detected(programs, "drifting") == "DRIFTED"
    [drift] = programs.cloudformation("describe-stack-resource-drifts", "--stack-name", "drifting")[
        "StackResourceDrifts"
    ]
    assert drift["StackResourceDriftStatus"] == "MODIFIED"
    assert drift["PropertyDifferences"] == [
        {
            "PropertyPath": "/name",
            "ExpectedValue": "drifting-plain",
            "ActualValue": "theirs",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert json.loads(drift["ActualProperties"])["name"] == "theirs"
    one = programs.cloudformation(
        "detect-stack-resource-drift", "--stack-name", "drifting", "--logical-resource-id", "Net"
    )["StackResourceDrift"]
    assert one["StackResourceDriftStatus"] == "MODIFIED"


def _detected(programs: Programs, stack: str) -> str:
    """What a detection finds of a stack, by boto3 since the CLI cannot wait for one."""
    found = programs.boto3(
        f"""
import time
id_ = cfn.detect_stack_drift(StackName={stack!r})['StackDriftDetectionId']
while True:
    found = cfn.describe_stack_drift_detection_status(StackDriftDetectionId=id_)
    if found['DetectionStatus'] != 'DETECTION_IN_PROGRESS':
        break
    time.sleep(0.1)
print(json.dumps(found, default=str))
"""
    )
    assert found["DetectionStatus"] == "DETECTION_COMPLETE", found
    return str(found["StackDriftStatus"])


def test_termination_protection_and_stack_policy_guard_a_stack(programs: Programs, demo: User) -> None:
    made(programs, demo, "guarded", NET, "--enable-termination-protection")
    refused = programs.refused("delete-stack", "--stack-name", "guarded")
    assert "Stack [guarded] cannot be deleted while TerminationProtection is enabled" in refused
    policy = programs.file("policy.json", NOT_NET)
    programs.cloudformation("set-stack-policy", "--stack-name", "guarded", "--stack-policy-body", policy)
    kept = programs.cloudformation("get-stack-policy", "--stack-name", "guarded")
    assert json.loads(kept["StackPolicyBody"]) == NOT_NET
    update = ("update-stack", "--stack-name", "guarded", "--use-previous-template", "--parameters")
    denied = programs.refused(*update, "ParameterKey=Label,ParameterValue=b")
    assert "Action denied by stack policy" in denied
    assert "guarded-b" not in networks(demo)
    allows = programs.file("allows.json", {"Statement": NOT_NET["Statement"][:1]})
    programs.cloudformation(
        *update, "ParameterKey=Label,ParameterValue=b", "--stack-policy-during-update-body", allows
    )
    programs.cloudformation("wait", "stack-update-complete", "--stack-name", "guarded")
    assert "guarded-b" in networks(demo)
    programs.cloudformation(
        "update-termination-protection", "--stack-name", "guarded", "--no-enable-termination-protection"
    )
    programs.cloudformation("delete-stack", "--stack-name", "guarded")
    programs.cloudformation("wait", "stack-delete-complete", "--stack-name", "guarded")
    assert "guarded-b" not in networks(demo)


def test_signal_completes_what_waits_for_it(programs: Programs, demo: User) -> None:
    waiting = {
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
            },
        }
    }
    programs.cloudformation("create-stack", "--stack-name", "waits", "--template-body", json.dumps(waiting))
    _at_work(programs, "waits", "Wait")
    programs.cloudformation(
        *("signal-resource", "--stack-name", "waits", "--logical-resource-id", "Handle"),
        *("--unique-id", "one", "--status", "SUCCESS"),
    )
    programs.cloudformation("wait", "stack-create-complete", "--stack-name", "waits")


def _at_work(programs: Programs, stack: str, name: str) -> None:
    """Return when a resource is in progress."""
    found = programs.boto3(
        f"""
import time
for _ in range(600):
    shown = cfn.describe_stack_resources(StackName={stack!r})['StackResources']
    states = {{each['LogicalResourceId']: each['ResourceStatus'] for each in shown}}
    if states.get({name!r}) == 'CREATE_IN_PROGRESS':
        break
    time.sleep(0.1)
print(json.dumps(states))
"""
    )
    assert found[name] == "CREATE_IN_PROGRESS"


def failing(**more: Any) -> str:
    resources = {"Net": {"Type": "OS::Neutron::Net"}, "Bad": {"Type": "OS::Heat::TestResource"}}
    resources["Bad"] |= {"DependsOn": "Net", "Properties": {"fail": True}, **more}  # type: ignore[dict-item]
    return json.dumps({"Resources": resources})


@pytest.mark.parametrize(
    ("name", "options", "end", "waiter"),
    [
        ("left", ("--on-failure", "DO_NOTHING"), "CREATE_FAILED", "stack-create-complete"),
        ("back", ("--on-failure", "ROLLBACK"), "ROLLBACK_COMPLETE", "stack-create-complete"),
        ("gone", ("--on-failure", "DELETE"), "DELETE_COMPLETE", "stack-create-complete"),
    ],
)
def test_failed_creation_ends_as_it_was_asked_for(
    programs: Programs, demo: User, name: str, options: tuple[str, ...], end: str, waiter: str
) -> None:
    arn = programs.cloudformation(
        "create-stack", "--stack-name", name, "--template-body", failing(), *options
    )["StackId"]
    demo.reached(name, end)
    assert "failed" in programs.refused("wait", waiter, "--stack-name", arn)
    if name == "left":
        programs.cloudformation("rollback-stack", "--stack-name", name)
        demo.reached(name, "ROLLBACK_COMPLETE")


def test_same_request_twice_makes_one_stack(programs: Programs, demo: User) -> None:
    create = ("create-stack", "--stack-name", "once", "--client-request-token", "token-1", "--template-body")
    both: list[str] = []

    def ask() -> None:
        both.append(programs.cloudformation(*create, NET)["StackId"])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(both) == 2
    assert len(set(both)) == 1
    assert "TokenAlreadyExistsException" in programs.refused(*create, NET.replace("plain", "other"))
    demo.reached("once", "CREATE_COMPLETE")
