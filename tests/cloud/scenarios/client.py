"""The official clients of the cloud, unmodified and run as programs."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOOL = Path(__file__).parents[1] / "cloud"
OBSERVE = Path(__file__).parent / "observe.py"
CLIENTS = Path(os.environ.get("CLOUD_HOME") or Path.home() / ".cache/openstack-cloud") / "clients/bin"
LONGEST_COMMAND = 600


class CommandFailed(AssertionError):
    """A client ended with an error, told with its command line and what it printed."""


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """What the command printed; raises CommandFailed when it does not end well."""
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@functools.cache
def _environment(user: str, project: str) -> dict[str, str]:
    """The environment with the OS_* variables of that user in that project and no others."""
    others = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    lines = run(str(TOOL), "env", "admin").splitlines()
    exports = (line.removeprefix("export ").partition("=") for line in lines)
    own = {"OS_USERNAME": user, "OS_PASSWORD": "secret", "OS_PROJECT_NAME": project}
    return others | {key: value for key, _, value in exports} | own


@dataclass(frozen=True, slots=True)
class OpenStack:
    """The clients as one user of the cloud, at work in a project. Everybody's password is `secret`."""

    user: str
    project: str

    def __call__(self, *words: str) -> str:
        """What `openstack WORDS` prints."""
        return run(str(CLIENTS / "openstack"), *words, env=_environment(self.user, self.project)).strip()

    def json(self, *words: str) -> Any:
        """The answer of a command, parsed."""
        return json.loads(self(*words, "-f", "json"))

    def observe(self, objects: Iterable[str]) -> dict[str, dict[str, Any] | None]:
        """What the services say of objects, each written `kind=id`; None for what is not there."""
        command = (str(CLIENTS / "python"), str(OBSERVE), *objects)
        told: dict[str, dict[str, Any] | None] = json.loads(
            run(*command, env=_environment(self.user, self.project))
        )
        return told
