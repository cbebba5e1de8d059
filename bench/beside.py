"""`python -m bench.beside NAME=URL=PID,… NAME=URL=PID,…`: two orchestration servers on one machine, compared.

For each kind of read and validation it says how much CPU each server's processes used for one request, and
how often the first one's goes into the second one's. Who asks is told by the OS_* variables of the
environment. Both servers get the same stacks, of resources that need no other service; they are deleted at
the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psutil

_PATIENCE = 900.0
_ROUNDS = 3
_LEAST_CPU = 0.5
"""Seconds of CPU that a round takes at least: processes count it in hundredths."""


@dataclass(slots=True)
class Server:
    """One of the servers: its processes, and the project's root in its API."""

    name: str
    url: str
    processes: Sequence[psutil.Process]
    stacks: dict[str, str] = field(default_factory=dict)

    def used(self) -> float:
        """Seconds of CPU that its processes have used."""
        times = [process.cpu_times() for process in self.processes]
        return float(sum(each.user + each.system for each in times))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request; ``path`` may name a stack in braces, and ``body`` makes the body of each."""

    name: str
    method: str
    path: str
    body: Callable[[], Any] = field(default=lambda: None)


def _template(count: int) -> dict[str, Any]:
    resources = {f"r{number}": {"type": "OS::Heat::RandomString"} for number in range(count)}
    return {"heat_template_version": "2018-08-31", "resources": resources}


def _known(count: int) -> Callable[[], Any]:
    """Bodies of validations that are always the same."""
    body = {"template": _template(count)}
    return lambda: body


def _unknown(count: int) -> Callable[[], Any]:
    """Bodies of validations that no server has seen before."""
    template = _template(count)
    return lambda: {"template": template | {"description": secrets.token_hex(8)}}


def _kinds(large: int, listed: int) -> list[Kind]:
    last = f"r{large // 2}"
    return [
        Kind("stack show", "GET", "{small}"),
        Kind("resource show, stack of 1", "GET", "{small}/resources/r0"),
        Kind(f"resource show, stack of {large}", "GET", f"{{large}}/resources/{last}"),
        Kind(f"resource metadata, stack of {large}", "GET", f"{{large}}/resources/{last}/metadata"),
        Kind(f"resource list of {large}", "GET", "{large}/resources"),
        Kind("20 events", "GET", "{large}/events?limit=20"),
        Kind("template show", "GET", "{large}/template"),
        Kind("stack list of 20", "GET", "/stacks?limit=20"),
        Kind(f"stack list of {listed}", "GET", f"/stacks?limit={listed}"),
        Kind("resource types", "GET", "/resource_types"),
        Kind("resource type show", "GET", "/resource_types/OS::Heat::RandomString"),
        *(
            Kind(f"validate {count}{told}", "POST", "/validate", body(count))
            for count in (1, 100)
            for told, body in ((", the same again", _known), (", never seen before", _unknown))
        ),
    ]


async def _sign_in(http: aiohttp.ClientSession) -> tuple[str, str]:
    """A token of the user whom the environment names, and the project's id."""
    domain = {"id": os.environ.get("OS_USER_DOMAIN_ID", "default")}
    user = {"name": os.environ["OS_USERNAME"], "password": os.environ["OS_PASSWORD"], "domain": domain}
    scope = {"project": {"name": os.environ["OS_PROJECT_NAME"], "domain": domain}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    async with http.post(f"{os.environ['OS_AUTH_URL']}/auth/tokens", json=body) as reply:
        reply.raise_for_status()
        return reply.headers["X-Subject-Token"], (await reply.json())["token"]["project"]["id"]


async def _make(http: aiohttp.ClientSession, server: Server, name: str, count: int) -> str:
    """Make a stack of ``count`` resources and wait for it; its path in the API."""
    body = {"stack_name": name, "template": _template(count)}
    async with http.post(f"{server.url}/stacks", json=body) as reply:
        reply.raise_for_status()
        path = f"/stacks/{name}/{(await reply.json())['stack']['id']}"
    end = time.monotonic() + _PATIENCE
    while True:
        async with http.get(server.url + path) as reply:
            status = (await reply.json())["stack"]["stack_status"]
        if status == "CREATE_COMPLETE":
            return path
        if status == "CREATE_FAILED" or time.monotonic() > end:
            raise SystemExit(f"{server.name}: the stack {name} is {status}")
        await asyncio.sleep(0.5)


async def _prepare(http: aiohttp.ClientSession, server: Server, large: int, listed: int) -> None:
    stamp = secrets.token_hex(3)
    server.stacks["small"] = await _make(http, server, f"beside-small-{stamp}", 1)
    server.stacks["large"] = await _make(http, server, f"beside-large-{stamp}", large)
    for number in range(listed - 2):
        server.stacks[str(number)] = await _make(http, server, f"beside-{number}-{stamp}", 1)


async def _cost(http: aiohttp.ClientSession, server: Server, kind: Kind, times: int) -> float:
    """Milliseconds of CPU for one request of a kind, of ``times`` or more; the least of some rounds."""
    url = server.url + kind.path.format(**server.stacks)

    async def ask(count: int) -> None:
        for _ in range(count):
            async with http.request(kind.method, url, json=kind.body()) as reply:
                await reply.read()
                reply.raise_for_status()

    await ask(2)
    rounds = []
    for _ in range(_ROUNDS):
        begun, asked, used = server.used(), 0, 0.0
        while used < _LEAST_CPU:
            await ask(times)
            asked += times
            used = server.used() - begun
        rounds.append(used / asked * 1000)
    return min(rounds)


async def _compare(servers: Sequence[Server], options: argparse.Namespace) -> bool:
    """Print the table; whether the second server needs as many times as much as was asked for."""
    async with aiohttp.ClientSession() as http:
        token, project = await _sign_in(http)
        http.headers["X-Auth-Token"] = token
        for server in servers:
            server.url = f"{server.url}/v1/{project}"
            await _prepare(http, server, options.large, options.listed)
        good = True
        try:
            print(f"{'CPU of one request, ms':36s}{servers[0].name:>12s}{servers[1].name:>12s}       ratio")
            for kind in _kinds(options.large, options.listed):
                first = await _cost(http, servers[0], kind, options.times)
                second = await _cost(http, servers[1], kind, max(options.times // 10, 10))
                good &= second >= options.at_least * first
                print(f"{kind.name:36s}{first:12.2f}{second:12.2f}{second / first:12.1f}", flush=True)
        finally:
            for server in servers:
                for path in server.stacks.values():
                    async with http.delete(server.url + path) as reply:
                        reply.release()
        return good


def _server(text: str) -> Server:
    name, url, pids = text.split("=")
    return Server(name, url.rstrip("/"), [psutil.Process(int(pid)) for pid in pids.split(",")])


def main() -> None:
    """Run as told on the command line."""
    parser = argparse.ArgumentParser(prog="bench.beside", description=__doc__)
    parser.add_argument("servers", nargs=2, type=_server, metavar="NAME=URL=PID,…")
    parser.add_argument("--times", type=int, default=200, help="requests in a round to the first server")
    parser.add_argument("--large", type=int, default=100, help="resources of the large stack")
    parser.add_argument("--listed", type=int, default=20, help="stacks")
    parser.add_argument("--at-least", type=float, default=30.0, help="the ratio to reach; status 1 below it")
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(_compare(options.servers, options)) else 1)


if __name__ == "__main__":
    main()
