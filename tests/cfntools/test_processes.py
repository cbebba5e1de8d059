"""Each command as a process of its own, by its entry point."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.cfntools.conftest import SOURCE, Programs
from tests.cfntools.server import Server, described

NAMES = ("cfn-create-aws-symlinks", "cfn-get-metadata", "cfn-hup", "cfn-init", "cfn-push-stats", "cfn-signal")


def test_every_command_has_its_entry_point() -> None:
    project = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text())["project"]
    expected = {name: f"stackd_cfntools.programs.{name.replace('-', '_')}:main" for name in NAMES}
    assert project["scripts"] == expected
    assert project["dependencies"] == []


@pytest.mark.parametrize("name", NAMES)
def test_help_names_the_command(programs: Programs, name: str) -> None:
    done = programs(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {name} ")


def test_process_works_below_the_root_that_the_environment_names(programs: Programs, server: Server) -> None:
    server.replies(described('{"a": 1}'))
    programs.machine.put("/var/lib/heat-cfntools/cfn-metadata-server", server.url)
    words = ("-s", "s", "-r", "r", "--access-key", "AK", "--secret-key", "SK")
    done = programs.process("cfn-get-metadata", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"a": 1}\n', "")


def test_exit_code_of_a_process_is_that_of_the_failure(programs: Programs) -> None:
    done = programs.process("cfn-init")
    assert done.returncode == 1
    assert "there is no metadata" in done.stderr


def test_log_is_for_its_owner_only(programs: Programs) -> None:
    programs("cfn-init")
    log: Path = programs.machine.real("/var/log/cfn-init.log")
    assert log.stat().st_mode & 0o777 == 0o600
