"""Templates of CloudFormation with what Heat does not have: stacks that share values, rules, short forms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.routers.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

NETWORK = """
AWSTemplateFormatVersion: "2010-09-09"
Description: A network for others
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: {default: Network}
        Parameters: [Block]
    ParameterLabels:
      Block: {default: Address block}
Parameters:
  Block: {Type: String, Default: 10.1.0.0/16}
  Letters: {Type: Number, Default: 6}
  Stage: {Type: String, Default: test}
Rules:
  Small:
    RuleCondition: !Equals [!Ref Stage, prod]
    Assertions:
      - Assert: !Contains [[10.1.0.0/16, 10.2.0.0/16], !Ref Block]
        AssertDescription: In production only the two known blocks are used.
Conditions:
  IsTest: !Equals [!Ref Stage, test]
  Always: !Or [!Condition IsTest, !Not [!Condition IsTest]]
Mappings:
  Size:
    test: {words: 1}
Resources:
  Word:
    Type: OS::Heat::RandomString
    Properties:
      length: !Ref Letters
  Name:
    Type: OS::Heat::Value
    Condition: Always
    Properties:
      type: string
      value: !Sub
        - "${AWS::StackName}/${Stage}/${Word.value}/${Extra}/${!Literal}"
        - Extra: !If [IsTest, !FindInMap [Size, !Ref Stage, none, DefaultValue: small], big]
Outputs:
  Word:
    Value: !GetAtt Word.value
    Export:
      Name: !Sub "${AWS::StackName}-word"
  Name: {Value: !GetAtt [Name, value]}
  Second: {Value: !Select [1, !Cidr [!Ref Block, 4, 8]]}
  Joined: {Value: !Join [":", !Split [",", "a,b"]]}
  Text: {Value: !ToJsonString {length: !Length [a, b]}}
"""
USER = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Network: {Type: String, Default: net}
Resources:
  Value:
    Type: OS::Heat::Value
    Properties:
      type: string
      value: !Join ["=", [word, Fn::ImportValue: !Sub "${Network}-word"]]
Outputs:
  Value: {Value: !GetAtt Value.value}
"""


async def outputs(api: Api, path: str) -> dict[str, Any]:
    stack = (await api.get(path))["stack"]
    return {each["output_key"]: each["output_value"] for each in stack["outputs"]}


async def changed(api: Api, path: str, template: str, **more: Any) -> tuple[str, str]:
    """State and reason of a stack after an update that is accepted."""
    answer = await api.call("PUT", path, {"template": template, **more})
    assert answer.status_code == 202, answer.text
    stack = await api.settled(path)
    return stack["stack_status"], stack["stack_status_reason"]


async def test_short_forms_rules_and_functions_of_cloudformation_work(api: Api) -> None:
    path = await api.create("short", NETWORK)
    stack = (await api.get(path))["stack"]
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
    found = await outputs(api, path)
    word = found.pop("Word")
    assert len(word) == 6
    assert found == {
        "Name": f"short/test/{word}/small/${{Literal}}",
        "Second": "10.1.1.0/24",
        "Joined": "a:b",
        "Text": '{"length":2}',
    }


async def test_assertion_that_does_not_hold_refuses_with_its_description(api: Api) -> None:
    given = {"Stage": "prod", "Block": "10.9.0.0/16"}
    body = {"stack_name": "ruled", "template": NETWORK, "parameters": given}
    status, kind, message = await api.refused("POST", "/stacks", body)
    assert (status, kind) == (400, "StackValidationFailed")
    assert "In production only the two known blocks are used." in message
    del body["stack_name"]
    assert "only the two known blocks" in (await api.refused("POST", "/validate", body))[2]
    assert (await api.call("POST", "/validate", {**body, "parameters": {}})).status_code == 200


async def test_validation_shows_groups_and_labels_of_the_interface(api: Api) -> None:
    shown = (await api.call("POST", "/validate", {"template": NETWORK})).json()
    assert shown["ParameterGroups"] == [{"label": "Network", "parameters": ["Block"]}]
    assert shown["Parameters"]["Block"]["Label"] == "Address block"


