"""The tools in guests of a running service: what a user's template promises comes true."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud
from tests.cfntools.guests.guest import Guest, booted

pytestmark = pytest.mark.docs

SERVER = (Path(__file__).parent / "server.yaml").read_text()
ME = pwd.getpwuid(os.getuid()).pw_name


CLASSIC = (Path(__file__).parent / "classic.yaml").read_text().replace("@USER@", ME)


def template(stack: str, root: Path, version: str = "1") -> str:
    return SERVER.replace("@STACK@", stack).replace("@ROOT@", str(root)).replace("@VERSION@", version)


@pytest.fixture
def guest(cloud: Cloud, root: Path, request: pytest.FixtureRequest) -> Guest:
    """A server of a stack named after the test, which waits for the server's signal."""
    stack = stack_of(request)
    cloud.create(stack, template(stack, root))
    return booted(cloud, root, stack, "server")


def stack_of(request: pytest.FixtureRequest) -> str:
    name: str = request.node.originalname
    return name.replace("_", "-")[:60]


def test_guest_configures_itself_and_completes_its_stack(
    cloud: Cloud, guest: Guest, request: pytest.FixtureRequest
) -> None:
    stack = stack_of(request)
    assert cloud.stack(stack)["stack_status"] == "CREATE_IN_PROGRESS"
    done = guest.boot()
    assert (done.returncode, done.stderr) == (0, "")
    assert guest.read("/etc/app/version") == "1"
    assert guest.read("/count") == "configured\n"
    [output] = cloud.settled(stack, "CREATE_COMPLETE")["outputs"]
    server = json.loads(guest.read("/var/lib/heat-cfntools/nova_meta.json"))["uuid"]
    assert json.loads(output["output_value"]) == {server: "the data"}


def test_failure_of_a_guest_fails_its_stack_with_the_reason(
    cloud: Cloud, guest: Guest, request: pytest.FixtureRequest
) -> None:
    guest.program("cfn-init", "#!/bin/sh\nexit 3\n")
    assert guest.boot().returncode == 0
    stack = cloud.settled(stack_of(request), "CREATE_FAILED")
    assert "it is done" in stack["stack_status_reason"]


def test_metadata_is_fetched_with_the_servers_own_key_and_no_other_resources(
    cloud: Cloud, guest: Guest, request: pytest.FixtureRequest
) -> None:
    stack, key = stack_of(request), "'AWS::CloudFormation::Init'.config.files.'/etc/app/version'.content"
    for version in ("2", "4"):
        done = guest.run(
            *("cfn-get-metadata", "-s", stack, "-r", "server", "-k", key, "--signature-version", version)
        )
        assert (done.returncode, done.stdout) == (0, '"1"\n'), done.stderr
    refused = guest.run("cfn-get-metadata", "-s", stack, "-r", "handle")
    assert refused.returncode == 22
    assert "AccessDenied" in refused.stderr
    unknown = guest.run("cfn-get-metadata", "-s", "no-such-stack", "-r", "server")
    assert unknown.returncode == 22


def test_changed_metadata_runs_the_hook_that_configures_the_guest_again(
    cloud: Cloud, guest: Guest, root: Path, request: pytest.FixtureRequest
) -> None:
    stack = stack_of(request)
    assert guest.boot().returncode == 0
    cloud.settled(stack, "CREATE_COMPLETE")
    section = json.loads(guest.read("/var/lib/heat-cfntools/cfn-init-data"))["os-collect-config"]["cfn"]
    key = f"AWSAccessKeyId={section['access_key_id']}\nAWSSecretKey={section['secret_access_key']}\n"
    guest.write("/etc/cfn/cfn-credentials", key)
    guest.write("/etc/cfn/cfn-hup.conf", f"[main]\nstack={stack}\ncredential-file=/etc/cfn/cfn-credentials\n")
    action = f"cfn-init -s {stack} -r server"
    hook = f"[again]\ntriggers=post.update\npath=Resources.server.Metadata\naction={action}\nrunas={ME}\n"
    guest.write("/etc/cfn/hooks.d/again.conf", hook)
    first = guest.run("cfn-hup", "-f")
    assert (first.returncode, first.stderr) == (0, "")
    assert guest.read("/count") == "configured\n"
    cloud.update(stack, template(stack, root, "2"))
    cloud.settled(stack, "UPDATE_COMPLETE")
    second = guest.run("cfn-hup", "-f")
    assert (second.returncode, second.stderr) == (0, "")
    assert guest.read("/etc/app/version") == "2"
    assert guest.read("/count") == "configured\n" * 2
    assert guest.run("cfn-hup", "-f").returncode == 0
    assert guest.read("/count") == "configured\n" * 2


def test_classic_instance_configures_itself_by_a_key_of_its_own(cloud: Cloud, root: Path) -> None:
    cloud.create("classic", CLASSIC.replace("@VERSION@", "1"))
    guest = booted(cloud, root, "classic", "Machine")
    done = guest.boot()
    assert (done.returncode, done.stderr) == (0, "")
    assert guest.read("/var/lib/app/version") == "1"
    cloud.settled("classic", "CREATE_COMPLETE")
    assert guest.run("cfn-hup", "-f").returncode == 0
    cloud.update("classic", CLASSIC.replace("@VERSION@", "2"))
    cloud.settled("classic", "UPDATE_COMPLETE")
    done = guest.run("cfn-hup", "-f")
    assert (done.returncode, done.stderr) == (0, "")
    assert guest.read("/var/lib/app/version") == "2"


@pytest.mark.parametrize(("code", "status"), [("0", "CREATE_COMPLETE"), ("1", "CREATE_FAILED")])
def test_resource_of_a_stack_is_signalled_by_its_name(
    cloud: Cloud, root: Path, code: str, status: str
) -> None:
    stack = f"by-name-{code}"
    cloud.create(stack, CLASSIC.replace("@VERSION@", "1"))
    guest = booted(cloud, root, stack, "Machine")
    assert guest.run("cfn-init").returncode == 0  # writes the credentials
    done = guest.run("cfn-signal", "-e", code, "--stack", stack, "--resource", "Handle")
    assert (done.returncode, done.stderr) == (0, "")
    cloud.settled(stack, status)
