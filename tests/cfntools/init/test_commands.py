"""Commands: their order, tests, places, environments and failures."""

from __future__ import annotations

from typing import Any

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.commands import execute
from stackd_cfntools.system import Outcome
from tests.cfntools.init.context import context_of
from tests.cfntools.machine import Machine


def executed(machine: Machine, commands: dict[str, Any]) -> set[str]:
    """The labels of the commands that were run."""
    context = context_of(machine)
    execute(context, commands)
    return context.changes.commands


def test_commands_are_run_by_the_order_of_their_labels(machine: Machine) -> None:
    commands = {"02": {"command": "two"}, "10": {"command": "ten"}, "01": {"command": ["one", "a b"]}}
    assert executed(machine, commands) == {"01", "02", "10"}
    assert [each.words for each in machine.commands] == [["one", "a b"], "two", "ten"]


def test_failed_test_leaves_a_command_out(machine: Machine) -> None:
    machine.outcomes["no"] = Outcome(1, "")
    commands = {"a": {"command": "x", "test": "no"}, "b": {"command": "y", "test": ["yes", "1"]}}
    assert executed(machine, commands) == {"b"}
    assert machine.ran == ["no", "yes 1", "y"]


def test_test_has_the_place_and_environment_of_its_command(machine: Machine) -> None:
    machine.real("/srv").mkdir(parents=True)
    executed(machine, {"a": {"command": "x", "test": "t", "cwd": "/srv", "env": {"N": 1}}})
    for command in machine.commands:
        assert command.cwd == machine.path("/srv")
        assert command.env == {"N": "1", "PATH": machine.environ["PATH"]}


def test_missing_directory_leaves_a_command_out(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    assert executed(machine, {"a": {"command": "x", "cwd": "/nosuch"}}) == set()
    assert "/nosuch does not exist" in caplog.text


def test_failure_ends_it_unless_errors_are_ignored(machine: Machine) -> None:
    machine.outcomes["bad"] = Outcome(7, "went wrong\n")
    commands = {
        "a": {"command": "bad", "ignoreErrors": "true"},
        "b": {"command": "bad"},
        "c": {"command": "x"},
    }
    with pytest.raises(ToolError, match="the command b ended with status 7: went wrong"):
        executed(machine, commands)
    assert machine.ran == ["bad", "bad"]


def test_pause_after_a_command_is_kept(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    pauses = {"a": "5", "b": 0, "c": "forever"}
    executed(
        machine, {name: {"command": "x", "waitAfterCompletion": value} for name, value in pauses.items()}
    )
    assert [pause for pause in machine.pauses if pause] == [5.0]
    assert "c.waitAfterCompletion" in caplog.text


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, r"a\.command must be"),
        ({"command": []}, r"a\.command must be"),
        ({"command": {"x": 1}}, r"a\.command must be"),
        ({"command": "x", "env": "A=1"}, r"a\.env must be a map"),
        ({"command": "x", "waitAfterCompletion": "soon"}, r"a\.waitAfterCompletion must be"),
        ("x", "a must be a map"),
    ],
)
def test_mistakes_are_named(machine: Machine, entry: Any, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        executed(machine, {"a": entry})
