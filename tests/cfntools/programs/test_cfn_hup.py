"""cfn-hup: a changed resource runs its hook, in one pass or in the background."""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cfntools.conftest import Programs
from tests.cfntools.server import Server, described

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def ready(programs: Programs, server: Server) -> Programs:
    """A machine with one hook, which writes down that it ran."""
    machine = programs.machine
    server.replies(described('{"version": 1}'))
    machine.put("/etc/cfn/cfn-credentials", "AWSAccessKeyId=AK\nAWSSecretKey=SK\n", 0o400)
    machine.put(
        "/etc/cfn/cfn-hup.conf",
        f"[main]\nstack=s\ncredential-file=/etc/cfn/cfn-credentials\nurl={server.url}\ninterval=0.001\n",
    )
    machine.put(
        "/etc/cfn/hooks.d/mine.conf",
        f"[mine]\ntriggers=post.update\npath=Resources.web.Metadata\nrunas={ME}\n"
        f"action=echo $USER ran >> {machine.path('/ran')}\n",
    )
    return programs


def runs(programs: Programs) -> int:
    path = programs.machine.real("/ran")
    return path.read_text().split("\n").count(f"{ME} ran") if path.exists() else 0


def test_hook_runs_when_metadata_has_changed(ready: Programs, server: Server) -> None:
    for expected, version in ((1, 1), (1, 1), (2, 2), (2, 2)):
        server.replies(described(json.dumps({"version": version})))
        assert ready("cfn-hup", "-f").returncode == 0
        assert runs(ready) == expected
    form = server.requests[0].form
    assert (form["StackName"], form["LogicalResourceId"]) == ("s", "web")


def test_configuration_may_ask_for_more_log(ready: Programs) -> None:
    conf = ready.machine.real("/etc/cfn/cfn-hup.conf")
    conf.write_text(conf.read_text() + "verbose=true\n")
    assert "the hook mine runs" in ready("cfn-hup", "-f").stderr


def test_failed_hook_is_the_exit_code(ready: Programs) -> None:
    hook = ready.machine.real("/etc/cfn/hooks.d/mine.conf")
    hook.write_text(hook.read_text().replace("action=echo", "action=exit 3; echo"))
    done = ready("cfn-hup", "--no-daemon")
    assert done.returncode == 1
    assert "the hook mine ended with status 3 and will be repeated" in done.stderr


@pytest.mark.parametrize(
    "missing", ["/etc/cfn/cfn-hup.conf", "/etc/cfn/hooks.d/mine.conf", "/etc/cfn/cfn-credentials"]
)
def test_missing_configuration_is_named(ready: Programs, missing: str) -> None:
    ready.machine.real(missing).unlink()
    done = ready("cfn-hup", "-f")
    assert done.returncode == 1
    assert os.path.dirname(missing) in done.stderr


def test_hooks_may_be_elsewhere(ready: Programs) -> None:
    machine = ready.machine
    machine.real("/etc/cfn/hooks.d").rename(machine.real("/etc/elsewhere"))
    assert ready("cfn-hup", "-f", "-c", "/etc/elsewhere").returncode == 0
    assert runs(ready) == 1


class Runs:
    """What the hook writes into a pipe each time it has run."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def awaited(self) -> None:
        """Wait for the next time."""
        assert ready_within(self.pipe)
        assert os.read(self.pipe, 2) == b"x\n"


def ready_within(descriptor: int, seconds: int = 60) -> bool:
    """Whether a descriptor has something to read by then."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


@pytest.fixture
def background(ready: Programs) -> Iterator[tuple[int, Runs]]:
    """The number of the process in the background, whose hook has run once."""
    pipe = ready.machine.real("/pipe")
    runs_of_hook = Runs(pipe)
    hook = ready.machine.real("/etc/cfn/hooks.d/mine.conf")
    hook.write_text(hook.read_text().replace("action=echo", f"action=echo x > {pipe}; echo"))
    assert ready.process("cfn-hup").returncode == 0
    runs_of_hook.awaited()
    number = int(ready.machine.real("/var/run/cfn-hup.pid").read_text())
    yield number, runs_of_hook
    os.close(runs_of_hook.pipe)
    if Path(f"/proc/{number}").exists():
        os.kill(number, signal.SIGKILL)


def test_daemon_notices_changes_until_it_is_stopped(
    ready: Programs, server: Server, background: tuple[int, Runs]
) -> None:
    number, runs_of_hook = background
    server.replies(described('{"version": 2}'))
    runs_of_hook.awaited()
    second = ready.process("cfn-hup", "-f")
    assert (second.returncode, second.stderr) == (1, "ERROR: another cfn-hup is at work\n")
    descriptor = os.pidfd_open(number)
    os.kill(number, signal.SIGTERM)
    assert ready_within(descriptor)
    os.close(descriptor)
    assert "stopped by a signal" in ready.machine.real("/var/log/cfn-hup.log").read_text()
