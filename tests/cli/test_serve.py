"""`stackd serve`: what keeps it from starting, and what it says then."""

from __future__ import annotations

import gc
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stackd.cli.main import cli
from tests.support.network import free_port


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No configuration of the machine takes part, and what the server sets for its process is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stackd.cli.serve._NOT_NEEDED", ())
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()
    sys.setswitchinterval(interval)


def serve(**settings: str) -> Result:
    return CliRunner(env={f"STACKD_{name}": value for name, value in settings.items()}).invoke(cli, ["serve"])


@pytest.mark.parametrize("url", ["", "controller:5000"])
def test_server_without_keystone_does_not_start(url: str, tmp_path: Path) -> None:
    result = serve(KEYSTONE__AUTH_URL=url)
    assert result.exit_code == 2
    assert "keystone.auth_url" in result.stderr
    assert "STACKD_KEYSTONE__AUTH_URL" in result.stderr
    assert "`stackd dev`" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("api", ["NATIVE", "CFN", "CLOUDWATCH"])
def test_taken_port_names_the_setting(api: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {f"API__{name}__PORT": str(free_port()) for name in ("NATIVE", "CFN", "CLOUDWATCH")}
        ports[f"API__{api}__PORT"] = str(port)
        result = serve(KEYSTONE__AUTH_URL="http://127.0.0.1:9/v3", **ports)
    assert result.exit_code == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in result.stderr
    assert f"STACKD_API__{api}__PORT" in result.stderr


@pytest.mark.parametrize("host", ["host.invalid", "192.0.2.1"])
def test_host_that_is_not_of_this_machine_names_the_setting(host: str) -> None:
    ports = {f"API__{name}__PORT": str(free_port()) for name in ("NATIVE", "CFN", "CLOUDWATCH")}
    result = serve(KEYSTONE__AUTH_URL="http://127.0.0.1:9/v3", API__CFN__HOST=host, **ports)
    assert result.exit_code == 1
    assert f"Cannot listen on {host}:" in result.stderr
    assert "Set another host: STACKD_API__CFN__HOST, or host in [api.cfn]." in result.stderr


def test_log_has_no_colours_unless_a_terminal_shows_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = {"API__NATIVE__PORT": str(taken.getsockname()[1]), "LOG__LEVEL": "debug"}
        result = serve(KEYSTONE__AUTH_URL="http://127.0.0.1:9/v3", **settings)
    assert "\x1b" not in result.output
