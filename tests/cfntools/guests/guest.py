"""A guest: what cloud-init makes of a server's user data, in a scratch root, and the tools in it."""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

from tests.cfntools.guests.cloud import Cloud

SOURCE = Path(__file__).parents[3] / "cfntools" / "src"
TOOLS = ("cfn-get-metadata", "cfn-hup", "cfn-init", "cfn-push-stats", "cfn-signal")
STARTER = """#!/bin/sh
exec {python} -c 'from stackd_cfntools.programs.{module} import main; main()' "$@"
"""


@functools.cache
def oldest_python() -> str:
    """The oldest Python of this machine that the tools are for; old images have no newer one."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in range(6, sys.version_info.minor):
        found = [shutil.which(f"python3.{minor}"), *map(str, home.glob(f"3.{minor}.*/bin/python3.{minor}"))]
        for python in filter(None, found):
            if subprocess.run((python, "-c", ""), capture_output=True, check=False).returncode == 0:
                return python
    return sys.executable


class Guest:
    """A server from inside. Its tools run on the oldest Python that there is."""

    def __init__(self, root: Path, server: dict[str, Any]) -> None:
        self.root = root
        python = oldest_python()
        for directory in ("bin", "var/log", "var/lib/heat-cfntools", "etc"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        for name in TOOLS:
            self.program(name, STARTER.format(python=python, module=name.replace("-", "_")))
        self._identify(server)
        self.script = self._unpack(base64.b64decode(server["OS-EXT-SRV-ATTR:user_data"]))

    def _identify(self, server: dict[str, Any]) -> None:
        self.uuid = str(server["id"])
        known = {"uuid": self.uuid, "meta": server["metadata"]}
        (self.root / "var/lib/heat-cfntools/nova_meta.json").write_text(json.dumps(known))

    def _unpack(self, user_data: bytes) -> str:
        """Put the parts where the handler puts them; return the user's script."""
        script = ""
        for part in message_from_bytes(user_data).walk():
            content = part.get_payload(decode=True)
            if not isinstance(content, bytes):
                continue
            if part.get_content_type() == "text/x-cfninitdata":
                (self.root / "var/lib/heat-cfntools" / str(part.get_filename())).write_bytes(content)
            if part.get_filename() in ("cfn-userdata", "user-data"):
                script = content.decode()
        return script

    def program(self, name: str, text: str) -> None:
        """Have a program."""
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o600)

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path.lstrip("/")).read_text()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command in the guest comes to."""
        environ = {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(SOURCE),
            "STACKD_CFNTOOLS_ROOT": str(self.root),
            "ROOT": str(self.root),
        }
        return subprocess.run(
            words, env=environ, cwd=self.root, capture_output=True, text=True, timeout=120, check=False
        )

    def boot(self) -> subprocess.CompletedProcess[str]:
        """Run the user's script, as a guest does once."""
        return self.run("/bin/sh", "-c", self.script)


def booted(cloud: Cloud, root: Path, stack: str, name: str) -> Guest:
    """The guest of a server, before its script has run."""
    return Guest(root, cloud.server(stack, name))
