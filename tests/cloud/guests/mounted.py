"""Guests that see directories of a scratch root in the place of the machine's, as servers of their own would.

What they configure is theirs alone: a mount namespace, which takes root, has their directories. Their tools
are the released heat-cfntools and os-collect-config, unmodified, or those of this repository.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cfntools.guests.guest import SOURCE, Guest

RELEASED = Path(os.environ.get("CLOUD_HOME") or Path.home() / ".cache/openstack-cloud") / "guests/bin"
PORTS = {"cfn": 8000, "cloudwatch": 8003}
"""The ports that heat-cfntools take: that of metrics always, the other if the server's hint has a path."""

_OWN = ("etc/cfn", "etc/cron.d", "etc/haproxy", "usr/local/bin", "var/lib", "var/log", "var/cache")
_ENTER = 'for each in {directories}; do mount --bind "$ROOT/$each" "/$each" || exit 99; done; exec "$@"'
_RECORDING = '#!/bin/sh\necho "$(basename "$0") $*" >> /var/lib/recorded\n'


class MountedGuest(Guest):
    """A server from inside: with the released tools, or with ours."""

    def __init__(self, root: Path, server: dict[str, Any], *, released: bool = True) -> None:
        for directory in _OWN:
            (root / directory).mkdir(parents=True, exist_ok=True)
        super().__init__(root, server)
        if released:
            for tool in (root / "bin").glob("cfn-*"):
                tool.unlink()

    def record(self, *programs: str) -> None:
        """Have programs that only write down how they were called."""
        for name in programs:
            self.program(name, _RECORDING)

    @property
    def recorded(self) -> list[str]:
        """The calls so far."""
        path = self.root / "var/lib/recorded"
        return path.read_text().splitlines() if path.exists() else []

    def _environ(self) -> Mapping[str, str]:
        path = f"{self.root}/bin:{RELEASED}:{os.environ['PATH']}"
        return {"PATH": path, "PYTHONPATH": str(SOURCE), "HOME": "/root", "ROOT": str(self.root)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command in the guest comes to."""
        enter = _ENTER.format(directories=" ".join(_OWN))
        return subprocess.run(
            ("unshare", "--mount", "sh", "-c", enter, "sh", *words),
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@contextmanager
def places_to_mount() -> Iterator[None]:
    """The machine has the directories to mount others over; what was not there is removed afterwards."""
    missing = [place for place in (Path("/") / each for each in _OWN) if not place.exists()]
    for place in missing:
        place.mkdir()
    try:
        yield
    finally:
        for place in missing:
            place.rmdir()
