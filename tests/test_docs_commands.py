"""Every command that the documentation shows is run, page by page, as a reader would who tries them in order.

Commands of other programs are run by other rings; a command that nothing runs fails the test.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click
import pytest
from click.testing import CliRunner

from stackd.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
PROGRAMS = (
    "stackd|openstack|aws|make|docker|python3?|pip|mkdir|source|export|/opt/|curl|systemctl|\\.ci/|\\.venv/"
)
SHOWN = re.compile(rf"^ {{4}}(?:\$ )?((?:[A-Z_]+=\S+ )*(?:{PROGRAMS})(?:(?<=/)\S|\s|$).*)$", re.MULTILINE)
MENTIONED = re.compile(r"`(stackd [^`]+)`")
MADE = re.compile(r"`(?:make ([a-z-]+)[^`]*)`|^ {4}(?:[A-Z_]+=\S+ )?make ([a-z][a-z-]+)", re.MULTILINE)

ELSEWHERE = {
    "aws": "tests/aws",
    "openstack": "tests/cloud",  # with the official client, against real services
    "docker": "tests/deployment/test_compose.py",
    "python3 -m venv": "tests/deployment/test_dockerfile.py",
    "/opt/stackd/bin/pip": "tests/deployment/test_dockerfile.py",
    ".ci/with-postgres": "Makefile",
    "export": "tests/deployment/test_compose.py",  # variables, of which the next commands make use
    "source": "tests/cloud",
    "make": "Makefile",
    "OS_USERNAME=demo OS_PASSWORD=secret .venv/bin/python -m tests.differential.record": "tests/differential",
    "STACKD_CLOUD_TEST_ENDPOINT": "Makefile",
}
ENDS = {"stack events shop --follow": 130, "dev -- openstack": None}
"""Commands that do not end with 0: one that only Ctrl-C ends, one whose program need not be installed."""

OLD = "heat_template_version: 2013-05-23\nresources:\n  a: {type: OS::Heat::RandomString}\n"
PATIENCE = 300


@dataclass
class Reader:
    """Somebody at a terminal, with what the pages speak of; `stackd dev` runs in another terminal."""

    home: Path
    environ: dict[str, str]
    plan: str = ""

    def run(self, command: str) -> None:
        """Run a command; it must end as it should."""
        words = shlex.split(command, comments=True)
        variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        words = [self.plan if word == "PLAN" else word for word in words[len(variables) :]]
        if words[0] == "mkdir":
            (self.home / "config").mkdir()
            return
        target = None
        if ">" in words:
            target = self.home / Path(words[-1]).name
            words = words[: words.index(">")]
        code, output = self.stackd(words[1:], variables)
        expected = next((code for start, code in ENDS.items() if shlex.join(words[1:]).startswith(start)), 0)
        assert expected is None or code == expected, f"{command}\nended with {code}:\n{output}"
        if target is not None:
            target.write_text(output)
        if kept := re.search(r"Kept as plan (\S+)", output):
            self.plan = kept[1]

    def stackd(self, words: list[str], variables: dict[str, str]) -> tuple[int, str]:
        """The exit code and output of `stackd`."""
        if words[0] == "dev" and len(words) > 1:
            return self.process(words)
        if words[0] == "dev":
            return 0, ""  # the one in the other terminal
        if words[-1] == "serve":
            return self.served()
        result = CliRunner(env=self.environ | variables).invoke(cli, words, input="y\n")
        return result.exit_code, result.output

    def process(self, words: list[str]) -> tuple[int, str]:
        """What a process of its own comes to."""
        here = str(Path(sys.executable).parent)
        environ = os.environ | {"PATH": f"{here}:{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-m", "stackd.cli", *words],
            cwd=self.home, env=environ, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def served(self) -> tuple[int, str]:
        """What `stackd serve` comes to: it serves, and ends in peace when it is told to."""
        environ = os.environ | {
            "STACKD_KEYSTONE__AUTH_URL": self.environ["OS_AUTH_URL"],
            "STACKD_KEYSTONE__PASSWORD": "secret",
            "STACKD_DATABASE__URL": f"sqlite:///{self.home}/served.db",
            "STACKD_API__NATIVE__PORT": str(free_port()),
            "STACKD_API__CFN__PORT": str(free_port()),
            "STACKD_API__CLOUDWATCH__PORT": str(free_port()),
        }
        command = [sys.executable, "-m", "stackd.cli", "serve"]
        with subprocess.Popen(
            command, cwd=self.home, env=environ, stderr=subprocess.PIPE, text=True
        ) as process:
            said = until(process.stderr, "listening")
            process.send_signal(signal.SIGTERM)
            return process.wait(PATIENCE), said


def until(lines: IO[str] | None, words: str) -> str:
    """What a process says until it says the words, or ends."""
    said = ""
    for line in lines or ():
        said += line
        if words in line:
            break
    return said


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "examples" / "webapp", tmp_path / "webapp")
    shutil.copy(ROOT / "examples" / "webapp.yaml", tmp_path)
    shutil.copy(ROOT / "examples" / "hello.yaml", tmp_path / "my-template.yaml")
    shutil.copytree(ROOT / "examples" / "plugin", tmp_path / "plugins")
    (tmp_path / "production.yaml").write_text("parameters: {log_volumes: 1}\n")
    (tmp_path / "old.yaml").write_text(OLD)
    ports = ("--port", str(free_port()), "--cloud-port", str(free_port()))
    command = [sys.executable, "-m", "stackd.cli", "dev", *ports]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        said = until(process.stdout, "Ctrl-C stops it")
        variables = dict(re.findall(r"^export (OS_\w+)=(\S+)$", said, re.MULTILINE))
        assert variables, said
        database = {"STACKD_DATABASE__URL": f"sqlite:///{tmp_path}/mine.db"}
        yield Reader(tmp_path, variables | database)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def shown(page: Path) -> list[str]:
    """The commands of the blocks of a page, in their order."""
    return [command.rstrip(" \\") for command in SHOWN.findall(page.read_text())]


def where(command: str) -> str | None:
    return next((place for start, place in ELSEWHERE.items() if command.startswith(start)), None)


def ours(page: Path) -> list[str]:
    """The commands that are run here; those of the database begin with making it."""
    return [command for command in shown(page) if where(command) is None]


def readable(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.docs
@pytest.mark.parametrize("page", [page for page in PAGES if ours(page)], ids=readable)
def test_commands_of_a_page_work_in_their_order(
    page: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    if any("stackd db" in command for command in ours(page)):
        reader.run("stackd db upgrade")
    for command in ours(page):
        with monkeypatch.context() as patch:
            if command.endswith("--follow"):
                patch.setattr("stackd.cli.reading.time.sleep", interrupt)
            reader.run(command)


def test_every_other_command_has_a_ring_that_runs_it() -> None:
    for command in (command for page in PAGES for command in shown(page)):
        place = where(command)
        known = command.split()[0] in ("stackd", "mkdir") or " stackd " in f" {command}"
        assert known if place is None else (ROOT / place).exists(), command


def test_commands_that_pages_mention_exist() -> None:
    for mention in (mention for page in PAGES for mention in MENTIONED.findall(page.read_text())):
        command: click.Command = cli
        words = iter(mention.split()[1:])
        for word in words:
            if word == "--":
                break
            if word.startswith("-"):
                options = {option: each for each in command.params for option in each.opts}
                name, _, value = word.partition("=")
                assert name in options, mention
                if not (value or getattr(options[name], "is_flag", False)):
                    next(words, None)  # its value
            elif isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                if found is None:
                    assert word == "NAME", mention  # `plan NAME` is `plan create NAME`
                    break
                command = found


def test_targets_of_make_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = {readable(page): MADE.findall(page.read_text()) for page in PAGES}
    named = {page: {first or second for first, second in found} for page, found in made.items()}
    assert {page: names - {*targets, ""} for page, names in named.items() if names - {*targets, ""}} == {}
