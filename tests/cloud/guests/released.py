"""Guests with the released tools, unmodified: they see directories of a scratch root, not the machine's.

What they configure is theirs alone: a mount namespace, which takes root, has their directories.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cfntools.guests.guest import Guest

TOOLS = Path(os.environ.get("CLOUD_HOME") or Path.home() / ".cache/openstack-cloud") / "guests/bin"
PORTS = {"cfn": 8000, "cloudwatch": 8003}
"""The ports that heat-cfntools take: that of metrics always, the other if the server's hint has a path."""

_OWN = ("etc/cfn", "var/lib", "var/log", "var/cache")
_ENTER = 'for each in {directories}; do mount --bind "$ROOT/$each" "/$each" || exit 99; done; exec "$@"'


class ReleasedGuest(Guest):
    """A server from inside, with heat-cfntools and os-collect-config."""

    def __init__(self, root: Path, server: dict[str, Any]) -> None:
        for directory in _OWN:
            (root / directory).mkdir(parents=True, exist_ok=True)
        super().__init__(root, server)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command in the guest comes to."""
        enter = _ENTER.format(directories=" ".join(_OWN))
        return subprocess.run(
            ("unshare", "--mount", "sh", "-c", enter, "sh", *words),
            env={"PATH": f"{TOOLS}:{os.environ['PATH']}", "HOME": "/root", "ROOT": str(self.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@contextmanager
def place_for_credentials() -> Iterator[None]:
    """The machine has /etc/cfn to mount another one over; it is removed if it was not there."""
    place = Path("/etc/cfn")
    was_there = place.exists()
    place.mkdir(exist_ok=True)
    yield
    if not was_there:
        place.rmdir()
