"""`stackd dev`: what the server and the clients are told."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackd.cli import dev
from stackd.cli.dev import (
    Options,
    chosen_quotas,
    chosen_services,
    client_variables,
    dev_settings,
    own_command,
)
from stackd.cli.failures import Failure
from stackd.cli.main import cli
from stackd.cli.session import auth_body
from stackd.serving import AddressInUse
from stackd.settings import CloudWatchListener


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.chdir(tmp_path)
    return Options(
        port=1,
        cloud_port=2,
        cfn_port=3,
        latency=0.0,
        state=tmp_path / "state",
        config_file=None,
        command=(),
    )


def test_server_listens_on_loopback_only_and_keeps_its_state_where_told(options: Options) -> None:
    settings = dev_settings(options, "http://127.0.0.1:2/identity/v3")
    assert {api.host for api in (settings.api.native, settings.api.cfn, settings.api.cloudwatch)} == {
        "127.0.0.1"
    }
    assert (settings.api.native.port, settings.api.cfn.port) == (1, 3)
    assert settings.database.url == f"sqlite:///{options.state}/stackd.db"
    assert settings.keystone.auth_url == "http://127.0.0.1:2/identity/v3"


def test_limits_may_still_come_from_the_environment(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKD_LIMITS__MAX_RESOURCES_PER_STACK", "-1")
    monkeypatch.setenv("STACKD_API__NATIVE__HOST", "0.0.0.0")
    settings = dev_settings(options, "http://k")
    assert settings.limits.max_resources_per_stack == -1
    assert settings.api.native.host == "127.0.0.1"


def test_printed_variables_are_credentials() -> None:
    auth = auth_body(client_variables("http://k/v3", "R"))["auth"]
    assert auth["identity"]["methods"] == ["password"]
    assert auth["scope"]["project"]["name"] == "admin"


def test_server_is_quiet_beside_a_command_unless_told_otherwise(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = replace(options, command=("true",))
    levels = [dev_settings(each, "http://k").log.level for each in (options, beside)]
    assert levels == ["info", "warning"]
    monkeypatch.setenv("STACKD_LOG__LEVEL", "debug")
    assert dev_settings(beside, "http://k").log.level == "debug"


def test_services_are_named_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_services("") == ()
    assert chosen_services("nova, blazar,") == ("nova", "blazar")
    with pytest.raises(Failure, match="There is no service 'solaris'") as raised:
        chosen_services("nova,solaris")
    assert "keystone, neutron" in (raised.value.remedy or "")
    asked: list[Options] = []

    async def run(options: Options) -> int:
        asked.append(options)
        return 0

    monkeypatch.setattr(dev, "run", run)
    assert CliRunner().invoke(cli, ["dev", "--services", "glance,nova", "--", "true"]).exit_code == 0
    assert asked[0].services == ("glance", "nova")


def test_project_may_have_what_it_may_have_in_a_real_cloud() -> None:
    usual = chosen_quotas((), usual=True)
    assert (usual["servers"], usual["cores"], usual["volumes"], usual["security_groups"]) == (10, 20, 10, 10)
    assert chosen_quotas(("servers=50", "ports=-1"), usual=True) == usual | {"servers": 50, "ports": -1}
    assert chosen_quotas(("servers=2",), usual=False) == {"servers": 2}


@pytest.mark.parametrize("given", ["serves=2", "servers=two", "servers"])
def test_quota_that_there_is_not_is_refused(given: str) -> None:
    with pytest.raises(Failure) as raised:
        chosen_quotas((given,), usual=True)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("option", ["--port", "--cloud-port", "--cfn-port"])
def test_port_that_is_taken_names_the_option(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"--port": dev._free_port(), "--cloud-port": dev._free_port(), option: port}
        result = CliRunner().invoke(cli, ["dev", *(str(each) for pair in ports.items() for each in pair)])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-2:] == [
        f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use",
        f"Remedy: Choose another port with {option}.",
    ]


def test_directory_that_cannot_be_made_names_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["dev", "--state", "/proc/foo"])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "Error: The directory /proc/foo cannot be made: No such file or directory.",
        "Remedy: Choose another directory with --state.",
    ]


async def test_port_for_metrics_that_is_taken_names_its_option() -> None:
    async def served() -> None:
        raise AddressInUse(CloudWatchListener(port=3), "it is taken")

    with pytest.raises(Failure) as raised:
        await dev._listening(served(), {1: "--port", 2: "--cfn-port", 3: "--cloudwatch-port"})
    assert raised.value.remedy == "Choose another port with --cloudwatch-port."


def test_command_is_called_as_the_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "stackd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "dev"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert own_command() == str(program)
    assert f"export PATH={program.parent}:$PATH" in dev._welcome({}, 1).splitlines()
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command() == "stackd"
    assert "export PATH" not in dev._welcome({}, 1)


def test_example_that_is_printed_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    [line] = [line for line in dev._welcome({}, 1).splitlines() if "stack create" in line]
    assert Path(line.split("-t ")[1].split()[0]).is_file()
