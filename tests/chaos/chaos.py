"""Faults at random moments while a stack of about thirty resources is made, changed and deleted.

Run it as ``python -m tests.chaos --fault kill --times 200 --seed 1``. A fault comes while the operation is
at work, or already while its request is answered. After each the work is left to finish, or struck once
more on the way; when the operation has ended, the cloud is compared with what the API says. It ends with
a table, a line of JSON and an exit code.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from stackd.resources.registry import load_registry
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.system import Cloud, Refused, Stack
from tests.scenarios.ledger import discrepancies, made_since, shape
from tests.scenarios.thirty import FILES, template
from tests.support.database import POSTGRES_URL

NAME = "chaos"
STUCK_SECONDS = 90.0
"""An operation that takes longer than this with nothing happening to it is stuck."""

AGAIN = 0.35
"""How often an operation that was resumed is struck once more."""

AT_ONCE = 0.2
"""How often the fault comes while the request itself is at work, and within how many seconds."""

SETTLED_SECONDS = 5.0
"""A trust may be revoked so long after its last stack is gone."""


@dataclass(slots=True)
class Result:
    """What a run found."""

    fault: str
    seed: int
    strikes: int = 0
    strikes_by_operation: dict[str, int] = field(default_factory=dict)
    operations: int = 0
    failed: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    recovery_seconds: list[float] = field(default_factory=list)
    resumed_seconds: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing was lost, left over, doubled, stuck or failed."""
        return not (
            self.failed or self.stuck or self.leftovers or self.doubles or self.lost or self.different
        )

    def report(self) -> dict[str, Any]:
        """All of it, with times summed up."""
        facts = asdict(self)
        for name in ("recovery_seconds", "resumed_seconds"):
            facts[name] = _summary(getattr(self, name))
        return facts | {"seconds": round(self.seconds, 1), "good": self.good}


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    at = {"median": len(ordered) // 2, "p95": int(len(ordered) * 0.95), "worst": len(ordered) - 1}
    return {name: round(ordered[place], 2) for name, place in at.items()}


class Chaos:
    """One stack, one cloud, a service that one kind of fault happens to, a given number of times."""

    def __init__(self, place: Path, kind: str, seed: int, times: int, latency: float, database: str) -> None:
        self.random = Random(seed)
        self.times = times
        self.result = Result(kind, seed)
        self.cloud = Cloud(place, latency, seed)
        self.fault: Fault = FAULTS[kind](place, self.cloud, database, self.random)
        self.client = self.fault.client
        known = frozenset(load_registry([]).types)
        self.bodies = {
            version: {"template": template(version, known), "files": FILES, "timeout_mins": 60}
            for version in (1, 2)
        }
        self.spans: dict[str, float] = {}
        self.shapes: dict[int, list[str]] = {}

    def run(self) -> Result:
        """The operations in turn, first undisturbed to learn what is right, then not."""
        began = time.monotonic()
        turns = (("create", 1), ("update", 2), ("update back", 1), ("delete", 0))
        for name, version in turns:
            self.perform(name, version, calm=True)
        while self.result.strikes < self.times and not self.result.stuck:
            for name, version in turns:
                if not self.result.stuck:
                    self.perform(name, version)
        self.result.seconds = time.monotonic() - began
        return self.result

    def close(self) -> None:
        """Stop the processes."""
        self.fault.close()
        self.cloud.close()

    def log(self) -> str:
        """What the servers said last."""
        return "".join(server.log.read_text()[-8000:] for server in self.fault.servers)

    def perform(self, name: str, version: int, *, calm: bool = False) -> None:
        """One operation with one or more faults in it, and the checks after it."""
        began = time.monotonic()
        self.result.operations += 1
        if calm or not self.fault.strikes_requests or self.random.random() >= AT_ONCE:
            stack = self._ask(version)
        else:
            stack = self._strike_at_once(name, version)
        if not calm and self.result.strikes < self.times:
            self._strike_during(name, stack)
        ended = self._ended(name, stack)
        if calm:
            self.spans[name] = time.monotonic() - began
        if ended is not None:
            self._check(name, version, ended)

    def _ask(self, version: int) -> Stack:
        """Send the request; the stack that it is about."""
        stack = self.client.find(NAME)
        if stack is None:
            self.client.create(NAME, self.bodies[version])
            stack = self.client.find(NAME)
            assert stack is not None
        elif version == 0:
            self.client.delete(stack)
        else:
            self.client.update(stack, self.bodies[version])
        return stack

    def _strike_at_once(self, name: str, version: int) -> Stack:
        """Strike while the request is at work; where its answer is lost, ask again as a client would."""
        known = self.client.find(NAME)
        timer = threading.Timer(self.random.uniform(0.0, AT_ONCE), self.fault.strike)
        timer.start()
        with contextlib.suppress(httpx.HTTPError, Refused):
            self._ask(version)
        timer.join()
        self._recover(name)
        self.fault.relieve()
        stack = self.client.find(NAME)
        if stack is None and known is not None:
            return known
        return stack if stack is not None and self._is_open(stack) else self._ask(version)

    def _strike_during(self, name: str, stack: Stack) -> None:
        while True:
            time.sleep(self.random.uniform(0.0, self.spans[name]))
            before = self.client.newest_event(stack) if self._is_open(stack) else ""
            self.fault.strike()
            self._recover(name)
            if before:
                self._await_resumption(stack, before)
            self.fault.relieve()
            if self.result.strikes >= self.times or self.random.random() >= AGAIN:
                return

    def _recover(self, name: str) -> None:
        """Count the fault, and have requests answered again."""
        self.result.strikes += 1
        self.result.strikes_by_operation[name] = self.result.strikes_by_operation.get(name, 0) + 1
        self.result.recovery_seconds.append(self.fault.recover())

    def _is_open(self, stack: Stack) -> bool:
        return str(self.client.show(stack)["stack_status"]).endswith("IN_PROGRESS")

    def _await_resumption(self, stack: Stack, before: str) -> None:
        """Note how long it takes from the fault's end to the first thing that happens."""
        began = time.monotonic()
        while time.monotonic() < began + STUCK_SECONDS:
            if self.client.newest_event(stack) != before or not self._is_open(stack):
                started = self.result.recovery_seconds[-1]
                self.result.resumed_seconds.append(started + time.monotonic() - began)
                return
            time.sleep(0.05)

    def _ended(self, name: str, stack: Stack) -> Stack | None:
        """The stack at the end of its operation; None when it is stuck."""
        end = time.monotonic() + STUCK_SECONDS
        while time.monotonic() < end:
            now = self.client.show(stack)
            if not now["stack_status"].endswith("IN_PROGRESS"):
                return now
            time.sleep(0.05)
        self.result.stuck.append(f"{name} after {self.result.strikes} strikes: {now['stack_status']}")
        return None

    def _check(self, name: str, version: int, stack: Stack) -> None:
        where = f"{name} after {self.result.strikes} strikes"
        if not stack["stack_status"].endswith("_COMPLETE"):
            self.result.failed.append(f"{where}: {stack['stack_status']}: {stack['stack_status_reason']}")
            return
        made = made_since(self.cloud.before, self.cloud.objects())
        if version == 0:
            end = time.monotonic() + SETTLED_SECONDS
            while made and time.monotonic() < end:
                time.sleep(0.1)
                made = made_since(self.cloud.before, self.cloud.objects())
            self.result.leftovers += [f"{where}: {table} {len(rows)}" for table, rows in made.items()]
            return
        found = discrepancies(made, _held(self.client.resources(stack)))
        kinds = {
            "left over": self.result.leftovers,
            "doubled": self.result.doubles,
            "held": self.result.doubles,
        }
        for text in found:
            kind = next((kind for kind in kinds if text.startswith(kind)), "lost")
            kinds.get(kind, self.result.lost).append(f"{where}: {text}")
        stands = shape(made)
        wanted = self.shapes.setdefault(version, stands)
        self.result.different += [f"{where}: {line}" for line in sorted(set(stands) ^ set(wanted))]


def _held(resources: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    pairs = ((each["resource_type"], each["physical_resource_id"]) for each in resources)
    return [(kind, physical) for kind, physical in pairs if physical]


def table(result: Result) -> str:
    """What was found, for people."""
    facts = result.report()
    rows = [(name.replace("_", " "), facts[name]) for name in facts]
    lines = [
        f"{name:20} {len(value)}" if isinstance(value, list) else f"{name:20} {value}" for name, value in rows
    ]
    troubles = [*result.stuck, *result.failed, *result.leftovers, *result.doubles, *result.lost]
    return "\n".join([*lines, *troubles[:50], *result.different[:20]])


def chaos(kind: str, times: int, seed: int, latency: float = 0.02) -> Result:
    """A whole run in a directory of its own; what the servers logged is shown when it went wrong."""
    with tempfile.TemporaryDirectory(prefix="stackd-chaos-") as directory, _database(directory) as database:
        run = Chaos(Path(directory), kind, seed, times, latency, database)
        try:
            result = run.run()
        except (httpx.HTTPError, Refused, AssertionError) as error:
            run.result.failed.append(f"after {run.result.strikes} strikes: {error!r}")
            result = run.result
        finally:
            run.close()
        if not result.good:
            sys.stderr.write(run.log())
        return result


@contextlib.contextmanager
def _database(directory: str) -> Iterator[str]:
    """A new database on the PostgreSQL server of the tests, or else a file."""
    if not POSTGRES_URL:
        yield f"sqlite:///{directory}/stackd.db"
        return
    name = f"chaos_{uuid.uuid4().hex}"
    asyncio.run(_on_postgresql(f'CREATE DATABASE "{name}"'))
    try:
        yield urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_on_postgresql(f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _on_postgresql(statement: str) -> None:
    admin = await asyncpg.connect(POSTGRES_URL)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--fault", choices=FAULTS, default="kill", help="pause and cut need PostgreSQL")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--latency", type=float, default=0.02, help="seconds that each call to the cloud takes"
    )
    options = parser.parse_args(arguments)
    result = chaos(options.fault, options.times, options.seed, options.latency)
    sys.stdout.write(f"{table(result)}\n{json.dumps(result.report())}\n")
    return 0 if result.good else 1
