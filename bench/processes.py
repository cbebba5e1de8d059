"""The processes that are measured: a simulated cloud and a server in front of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

_ROOM = {
    "STACKD_LIMITS__MAX_RESOURCES_PER_STACK": "-1",
    "STACKD_LIMITS__MAX_STACKS_PER_TENANT": "-1",
    "STACKD_LIMITS__MAX_TEMPLATE_SIZE": str(64 * 1024 * 1024),
    "STACKD_LIMITS__MAX_JSON_BODY_SIZE": str(64 * 1024 * 1024),
    "STACKD_LOG__LEVEL": "warning",
    "PYTHONDONTWRITEBYTECODE": "",  # an installed product has its modules compiled
}
_START_SECONDS = 30.0


@dataclass(slots=True)
class Memory:
    """Resident memory of a process in MB, as sampled."""

    idle: float = 0.0
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class System:
    """A running server and the cloud behind it."""

    http: aiohttp.ClientSession
    url: str
    base: str
    cloud_url: str
    token: str
    server: asyncio.subprocess.Process
    cold_start: float
    log: Path
    memory: Memory = field(default_factory=Memory)

    @property
    def headers(self) -> dict[str, str]:
        """What authenticates a request."""
        return {"X-Auth-Token": self.token}


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def system(latency: float = 0.0, settings: Mapping[str, str] | None = None) -> AsyncIterator[System]:
    """Start both with an empty database; stop them and remove everything at the end."""
    with tempfile.TemporaryDirectory(prefix="stackd-bench-") as directory:
        place = Path(directory)
        async with _cloud(latency) as (cloud_url, auth_url), aiohttp.ClientSession() as http:
            token, project = await _sign_in(http, auth_url)
            environ = _environ(place, auth_url) | dict(settings or {})
            async with _server(http, environ, place) as (process, url, seconds):
                made = System(
                    http=http,
                    url=url,
                    base=f"{url}/v1/{project}",
                    cloud_url=cloud_url,
                    token=token,
                    server=process,
                    cold_start=seconds,
                    log=place / "server.log",
                )
                async with _sampled(made):
                    yield made


def _environ(place: Path, auth_url: str) -> dict[str, str]:
    return {
        "STACKD_API__NATIVE__PORT": str(free_port()),
        "STACKD_API__CFN__PORT": str(free_port()),
        "STACKD_API__CLOUDWATCH__PORT": str(free_port()),
        "STACKD_DATABASE__URL": f"sqlite:///{place}/stackd.db",
        "STACKD_KEYSTONE__AUTH_URL": auth_url,
        "STACKD_KEYSTONE__USERNAME": "heat",
        "STACKD_KEYSTONE__PASSWORD": "secret",
        "STACKD_KEYSTONE__STACK_DOMAIN_NAME": "heat",
        "STACKD_KEYSTONE__STACK_DOMAIN_ADMIN": "heat_domain_admin",
        "STACKD_KEYSTONE__STACK_DOMAIN_ADMIN_PASSWORD": "secret",
        **_ROOM,
    }


@asynccontextmanager
async def _cloud(latency: float) -> AsyncIterator[tuple[str, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stackd.devcloud", "--json", "--ready-after", "0", "--latency", str(latency)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
        place = json.loads(line)
        yield place["url"], place["auth_url"]
    finally:
        await stop(process)


@asynccontextmanager
async def _server(
    http: aiohttp.ClientSession, environ: Mapping[str, str], place: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, float]]:
    url = f"http://127.0.0.1:{environ['STACKD_API__NATIVE__PORT']}"
    started = time.perf_counter()
    with (place / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stackd.cli", "serve"),
            env={**os.environ, **environ},
            stdout=log,
            stderr=log,
            cwd=place,
        )
    try:
        while not await _answers(http, url):
            if process.returncode is not None or time.perf_counter() - started > _START_SECONDS:
                raise RuntimeError(f"The server did not start:\n{(place / 'server.log').read_text()[-4000:]}")
            await asyncio.sleep(0.01)
        yield process, url, time.perf_counter() - started
    finally:
        await stop(process)


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/healthcheck") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def loop_lags(log: str) -> list[float]:
    """The longest lags, in ms, that the server has logged and is itself to blame for."""
    records = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [float(record["own_ms"]) for record in records if record.get("event") == "loop_lag"]


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process that was started here."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _sign_in(http: aiohttp.ClientSession, auth_url: str) -> tuple[str, str]:
    user = {"name": "admin", "domain": {"id": "default"}, "password": "secret"}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }
    }
    root = auth_url.rstrip("/").removesuffix("/v3")
    async with http.post(f"{root}/v3/auth/tokens", json=body) as answer:
        answer.raise_for_status()
        token = (await answer.json())["token"]
        return answer.headers["X-Subject-Token"], token["project"]["id"]


@asynccontextmanager
async def _sampled(made: System) -> AsyncIterator[None]:
    """Watch the server's memory ten times a second."""
    process = psutil.Process(made.server.pid)
    made.memory.idle = made.memory.peak = process.memory_info().rss / 1e6

    async def sample() -> None:
        with suppress(psutil.NoSuchProcess):
            while True:
                made.memory.peak = max(made.memory.peak, process.memory_info().rss / 1e6)
                await asyncio.sleep(0.1)

    task = asyncio.create_task(sample())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
