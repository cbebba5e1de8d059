"""Sends hostile requests to a server in its own process, while another client asks whether it is well."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.chaos.system import Cloud, Server
from tests.hostile.requests import Hostile, template, value

AT_ONCE = 8
HEALTH_PAUSE = 0.02
PATIENCE = 300.0
SLOW = {"yaql": {"expression": "$.data =~ '(a+)+$'", "data": "a" * 40 + "!"}}
TARGET = {
    "resources": {"handle": {"type": "OS::Heat::WaitConditionHandle"}, "v": value("x")},
    "outputs": {
        **{f"slow{n}": {"value": SLOW} for n in range(8)},
        "wide": {
            "value": {
                "repeat": {
                    "template": "%a%%b%",
                    "for_each": {"%a%": list(map(str, range(100))), "%b%": list(map(str, range(100)))},
                }
            }
        },
        "live": {"value": {"get_attr": ["handle", "show"]}},
    },
}
SETTINGS = {
    "STACKD_ENGINE__LAG_PROBE": "true",
    "STACKD_LOG__LEVEL": "info",
    "STACKD_LOG__FORMAT": "json",
}


@dataclass
class Answer:
    """What came back: the status, 0 for nothing, and how long it took."""

    request: Hostile
    status: int
    text: str
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Whether the server broke, or refused or accepted what it must not."""
        wanted = self.request.refused
        if self.status == 0:  # the connection was closed, which refuses what is not HTTP as it should be
            return wanted is False
        return self.status >= 500 or (wanted is not None and wanted != (self.status >= 400))

    def __repr__(self) -> str:
        what = f"{self.request.kind}: {self.request.name}"
        return f"{what}: {self.status} in {self.seconds:.1f} s: {self.text[-300:]}"


@dataclass
class Attack:
    """A server under attack, and the health of it meanwhile: status and seconds of each answer."""

    server: Server
    path: str
    token: str
    stack: str = ""
    health: list[tuple[int, float]] = field(default_factory=list)

    def memory(self, what: str = "VmRSS") -> float:
        """Memory of the server's process in MB; ``VmHWM`` is the most it had."""
        for line in Path(f"/proc/{self.server.pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(what)

    def stalls(self) -> list[float]:
        """The longest stretch in each second, in ms of CPU time, for which the loop attended to one thing."""
        lines = self.server.log.read_text().splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        return [float(each["own_ms"]) for each in records if each.get("event") == "loop_lag"]

    def failures(self) -> list[str]:
        """What the server has logged of exceptions that nobody expected."""
        return [
            line
            for line in self.server.log.read_text().splitlines()
            if "Traceback" in line or "_broke" in line
        ]

    async def send(self, request: Hostile) -> Answer:
        """Send one request, by hand: a proper client would refuse to."""
        token = self.token.encode() if request.token is None else request.token
        path = f"{self.path}{request.path.replace('{stack}', self.stack)}".encode()
        head = b"%s %s HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: %s\r\nContent-Length: %d\r\n" % (
            request.method.encode(),
            path,
            token,
            len(request.body),
        )
        began = time.monotonic()
        received = b""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=2**24)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(
                    head + b"Content-Type: application/json\r\nConnection: close\r\n\r\n" + request.body
                )
                received = await reader.read()
        except (ConnectionError, TimeoutError) as error:
            return Answer(request, 0, repr(error), time.monotonic() - began)
        finally:
            writer.close()
        status = int(received[9:12]) if received else 0
        return Answer(request, status, received.decode("latin-1"), time.monotonic() - began)

    async def send_all(self, requests: Iterable[Hostile]) -> list[Answer]:
        """Send all, some at the same time."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(request: Hostile) -> Answer:
            async with slots:
                return await self.send(request)

        return await asyncio.gather(*map(one, requests))

    async def create_target(self) -> None:
        """Make the stack that requests are about, with outputs that take long, and wait for it."""
        body = {"stack_name": "target", "template": template(**TARGET)}
        async with httpx.AsyncClient(timeout=PATIENCE, headers={"X-Auth-Token": self.token}) as client:
            made = await client.post(f"{self.server.url}{self.path}/stacks", json=body)
            assert made.status_code == 201, made.text
            self.stack = f"/stacks/target/{made.json()['stack']['id']}"
            while True:
                shown = await client.get(f"{self.server.url}{self.path}{self.stack}?resolve_outputs=false")
                if shown.json()["stack"]["stack_status"] != "CREATE_IN_PROGRESS":
                    return
                await asyncio.sleep(0.1)

    async def ask_health(self) -> None:
        """Ask all the time whether the server is well."""
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            while True:
                began = time.monotonic()
                answer = await client.get(f"{self.server.url}/healthcheck")
                self.health.append((answer.status_code, time.monotonic() - began))
                await asyncio.sleep(HEALTH_PAUSE)


@asynccontextmanager
async def attacked(place: Path, **settings: str) -> AsyncIterator[Attack]:
    """A server on a dev cloud, whose health is asked for all the time."""
    with Cloud(place, latency=0.0, seed=1) as cloud:
        server = Server(place, cloud, f"sqlite:///{place}/stackd.db", **{**SETTINGS, **settings})
        server.start()
        try:
            token, project = cloud.sign_in()
            attack = Attack(server, f"/v1/{project}", token)
            asking = asyncio.create_task(attack.ask_health())
            yield attack
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled(), asking.exception()
        finally:
            server.stop()


def wrong(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that are not as they should be."""
    return [answer for answer in answers if answer.is_wrong]