async def test_stacks_share_values_and_what_is_used_is_kept(api: Api) -> None:
    net = await api.create("net", NETWORK)
    word = (await outputs(api, net))["Word"]
    user = await api.create("user", USER)
    assert (await outputs(api, user))["Value"] == f"word={word}"

    status, kind, message = await api.refused("DELETE", net)
    assert (status, kind) == (409, "ExportInUse")
    assert message == "Export net-word cannot be deleted as it is in use by user."
    dropped = NETWORK.replace("    Export:\n", "    Ignored:\n")
    assert (await api.refused("PUT", net, {"template": dropped}))[2] == message
    assert (await api.refused("PUT", f"{net}/preview", {"template": dropped}))[2] == message

    # The word would be replaced: that shows only when it has been, and the old one is still there.
    assert await changed(api, net, NETWORK, parameters={"Letters": 9}) == (
        "UPDATE_FAILED",
        "Export net-word cannot be updated as it is in use by user.",
    )
    assert (await outputs(api, user))["Value"] == f"word={word}"
    assert (await changed(api, net, NETWORK))[0] == "UPDATE_COMPLETE"
    assert (await outputs(api, net))["Word"] == word

    state, _ = await changed(api, user, "HeatTemplateFormatVersion: '2012-12-12'")
    assert state == "UPDATE_COMPLETE"
    assert await changed(api, net, NETWORK, parameters={"Letters": 9}) == (
        "UPDATE_COMPLETE",
        "Stack UPDATE completed successfully",
    )
    assert len((await outputs(api, net))["Word"]) == 9
    assert (await api.call("DELETE", net)).status_code == 204


async def test_a_name_is_exported_by_one_stack_and_only_what_is_exported_is_imported(api: Api) -> None:
    body = {"stack_name": "nobody", "template": USER, "parameters": {"Network": "none"}}
    assert "No export named none-word found." in (await api.refused("POST", "/stacks", body))[2]
    assert "No export named none-word found." in (await api.refused("POST", "/stacks/preview", body))[2]
    first = await api.create("first", NETWORK.replace("${AWS::StackName}-word", "the-word"))
    again = {"stack_name": "second", "template": NETWORK.replace("${AWS::StackName}-word", "the-word")}
    status, kind, message = await api.refused("POST", "/stacks", again)
    assert (status, kind) == (409, "ExportExists")
    assert message == "Export with name the-word is already exported by stack first."
    assert (await api.call("DELETE", first)).status_code == 204
    path = await api.create("second", again["template"])
    assert (await api.get(path))["stack"]["stack_status"] == "CREATE_COMPLETE"


async def test_a_create_that_failed_and_was_rolled_back_gives_its_name_free(api: Api) -> None:
    failing = NETWORK.replace(
        "  Name:\n    Type: OS::Heat::Value",
        "  Broken:\n    Type: OS::Heat::TestResource\n    Properties: {fail: true}\n"
        "  Name:\n    Type: OS::Heat::Value",
    )
    failing = failing.replace("${AWS::StackName}-word", "freed")
    path = await api.create("freeing", failing, disable_rollback=False)
    assert (await api.get(path))["stack"]["stack_status"] == "ROLLBACK_COMPLETE"
    path = await api.create("taking", NETWORK.replace("${AWS::StackName}-word", "freed"))
    assert (await api.get(path))["stack"]["stack_status"] == "CREATE_COMPLETE"


async def test_names_of_imports_and_exports_cannot_come_from_resources(api: Api) -> None:
    importing = USER.replace('!Sub "${Network}-word"', "!GetAtt Other.value").replace(
        "Resources:\n", "Resources:\n  Other: {Type: OS::Heat::RandomString}\n"
    )
    message = (await api.refused("POST", "/stacks", {"stack_name": "x", "template": importing}))[2]
    assert "The name of an import cannot come from a resource." in message
    exporting = NETWORK.replace("${AWS::StackName}-word", "${Word.value}")
    message = (await api.refused("POST", "/stacks", {"stack_name": "x", "template": exporting}))[2]
    assert "The name of an export cannot come from a resource." in message


async def test_names_of_imports_and_exports_cannot_be_made_of_hidden_parameters(api: Api) -> None:
    hidden = "Stage: {Type: String, Default: test-secret, NoEcho: true}"
    exporting = NETWORK.replace("Stage: {Type: String, Default: test}", hidden)
    exporting = exporting.replace("${AWS::StackName}-word", "${Stage}-word")
    importing = USER.replace("Network: {Type: String, Default: net}", "Network: {Type: String, NoEcho: true}")
    for template, what in ((exporting, "an export"), (importing, "an import")):
        given = {"Network": "secret"} if template is importing else {}
        body = {"stack_name": "x", "template": template, "parameters": given}
        message = (await api.refused("POST", "/stacks", body))[2]
        assert f"The name of {what} cannot be made of a hidden parameter" in message
        assert "secret-word" not in message


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ('{"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless"}', "Transform"),
        ("heat_template_version: 2021-04-16\noutputs: {o: {value: !Ref x}}", "the tag '!Ref'"),
        (NETWORK.replace("${Stage}", "${Stages}"), '"Stages"'),
        (NETWORK.replace("!Contains", "!RefAll"), "the tag '!RefAll'"),
        (USER.replace("Fn::ImportValue", "Fn::Transform"), "Macros and transforms are not supported"),
    ],
)
async def test_what_is_not_there_is_refused_by_name(api: Api, template: str, problem: str) -> None:
    status, _, message = await api.refused("POST", "/stacks", {"stack_name": "x", "template": template})
    assert status == 400
    assert problem in message
