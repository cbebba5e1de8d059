"""kill -9 at random moments while a stack of about thirty resources is made, changed and deleted.

Run it as ``python -m tests.chaos.kill_nine --kills 200 --seed 1``. A kill comes while the operation is at
work, or already while its request is answered. After each the server is started again and left to
finish, or killed once more on the way; when the operation has ended, the cloud is compared with what
the API says. It ends with a table, a line of JSON and an exit code.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from stackd.resources.registry import load_registry
from tests.chaos.system import Client, Cloud, Refused, Server, Stack
from tests.scenarios.ledger import discrepancies, made_since, shape
from tests.scenarios.thirty import FILES, template

NAME = "chaos"
STUCK_SECONDS = 90.0
"""An operation that takes longer than this with nobody killing is stuck."""

AGAIN = 0.35
"""How often an operation that was resumed is killed once more."""

AT_ONCE = 0.2
"""How often the kill comes while the request itself is at work, and within how many seconds."""

SETTLED_SECONDS = 5.0
"""A trust may be revoked so long after its last stack is gone."""


@dataclass(slots=True)
class Result:
    """What a run found."""

    seed: int
    kills: int = 0
    kills_by_operation: dict[str, int] = field(default_factory=dict)
    operations: int = 0
    failed: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    restart_seconds: list[float] = field(default_factory=list)
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
        for name in ("restart_seconds", "resumed_seconds"):
            facts[name] = _summary(getattr(self, name))
        return facts | {"seconds": round(self.seconds, 1), "good": self.good}


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    at = {"median": len(ordered) // 2, "p95": int(len(ordered) * 0.95), "worst": len(ordered) - 1}
    return {name: round(ordered[place], 2) for name, place in at.items()}


class Chaos:
    """One stack, one server, one cloud, and a given number of kills."""

    def __init__(self, place: Path, seed: int, kills: int, latency: float) -> None:
        self.random = Random(seed)
        self.kills = kills
        self.result = Result(seed)
        self.cloud = Cloud(place, latency, seed)
        self.server = Server(place, self.cloud, f"sqlite:///{place}/stackd.db")
        self.server.start()
        self.client = Client(self.cloud, self.server.url)
        known = frozenset(load_registry([]).types)
        self.bodies = {
            version: {"template": template(version, known), "files": FILES, "timeout_mins": 60}
            for version in (1, 2)
        }
        self.spans: dict[str, float] = {}
        self.shapes: dict[int, list[str]] = {}

    def run(self) -> Result:
        """The operations in turn, first without a kill to learn what is right, then with kills."""
        began = time.monotonic()
        turns = (("create", 1), ("update", 2), ("update back", 1), ("delete", 0))
        for name, version in turns:
            self.perform(name, version, calm=True)
        while self.result.kills < self.kills and not self.result.stuck:
            for name, version in turns:
                if not self.result.stuck:
                    self.perform(name, version)
        self.result.seconds = time.monotonic() - began
        return self.result

    def close(self) -> None:
        """Stop the processes."""
        self.client.close()
        self.server.stop()
        self.cloud.close()

    def perform(self, name: str, version: int, *, calm: bool = False) -> None:
        """One operation with one or more kills in it, and the checks after it."""
        began = time.monotonic()
        self.result.operations += 1
        if calm or self.random.random() >= AT_ONCE:
            stack = self._ask(version)
        else:
            stack = self._kill_at_once(name, version)
        if not calm and self.result.kills < self.kills:
            self._kill_during(name, stack)
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

    def _kill_at_once(self, name: str, version: int) -> Stack:
        """Kill while the request is at work; where its answer is lost, ask again as a client would."""
        known = self.client.find(NAME)
        timer = threading.Timer(self.random.uniform(0.0, AT_ONCE), self.server.kill)
        timer.start()
        with contextlib.suppress(httpx.HTTPError):
            self._ask(version)
        timer.join()
        self._note_kill(name)
        stack = self.client.find(NAME)
        if stack is None and known is not None:
            return known
        return stack if stack is not None and self._is_open(stack) else self._ask(version)

    def _kill_during(self, name: str, stack: Stack) -> None:
        while True:
            time.sleep(self.random.uniform(0.0, self.spans[name]))
            before = self.client.newest_event(stack) if self._is_open(stack) else ""
            self.server.kill()
            self._note_kill(name)
            if before:
                self._await_resumption(stack, before)
            if self.result.kills >= self.kills or self.random.random() >= AGAIN:
                return

    def _note_kill(self, name: str) -> None:
        """Count it, and start the server again."""
        self.result.kills += 1
        self.result.kills_by_operation[name] = self.result.kills_by_operation.get(name, 0) + 1
        self.result.restart_seconds.append(self.server.start())

    def _is_open(self, stack: Stack) -> bool:
        return str(self.client.show(stack)["stack_status"]).endswith("IN_PROGRESS")

    def _await_resumption(self, stack: Stack, before: str) -> None:
        """Note how long it takes from the start of the server to the first thing that happens."""
        began = time.monotonic()
        while time.monotonic() < began + STUCK_SECONDS:
            if self.client.newest_event(stack) != before or not self._is_open(stack):
                started = self.result.restart_seconds[-1]
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
        self.result.stuck.append(f"{name} after {self.result.kills} kills: {now['stack_status']}")
        return None

    def _check(self, name: str, version: int, stack: Stack) -> None:
        where = f"{name} after {self.result.kills} kills"
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


def chaos(kills: int, seed: int, latency: float = 0.02) -> Result:
    """A whole run in a directory of its own; what the server logged is shown when it went wrong."""
    with tempfile.TemporaryDirectory(prefix="stackd-chaos-") as directory:
        run = Chaos(Path(directory), seed, kills, latency)
        try:
            result = run.run()
        except (httpx.HTTPError, Refused, AssertionError) as error:
            run.result.failed.append(f"after {run.result.kills} kills: {error!r}")
            result = run.result
        finally:
            run.close()
        if not result.good:
            sys.stderr.write(run.server.log.read_text()[-8000:])
        return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="kill_nine", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--latency", type=float, default=0.02, help="seconds that each call to the cloud takes"
    )
    options = parser.parse_args(arguments)
    result = chaos(options.kills, options.seed, options.latency)
    sys.stdout.write(f"{table(result)}\n{json.dumps(result.report())}\n")
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
