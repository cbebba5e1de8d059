"""The access key comes from the first place that has one."""

from __future__ import annotations

import json
import logging

import pytest

from stackd_cfntools.credentials import Given, credentials, required
from stackd_cfntools.errors import ToolError
from stackd_cfntools.signing import Key
from tests.cfntools.machine import Machine

NOTHING = Given(None, None, None)
DEFAULT = "/etc/cfn/cfn-credentials"
FILE = "AWSAccessKeyId={0}\nAWSSecretKey=s{0}\n"
COLLECTOR = {
    "metadata_url": "http://h:8000/v1/",
    "access_key_id": "collector",
    "secret_access_key": "scollector",
}


def test_places_are_asked_in_their_order(machine: Machine) -> None:
    data = {"os-collect-config": {"cfn": COLLECTOR}}
    machine.put("/var/lib/heat-cfntools/cfn-init-data", json.dumps(data))
    assert credentials(machine, NOTHING) == Key("collector", "scollector")
    machine.put(DEFAULT, FILE.format("default"), 0o400)
    assert credentials(machine, NOTHING) == Key("default", "sdefault")
    machine.put("/own", FILE.format("own"), 0o400)
    assert credentials(machine, Given(None, None, "/own")) == Key("own", "sown")
    assert credentials(machine, Given("option", "soption", "/own")) == Key("option", "soption")


@pytest.mark.parametrize("path", ["/var/lib/os-collect-config/cfn.json", "/var/lib/cloud/data/cfn-init-data"])
def test_what_os_collect_config_fetched_has_a_key(machine: Machine, path: str) -> None:
    machine.put(path, json.dumps({"os-collect-config": {"cfn": COLLECTOR}}))
    assert credentials(machine, NOTHING) == Key("collector", "scollector")


def test_configuration_of_os_collect_config_has_a_key(machine: Machine) -> None:
    lines = "\n".join(f"{name} = {value}" for name, value in COLLECTOR.items())
    machine.put("/etc/os-collect-config.conf", f"[DEFAULT]\ncommand = x\n[cfn]\n{lines}\n")
    assert credentials(machine, NOTHING) == Key("collector", "scollector")


@pytest.mark.parametrize(
    "text", ['{"os-collect-config": null}', '{"os-collect-config": {"cfn": null}}', "[]", "{"]
)
def test_data_of_another_shape_has_no_key(machine: Machine, text: str) -> None:
    machine.put("/var/lib/heat-cfntools/cfn-init-data", text)
    assert credentials(machine, NOTHING) is None
    with pytest.raises(ToolError, match=f"--access-key.*{DEFAULT}"):
        required(machine, NOTHING)


def test_spaces_and_other_lines_do_not_matter(machine: Machine) -> None:
    machine.put(DEFAULT, "# comment\n AWSAccessKeyId = a \r\nother=1\nAWSSecretKey =b=c/+\n", 0o400)
    assert credentials(machine, NOTHING) == Key("a", "b=c/+")


@pytest.mark.parametrize(
    ("text", "message"), [("AWSAccessKeyId=a\n", "no line AWSSecretKey="), ("", "no line AWSAccessKeyId=")]
)
def test_half_a_file_is_refused(machine: Machine, text: str, message: str) -> None:
    machine.put(DEFAULT, text, 0o400)
    with pytest.raises(ToolError, match=message):
        credentials(machine, NOTHING)


def test_half_of_the_options_is_refused(machine: Machine) -> None:
    with pytest.raises(ToolError, match="belong together"):
        credentials(machine, Given("a", None, None))


def test_named_file_that_is_not_there_is_refused(machine: Machine) -> None:
    machine.put(DEFAULT, FILE.format("default"), 0o400)
    with pytest.raises(ToolError, match="/missing"):
        credentials(machine, Given(None, None, "/missing"))


def test_file_that_others_can_read_is_warned_of(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.put(DEFAULT, FILE.format("a"), 0o644)
    with caplog.at_level(logging.WARNING):
        credentials(machine, NOTHING)
    assert "can be read by others" in caplog.text
    assert "sa" not in caplog.text.replace("/", " ").split()
