"""The root command: what it lists, and what it does not import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackd.cli.main import ROOT, cli
from stackd.cli.planning import COMMANDS as PLAN_COMMANDS
from stackd.cli.resource import COMMANDS as RESOURCE_COMMANDS
from stackd.cli.snapshots import snapshot
from stackd.cli.stack import COMMANDS

HEAVY = ("httpx", "rich", "pydantic", "fastapi", "sqlalchemy", "uvloop", "yaml", "networkx")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom stackd.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "serve" in done.stdout


@pytest.mark.parametrize("name", [name for name in ROOT if name not in ("serve", "dev")])
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: cli {name}")


GROUPED = [
    *sorted(COMMANDS.keys() - {"hook", "plan", "resource", "snapshot", "template", "environment"}),
    *("hook poll", "hook clear", "template show", "environment show"),
    *(f"snapshot {name}" for name in snapshot.commands),
    *(f"resource {name}" for name in RESOURCE_COMMANDS),
    *(f"plan {name}" for name in PLAN_COMMANDS),
]


@pytest.mark.parametrize("name", GROUPED)
def test_every_stack_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, ["stack", *name.split(), "--help"])
    assert result.exit_code == 0
    assert "--endpoint" in result.output


def test_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(cli, ["sreve"]).exit_code == 2


def test_closed_streams_are_the_null_device() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"'{sys.executable}' -m stackd.cli types <&- >&-"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_disk_is_reported_in_a_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stackd.cli", "config"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"Error: The output cannot be written: No space left on device.\n" in done.stderr
    assert b"Traceback" not in done.stderr


def test_characters_that_the_output_does_not_know_are_written_out(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("heat_template_version: 2021-04-16\nresources: →\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "stackd.cli", "template", "validate", str(tmp_path / "t.yaml")],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"resources: \\u2192" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
