"""Guests that poll the metadata of their resources, as the agents in images do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.db import resources
from tests.cfn_query.conftest import ROOT, Outcome, System, query
from tests.support.signing import Key, version_2
from tests.support.templates import hot
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
DETAIL = "DescribeStackResourceResult/StackResourceDetail/"
CONFIG = {"type": "OS::Heat::SoftwareConfig", "properties": {"config": "#!/bin/sh", "group": "script"}}
DEPLOYMENT = {
    "type": "OS::Heat::SoftwareDeployment",
    "properties": {
        "config": {"get_resource": "config"},
        "server": {"get_resource": "server"},
        "signal_transport": "NO_SIGNAL",
    },
}
SERVER = {
    "type": "OS::Nova::Server",
    "properties": {
        "flavor": "m1.tiny",
        "image": "cirros",
        "networks": [{"allocate_network": "none"}],
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": "POLL_SERVER_CFN",
    },
}
TEMPLATE = hot({"config": CONFIG, "server": SERVER, "other": SERVER, "deployment": DEPLOYMENT})
USER_TEMPLATE = {
    "Resources": {
        "User": {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": "Policy"}]}},
        "Keys": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "User"}}},
        "Policy": {"Type": "OS::Heat::AccessPolicy", "Properties": {"AllowedResources": ["Open"]}},
        "Open": {"Type": "OS::Heat::TestResource", "Metadata": {"AWS::CloudFormation::Init": {"config": {}}}},
        "Closed": {"Type": "OS::Heat::TestResource", "Metadata": {"a": "b"}},
    },
    "Outputs": {
        "Key": {"Value": {"Ref": "Keys"}},
        "Secret": {"Value": {"Fn::GetAtt": ["Keys", "SecretAccessKey"]}},
    },
}


async def settings_of(system: System, path: str, server: str) -> dict[str, Any]:
    """What a server is told of how to get its metadata."""
    db = system.parts.engine.services.db
    [row] = await resources.named(db, path.rpartition("/")[2], server)
    found: dict[str, Any] = row.metadata["os-collect-config"]["cfn"]
    return found


async def poll(system: System, cfn: dict[str, Any], **changes: str) -> Outcome:
    """Ask as the collector of the agent does, which signs no time and no version of the API."""
    name = cfn["path"].partition(".")[0]
    params = {"Action": "DescribeStackResource", "StackName": cfn["stack_name"], "LogicalResourceId": name}
    key = Key(cfn["access_key_id"], cfn["secret_access_key"])
    return Outcome.of(await system.aws.send(version_2(cfn["metadata_url"], params | changes, key)))


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return {}


async def made(system: System, kept: dict[str, Any]) -> str:
    if "path" not in kept:
        kept["path"] = await system.native.create("polled", TEMPLATE)
    return str(kept["path"])


async def test_server_polls_what_it_is_to_do_without_a_call_to_keystone(
    system: System, kept: dict[str, Any]
) -> None:
    cfn = await settings_of(system, await made(system, kept), "server")
    assert cfn["metadata_url"] == f"{ROOT}/"
    calls = dict(system.parts.engine.trusts._clouds.stats())
    found = await poll(system, cfn)
    assert dict(system.parts.engine.trusts._clouds.stats()) == calls
    metadata = json.loads(found.text(f"{DETAIL}Metadata"))
    assert [each["config"] for each in metadata["deployments"]] == ["#!/bin/sh"]
    assert metadata["os-collect-config"]["cfn"]["secret_access_key"] == cfn["secret_access_key"]
    for root in (f"{ROOT}//v1/", ROOT):
        assert (await poll(system, cfn | {"metadata_url": root})).status == 200
    arn = found.text(f"{DETAIL}StackId")
    for name in (arn, arn.rpartition("/")[2]):
        assert (await poll(system, cfn, StackName=name)).status == 200


async def test_server_reads_nothing_but_its_own_metadata(system: System, kept: dict[str, Any]) -> None:
    path = await made(system, kept)
    cfn, other = [await settings_of(system, path, name) for name in ("server", "other")]
    mixed = await poll(system, cfn | {"path": other["path"]})
    assert mixed.error[:2] == (403, "AccessDenied")
    listed = version_2(
        ROOT, query("ListStackResources", {"StackName": "polled"}), Key(cfn["access_key_id"], "x")
    )
    assert Outcome.of(await system.aws.send(listed)).error[1] == "IncompleteSignature"


async def test_wrong_signatures_of_guests_are_refused(system: System, kept: dict[str, Any]) -> None:
    cfn = await settings_of(system, await made(system, kept), "server")
    wrong = await poll(system, cfn | {"secret_access_key": "wrong"})
    assert wrong.error[:2] == (403, "SignatureDoesNotMatch")
    unknown = await poll(system, cfn | {"access_key_id": "0" * 32})
    assert unknown.error[:2] == (403, "InvalidClientTokenId")
    old = await poll(system, cfn, Timestamp="2020-01-01T00:00:00Z")
    assert old.error[:2] == (400, "RequestExpired")
    signed = version_2(
        cfn["metadata_url"],
        {"Action": "DescribeStackResource", "StackName": "polled", "LogicalResourceId": "server"},
        Key(cfn["access_key_id"], cfn["secret_access_key"]),
    )
    answer = await system.cfn.get(signed.url.replace("polled", "strange"))
    assert Outcome.of(answer).error[0] == 403


async def test_users_of_the_project_sign_a_time_also_for_what_guests_poll(
    system: System, kept: dict[str, Any]
) -> None:
    await made(system, kept)
    params = query("DescribeStackResource", {"StackName": "polled", "LogicalResourceId": "server"})
    undated = Outcome.of(await system.aws.send(version_2(ROOT, params, system.aws.key)))
    assert undated.error[:2] == (400, "IncompleteSignature")
    shown = await system.aws.call("DescribeStackResource", StackName="polled", LogicalResourceId="server")
    native = await system.native.get(f"{await made(system, kept)}/resources/server/metadata")
    assert json.loads(shown.text(f"{DETAIL}Metadata")) == native["metadata"]


async def test_user_of_a_template_reads_what_its_policies_allow(system: System) -> None:
    created = await system.aws.call("CreateStack", StackName="users", TemplateBody=json.dumps(USER_TEMPLATE))
    arn = created.text("CreateStackResult/StackId")
    path = f"/stacks/users/{arn.rpartition('/')[2]}"
    assert (await system.native.settled(path))["stack_status"] == "CREATE_COMPLETE"
    outputs = (await system.native.get(f"{path}"))["stack"]["outputs"]
    values = {each["output_key"]: each["output_value"] for each in outputs}
    cfn = {
        "metadata_url": f"{ROOT}/",
        "access_key_id": values["Key"],
        "secret_access_key": values["Secret"],
        "stack_name": "users",
        "path": "Open.Metadata",
    }
    allowed = await poll(system, cfn)
    assert json.loads(allowed.text(f"{DETAIL}Metadata")) == {"AWS::CloudFormation::Init": {"config": {}}}
    denied = await poll(system, cfn | {"path": "Closed.Metadata"})
    assert denied.error[:2] == (403, "AccessDenied")
    stranger = await poll(system, cfn | {"stack_name": "polled", "path": "server.Metadata"})
    assert stranger.error == (400, "ValidationError", "Stack with id polled does not exist")


async def test_keys_are_good_until_the_stack_goes(system: System) -> None:
    path = await system.native.create("going", hot({"server": SERVER}))
    cfn = await settings_of(system, path, "server")
    assert (await poll(system, cfn)).status == 200
    await system.native.call("DELETE", path)

    async def is_gone() -> bool:
        return (await poll(system, cfn)).status != 200

    await until(is_gone)
    assert (await poll(system, cfn)).error[:2] == (403, "InvalidClientTokenId")
