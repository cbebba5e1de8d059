"""Read load from a process of its own: `python -m bench.readers URL TOKEN --clients 16 --seconds 5`.

It ends after that time or when its standard input is closed. Each client keeps one connection and asks again
as soon as it is answered. The HTTP is written by hand: a comfortable client would use more CPU than the
server that it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench.results import percentile


@dataclass(slots=True)
class Load:
    """What to ask for and when to stop, and what has been seen so far."""

    url: str
    token: str
    until: float
    pause: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def stop(self) -> None:
        """Let each client end after the answer that it waits for."""
        self.until = 0.0


async def client(load: Load) -> None:
    """Ask for the URL until the time is over, noting how long each answer took."""
    parts = urlsplit(load.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nX-Auth-Token: {load.token}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        while time.perf_counter() < load.until:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
            load.times.append(time.perf_counter() - begun)
            load.statuses[head[9:12].decode()] += 1
            if load.pause:
                await asyncio.sleep(max(0.0, begun + load.pause - time.perf_counter()))
    finally:
        writer.close()


def content_length(head: bytes) -> int:
    """The length of the body that follows this response head."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def read(url: str, token: str, clients: int, seconds: float, pause: float = 0.0) -> dict[str, Any]:
    """Load the URL and report answers per second and latencies in milliseconds."""
    begun = time.perf_counter()
    load = Load(url, token, begun + seconds, pause)
    loop = asyncio.get_running_loop()

    def stdin_closed() -> None:
        loop.remove_reader(sys.stdin)
        load.stop()

    loop.add_reader(sys.stdin, stdin_closed)
    await asyncio.gather(*(client(load) for _ in range(clients)))
    return {
        "per_second": len(load.times) / (time.perf_counter() - begun),
        "count": len(load.times),
        "p50_ms": percentile(load.times, 0.5) * 1000,
        "p99_ms": percentile(load.times, 0.99) * 1000,
        "max_ms": max(load.times, default=0.0) * 1000,
        "statuses": dict(load.statuses),
    }


def main() -> None:
    """Run as told on the command line and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="bench.readers")
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds from one request to the next")
    options = parser.parse_args()
    print(
        json.dumps(
            uvloop.run(read(options.url, options.token, options.clients, options.seconds, options.pause))
        )
    )


if __name__ == "__main__":
    main()
