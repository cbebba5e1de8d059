"""Places on loopback."""

import itertools
import os
import socket
from collections.abc import Iterator

PORTS = range(10_000, 32_000)
"""Below those of outgoing connections, none of which may take the port of a server that is started again."""

APART = 64
"""So far from each other do processes with neighbouring ids begin to look."""

_begin = os.getpid() * APART % len(PORTS)
_next: Iterator[int] = itertools.cycle([*PORTS[_begin:], *PORTS[:_begin]])


def free_port() -> int:
    """A port on loopback that nobody listens on now; another each time."""
    for port in itertools.islice(_next, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")
