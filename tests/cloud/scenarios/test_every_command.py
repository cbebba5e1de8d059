"""Every command of the released client for stacks ends well and does what it says.

The commands are those that the client itself lists; what is done with each stands in
`templates/commands.yaml`, and files that they need in `templates/commands`.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

from tests.cloud.scenarios.client import CommandFailed, OpenStack
from tests.cloud.scenarios.matching import contains, require
from tests.cloud.scenarios.stack import LONGEST, TEMPLATES

pytestmark = [pytest.mark.cloud, pytest.mark.long]

STEPS: list[dict[str, Any]] = yaml.load((TEMPLATES / "commands.yaml").read_text(), yaml.CSafeLoader)
AS_JSON = ("shows", "rows", "without", "keep")
_LISTED = re.compile(r"^ +((?:stack|orchestration|software) [a-z ]*[a-z])  ", re.MULTILINE)

# Commands that wait print events before their answer.
_ANSWER = re.compile(r"^[{\[].*\Z", re.MULTILINE | re.DOTALL)


class Typist:
    """Types commands as a user, and looks at what is printed."""

    def __init__(self, users: dict[str, OpenStack], known: dict[str, str]) -> None:
        self._users, self._known = users, known

    def filled(self, text: str) -> str:
        """The text with what is known in place of `$name`."""
        return Template(text).safe_substitute(self._known)

    def do(self, step: dict[str, Any]) -> None:
        """One step, until its command shows what it should."""
        end = time.monotonic() + (LONGEST if step.get("until") else 0)
        while True:
            try:
                self._once(step)
            except AssertionError:
                if time.monotonic() >= end:
                    raise
                time.sleep(1)
            else:
                return

    def _once(self, step: dict[str, Any]) -> None:
        words = [self.filled(word) for word in shlex.split(step["run"])]
        openstack = self._users[step.get("as", "member")]
        if not any(key in step for key in AS_JSON):
            printed = openstack(*words)
            assert re.search(step.get("says", ""), printed), printed
            return
        printed = openstack(*words, "-f", "json")
        found = _ANSWER.search(printed)
        assert found, printed
        answer = json.loads(found[0])
        if "shows" in step:
            require("answer", step["shows"], answer, self.filled)
        for row in step.get("rows", ()):
            assert any(contains(row, each, self.filled) for each in answer), f"no {row} in {answer}"
        for row in step.get("without", ()):
            assert not any(contains(row, each, self.filled) for each in answer), f"{row} in {answer}"
        self._known |= {
            name: str(_kept(answer, step, self.filled)[key]) for name, key in step.get("keep", {}).items()
        }


def _kept(answer: Any, step: dict[str, Any], filled: Callable[[str], str]) -> Any:
    """What values are kept of: the answer, or the row of a list that was looked for first."""
    if isinstance(answer, list):
        return next(each for each in answer if contains(step["rows"][0], each, filled))
    return answer


@pytest.fixture
def typist(stackd_log: Path, users: dict[str, OpenStack], tmp_path: Path) -> Iterator[Typist]:
    assert stackd_log.exists()
    openstack, name = users["member"], f"command-{secrets.token_hex(3)}"
    here = str(TEMPLATES / "commands")
    yield Typist(users, {"name": name, "here": here, "there": str(tmp_path), "server": str(uuid.uuid4())})
    for left in openstack.json("stack", "list"):
        if left["Stack Name"].startswith(name):
            openstack("stack", "delete", "--yes", "--wait", left["ID"])


def test_every_command_ends_well_and_does_what_it_says(typist: Typist) -> None:
    table = []
    for step in STEPS:
        try:
            typist.do(step)
        except (CommandFailed, AssertionError, KeyError, json.JSONDecodeError) as error:
            table.append((step["run"], f"{type(error).__name__}: {error}"))
        else:
            table.append((step["run"], ""))

    print("\n".join(f"{'FAILED' if wrong else 'ok    '} {run}\n{wrong}".strip() for run, wrong in table))  # noqa: T201
    assert [run for run, wrong in table if wrong] == []


def test_no_command_is_left_out(users: dict[str, OpenStack]) -> None:
    listed = set(_LISTED.findall(users["member"]("--help")))
    assert len(listed) > 40

    typed = {command for command in listed for step in STEPS if step["run"].startswith(f"{command} ")}
    typed |= {step["run"] for step in STEPS} & listed

    assert listed - typed == set()
