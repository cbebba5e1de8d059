"""Services: the commands of each kind of machine, and when they are restarted."""

from __future__ import annotations

from typing import Any

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.context import Context
from stackd_cfntools.init.services import manage, wanted
from stackd_cfntools.system import Outcome
from tests.cfntools.init.context import context_of
from tests.cfntools.machine import Machine

DOWN = Outcome(3, "inactive\n")


@pytest.fixture
def context(machine: Machine) -> Context:
    machine.program("systemctl")
    return context_of(machine)


def managed(context: Context, settings: Any, kind: str = "systemd") -> list[str]:
    machine = context.system
    assert isinstance(machine, Machine)
    machine.commands.clear()
    manage(context, {kind: {"httpd": settings}})
    return machine.ran


@pytest.mark.parametrize("kind", ["systemd", "sysvinit"])
def test_service_that_is_down_is_enabled_and_started(context: Context, machine: Machine, kind: str) -> None:
    machine.outcomes["systemctl is-active"] = DOWN
    settings = {"enabled": "true", "ensureRunning": "yes"}
    commands = ["systemctl enable httpd", "systemctl is-active httpd", "systemctl start httpd"]
    assert managed(context, settings, kind) == commands


def test_service_that_runs_stays(context: Context) -> None:
    assert managed(context, {"enabled": True, "ensureRunning": True})[-1] == "systemctl is-active httpd"


def test_service_that_should_not_run_is_disabled_and_stopped(context: Context, machine: Machine) -> None:
    commands = ["systemctl disable httpd", "systemctl is-active httpd", "systemctl stop httpd"]
    assert managed(context, {"enabled": "false", "ensureRunning": "0"}) == commands
    machine.outcomes["systemctl is-active"] = DOWN
    assert managed(context, {"ensureRunning": False}) == ["systemctl is-active httpd"]


def test_what_is_not_asked_for_is_not_touched(context: Context) -> None:
    assert managed(context, {}) == []
    assert managed(context, {"files": ["/x"]}) == []


@pytest.mark.parametrize(
    "dependency",
    [{"files": ["/f"]}, {"sources": ["/s"]}, {"packages": {"yum": ["p", "q"]}}, {"commands": ["c"]}],
)
def test_change_of_what_it_depends_on_restarts_a_service(
    context: Context, dependency: dict[str, Any]
) -> None:
    settings = {"ensureRunning": True, **dependency}
    assert managed(context, settings) == ["systemctl is-active httpd"]
    context.changes.packages.add(("apt", "p"))
    assert managed(context, settings) == ["systemctl is-active httpd"]
    context.changes.files.add("/f")
    context.changes.sources.add("/s")
    context.changes.packages.add(("yum", "p"))
    context.changes.commands.add("c")
    assert managed(context, settings) == ["systemctl is-active httpd", "systemctl restart httpd"]


def test_change_starts_a_service_that_is_down_once(context: Context, machine: Machine) -> None:
    machine.outcomes["systemctl is-active"] = DOWN
    context.changes.files.add("/f")
    commands = managed(context, {"ensureRunning": True, "files": ["/f"]})
    assert commands == ["systemctl is-active httpd", "systemctl start httpd"]


def test_changed_unit_is_read_anew(context: Context) -> None:
    context.changes.files.add("/etc/systemd/system/httpd.service")
    assert managed(context, {"enabled": True})[:1] == ["systemctl daemon-reload"]


@pytest.mark.parametrize(
    ("tool", "commands"),
    [
        ("chkconfig", ["chkconfig httpd on", "service httpd status", "service httpd start"]),
        ("update-rc.d", ["update-rc.d httpd enable", "service httpd status", "service httpd start"]),
    ],
)
def test_machine_without_systemd_has_scripts(machine: Machine, tool: str, commands: list[str]) -> None:
    machine.program(tool)
    machine.outcomes["service httpd status"] = DOWN
    settings = {"enabled": True, "ensureRunning": True}
    assert managed(context_of(machine), settings, "sysvinit") == commands


def test_other_kinds_are_left_out(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    assert managed(context, {"ensureRunning": True}, "windows") == []
    assert "services.windows is not for this machine" in caplog.text


def test_service_that_does_not_start_is_an_error(context: Context, machine: Machine) -> None:
    machine.outcomes.update({"systemctl is-active": DOWN, "systemctl start": Outcome(1, "no such unit")})
    with pytest.raises(ToolError, match="systemctl start httpd ended with status 1: no such unit"):
        managed(context, {"ensureRunning": True})


def test_services_of_all_configs_are_wanted() -> None:
    init = {
        "configSets": {"default": ["a", "b"]},
        "a": {"services": {"systemd": {"x": {"ensureRunning": "true"}, "off": {"ensureRunning": False}}}},
        "b": {"services": {"sysvinit": {"y": {"ensureRunning": True}, "odd": []}, "windows": {"w": {}}}},
        "c": {"services": []},
        "d": [],
    }
    assert wanted(init) == ["x", "y"]
