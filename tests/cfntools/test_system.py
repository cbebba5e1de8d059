"""The machine: files below a root, commands, users."""

from __future__ import annotations

import logging
import os
import pwd
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd_cfntools.errors import ToolError
from stackd_cfntools.system import PATH, Outcome, System
from tests.cfntools.machine import GROUP, PASSWD, Machine

ME = pwd.getpwuid(os.getuid()).pw_name


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_no_path_leads_out_of_the_root(path: str) -> None:
    found = os.path.normpath(System("/scratch/root").path("/" + path))
    assert found == "/scratch/root" or found.startswith("/scratch/root/")


def test_root_of_a_real_machine_changes_no_path() -> None:
    assert System("/").path("/etc/x") == "/etc/x"


def test_file_is_replaced_at_once_with_its_mode(machine: Machine) -> None:
    machine.put("/a/file", "old", 0o644)
    machine.write("/a/file", b"new", 0o400)
    assert machine.read("/a/file") == "new"
    assert stat.S_IMODE(machine.real("/a/file").stat().st_mode) == 0o400
    assert os.listdir(machine.real("/a")) == ["file"]


def test_file_that_cannot_be_written_leaves_nothing_behind(machine: Machine) -> None:
    machine.put("/a/file/inside", "x")
    with pytest.raises(ToolError, match="/a/file cannot be written"):
        machine.write("/a/file", b"new", 0o644)
    assert os.listdir(machine.real("/a")) == ["file"]


def test_missing_files_have_no_text(machine: Machine) -> None:
    machine.put("/file", "x")
    assert machine.read("/nothing") is None
    assert machine.read("/file/below") is None
    assert machine.read_json("/nothing") is None


def test_command_is_run_with_its_output_and_status(tmp_path: Path) -> None:
    system = System("/")
    assert system.run("echo out; echo err >&2; exit 3") == Outcome(3, "out\nerr\n")
    assert system.run(["echo", "a b", "$HOME"]) == Outcome(0, "a b $HOME\n")
    assert system.run(["pwd"], cwd=str(tmp_path)).output.strip() == str(tmp_path)


def test_log_has_no_arguments_of_commands(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        System("/").run(["true", "--secret-key", "a-secret"])
        System("/").run("true a-secret")
    assert "status 0" in caplog.text
    assert "a-secret" not in caplog.text


def test_program_that_is_not_there_has_the_shells_status() -> None:
    assert System("/").run(["/no/such/program"]).status == 127
    assert System("/").run(["/etc"]).status == 126


def test_environment_of_a_command_replaces_the_other_but_for_what_none_can_do_without() -> None:
    system = System("/", environ={"HOME": "/root", "SECRET": "x"})
    lines = system.run("env", env={"A": "1"}).output.splitlines()
    assert {"A=1", "HOME=/root", f"PATH={PATH}"} <= set(lines)
    assert "SECRET=x" not in lines
    assert "SECRET=x" in system.run("env").output.splitlines()


def test_command_of_a_user_has_the_users_home() -> None:
    user = "nobody" if os.getuid() == 0 else ME
    outcome = System("/").run("id -un; echo $HOME $USER", user=user)
    assert outcome.output.split() == [user, pwd.getpwnam(user).pw_dir, user]


def test_unknown_user_runs_nothing() -> None:
    with pytest.raises(ToolError, match="no user 'nosuchuser'"):
        System("/").run("true", user="nosuchuser")


def test_failed_command_says_what_it_printed(machine: Machine) -> None:
    machine.outcomes["useradd"] = Outcome(9, "exists\n")
    with pytest.raises(ToolError, match="useradd x ended with status 9: exists"):
        machine.must(["useradd", "x"])


def test_users_of_another_root_are_those_of_its_files(machine: Machine) -> None:
    machine.put("/etc/passwd", PASSWD.format(uid=1001, gid=1002))
    machine.put("/etc/group", GROUP.format(gid=1002))
    user = machine.user("web")
    assert user is not None
    assert (user.uid, user.gid, user.home) == (1001, 1002, "/srv/web")
    assert (machine.group("web"), machine.group("none"), machine.user("none")) == (1002, None, None)


def test_users_of_this_machine_are_known() -> None:
    system = System("/")
    user = system.user(ME)
    assert user is not None
    assert user.uid == os.getuid()
    assert (system.user("nosuchuser"), system.group("nosuchgroup")) == (None, None)
    assert system.group("root") == 0
