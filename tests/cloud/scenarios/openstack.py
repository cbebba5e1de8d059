"""The unmodified `openstack` client of the cloud, run as a program."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOOL = Path(__file__).parents[1] / "cloud"
CLOUD_HOME = Path(os.environ.get("CLOUD_HOME") or Path.home() / ".cache/openstack-cloud")
OPENSTACK = CLOUD_HOME / "clients/bin/openstack"
ABSENT = ("no ", "not found", "could not be found", "could not find", "404")
LONGEST_COMMAND = 600


class CommandFailed(AssertionError):
    """The client ended with an error, told with its command line and what it printed."""


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """What the command printed; raises CommandFailed when it does not end well."""
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,  # `openstack image create` would read it
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@functools.cache
def _environment(user: str) -> dict[str, str]:
    """The environment with the OS_* variables of that user and no others."""
    others = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    exports = (
        line.removeprefix("export ").partition("=") for line in run(str(TOOL), "env", user).splitlines()
    )
    return others | {key: value for key, _, value in exports}


@dataclass(frozen=True, slots=True)
class OpenStack:
    """The client as one user of the cloud, whose name is also the user's project."""

    user: str

    def __call__(self, *words: str) -> str:
        return run(str(OPENSTACK), *words, env=_environment(self.user))

    def json(self, *words: str) -> Any:
        """The answer of a command, parsed."""
        return json.loads(self(*words, "-f", "json"))

    def show(self, kind: str, identity: str) -> dict[str, Any] | None:
        """One object of the cloud as its own service tells it; None when that service knows none."""
        try:
            found: dict[str, Any] = self.json(*kind.split(), "show", identity)
        except CommandFailed as error:
            if any(word in str(error).lower() for word in ABSENT):
                return None
            raise
        return found
