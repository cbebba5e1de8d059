"""Packages: what is installed already, which version is wanted, and the commands of each manager."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.managers import MANAGERS, Package
from stackd_cfntools.init.packages import chosen, install
from stackd_cfntools.init.versions import key_of, matches
from stackd_cfntools.system import Outcome
from tests.cfntools.init.context import context_of
from tests.cfntools.machine import Machine
from tests.cfntools.server import Reply, Server

MISSING = Outcome(1, "not installed\n")
APT, GEM = "apt-get -q -y --allow-downgrades install", "gem install --no-document"
URL = "http://127.0.0.1:1/a-1.0.rpm"


def installed(machine: Machine, packages: dict[str, Any]) -> list[str]:
    """The commands that install what is asked for."""
    for manager in MANAGERS.values():
        for tool in manager.tools:
            machine.program(tool[0])
    install(context_of(machine), packages)
    asking = ("rpm -q", "dpkg-query", "gem list", "pip3 show")
    return [command for command in machine.ran if not command.startswith(asking)]


@pytest.mark.parametrize(
    ("manager", "packages", "commands"),
    [
        ("apt", {"b": [], "a": ["1.2-1"]}, ["apt-get -q update", f"{APT} a=1.2-1 b"]),
        ("yum", {"b": [], "a": ["1.2"]}, ["yum -y install a-1.2 b"]),
        ("dnf", {"a": "1.2-3.el9"}, ["dnf -y install a-1.2-3.el9"]),
        ("zypper", {"a": ["1.2"], "b": []}, ["zypper --non-interactive install --oldpackage a=1.2 b"]),
        ("rpm", {"a": URL, "b": URL}, [f"rpm -U {URL} {URL}"]),
        ("rubygems", {"a": ["1.2"], "b": []}, [f"{GEM} --version 1.2 a", f"{GEM} b"]),
        ("python", {"a": ["1.2"], "b": []}, ["pip3 install a==1.2 b"]),
        ("yum", {"a": URL}, [f"yum -y install {URL}"]),
        ("python", {"a": "https://h/a.whl"}, ["pip3 install https://h/a.whl"]),
    ],
)  # fmt: skip
def test_missing_packages_are_installed(
    machine: Machine, manager: str, packages: dict[str, Any], commands: list[str]
) -> None:
    machine.outcomes.update(
        {"rpm -q": MISSING, "dpkg-query": MISSING, "gem list": MISSING, "pip3 show": MISSING}
    )
    assert installed(machine, {manager: packages}) == commands


@pytest.mark.parametrize(
    ("manager", "asked", "answer"),
    [
        ("apt", "dpkg-query", "install ok installed|1.2-1"),
        ("yum", "rpm -q", "(none):1.2-1"),
        ("zypper", "rpm -q", "(none):1.2-1\n"),
        ("python", "pip3 show", "Name: a\nVersion: 1.2-1\nSummary: x\n"),
        ("rubygems", "gem list", "true\n"),
    ],
)
@pytest.mark.parametrize("version", [[], ["1.2-1"], ["1.1", "1.2-1"]])
def test_packages_that_are_there_are_left_alone(
    machine: Machine, manager: str, asked: str, answer: str, version: list[str]
) -> None:
    machine.outcomes[asked] = Outcome(0, answer)
    assert installed(machine, {manager: {"a": version}}) == []


def test_removed_package_of_debian_is_not_there(machine: Machine) -> None:
    machine.outcomes["dpkg-query"] = Outcome(0, "deinstall ok config-files|1.2-1")
    assert f"{APT} a" in installed(machine, {"apt": {"a": []}})


def test_newer_and_older_versions_are_upgraded_and_downgraded(machine: Machine) -> None:
    machine.outcomes["rpm -q"] = Outcome(0, "1:1.10-1")
    commands = installed(machine, {"yum": {"up": ["1:1.11"], "down": ["1:1.9"]}})
    assert commands == ["yum -y install up-1:1.11", "yum -y downgrade down-1:1.9"]


def test_debian_is_asked_nothing(machine: Machine) -> None:
    machine.outcomes["dpkg-query"] = MISSING
    installed(machine, {"apt": {"a": []}})
    install_command = machine.commands[-1]
    assert install_command.env["DEBIAN_FRONTEND"] == "noninteractive"
    assert install_command.env["PATH"] == machine.environ["PATH"]


def test_managers_are_run_in_their_order(machine: Machine) -> None:
    machine.outcomes.update(
        {"rpm -q": MISSING, "dpkg-query": MISSING, "gem list": MISSING, "pip3 show": MISSING}
    )
    wanted: dict[str, dict[str, list[str]]] = {
        name: {"a": []} for name in ("zypper", "python", "dnf", "rubygems", "yum", "apt")
    }
    tools = [command.split()[0] for command in installed(machine, wanted)]
    assert tools == ["apt-get", "apt-get", "yum", "dnf", "pip3", "gem", "zypper"]


def test_yum_falls_back_to_dnf(machine: Machine) -> None:
    machine.program("dnf")
    machine.outcomes["rpm -q"] = MISSING
    install(context_of(machine), {"yum": {"a": []}})
    assert machine.ran[-1] == "dnf -y install a"


def test_missing_manager_and_failed_installation_are_errors(machine: Machine) -> None:
    with pytest.raises(ToolError, match="zypper: this machine has no zypper"):
        install(context_of(machine), {"zypper": {"a": []}})
    machine.outcomes.update({"rpm -q": MISSING, "yum": Outcome(1, "No package a available.")})
    with pytest.raises(ToolError, match=r"yum: yum -y install a ended with status 1: No package a available"):
        installed(machine, {"yum": {"a": []}})


def test_unknown_managers_are_left_out(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    assert installed(machine, {"msi": {"a": []}, "brew": {"a": []}}) == []
    assert "packages.msi is for Windows only" in caplog.text
    assert "packages.brew is not known" in caplog.text


def test_changed_packages_are_remembered(machine: Machine) -> None:
    machine.program("yum")
    machine.outcomes["rpm -q --qf %{EPOCH}:%{VERSION}-%{RELEASE}\n there"] = Outcome(0, "(none):1-1")
    machine.outcomes["rpm -q"] = MISSING
    context = context_of(machine)
    install(context, {"yum": {"there": [], "new": []}})
    assert context.changes.packages == {("yum", "new")}


def test_name_of_a_package_at_a_url_is_the_one_in_it(machine: Machine) -> None:
    machine.outcomes["rpm -q --qf %{NAME}\n -p"] = Outcome(0, "real-name\n")
    machine.outcomes["rpm -q --qf %{EPOCH}:%{VERSION}-%{RELEASE}\n real-name"] = Outcome(0, "(none):1-1")
    assert installed(machine, {"rpm": {"whatever": URL}}) == []


def test_package_of_debian_at_a_url_is_downloaded(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"package"))
    machine.outcomes["dpkg-query"] = MISSING
    [command] = installed(machine, {"dpkg": {"a": server.url + "/a.deb"}})
    assert command.startswith("dpkg --install /")
    with pytest.raises(ToolError, match="a must be the URL"):
        installed(machine, {"dpkg": {"a": ["1"]}})


def test_highest_of_several_versions_is_chosen() -> None:
    assert chosen("a", ["1.9", "1.10", "1.2"]) == Package("a", "1.10", "")
    assert chosen("a", []) == chosen("a", "") == Package("a", "", "")
    assert chosen("a", [1.5]) == Package("a", "1.5", "")


@pytest.mark.parametrize(
    "ordered",
    [
        ["1.0~rc1", "1.0", "1.0a", "1.0.1", "1.1", "1.10", "2"],
        ["1.0-1", "1.0-2", "1.0-10"],
        ["9.9", "1:0.1", "1:0.2", "2:0"],
    ],
)
def test_versions_are_ordered(ordered: list[str]) -> None:
    shuffled = ordered[1::2] + ordered[::2]
    assert sorted(shuffled, key=key_of) == ordered


@given(st.lists(st.text("0123456789abz.~-:+_"), min_size=2))
def test_order_of_any_versions_is_total(found: list[str]) -> None:
    keys = [key_of(each) for each in found]
    assert sorted(keys) == sorted(keys[1::2] + keys[::2])


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        ("1.2-3", "1.2", True),
        ("1:1.2-3", "1.2", True),
        ("1:1.2-3", "1:1.2-3", True),
        ("1.2-3", "1.2-4", False),
        ("1.20-3", "1.2", False),
        ("2:1.2-3", "1:1.2-3", False),
    ],
)
def test_version_matches_with_or_without_its_release(there: str, wanted: str, expected: bool) -> None:
    assert matches(there, wanted) is expected
