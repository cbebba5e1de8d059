"""`stackd dev`: what the server and the clients are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackd.cli.dev import Options, client_variables, dev_settings
from stackd.cli.session import auth_body


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.chdir(tmp_path)
    return Options(port=1, cloud_port=2, latency=0.0, state=tmp_path / "state", config_file=None, command=())


def test_server_listens_on_loopback_only_and_keeps_its_state_where_told(options: Options) -> None:
    settings = dev_settings(options, "http://127.0.0.1:2/identity/v3")
    assert {api.host for api in (settings.api.native, settings.api.cfn, settings.api.cloudwatch)} == {
        "127.0.0.1"
    }
    assert settings.api.native.port == 1
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
    assert (dev_settings(options, "x").log.level, dev_settings(beside, "x").log.level) == ("info", "warning")
    monkeypatch.setenv("STACKD_LOG__LEVEL", "debug")
    assert dev_settings(beside, "x").log.level == "debug"
