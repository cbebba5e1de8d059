"""Faults at random moments of every action of a stack: the rows of `tests.chaos.actions`.

Run it as ``python -m tests.chaos --fault kill --times 200 --seed 1``. All actions are done once without a
fault, to learn what is right, then as often as the strikes go round. A fault comes while the operation is at
work, or already while its request is answered. After each the work is left to finish, or struck once more on
the way; when the operation has ended, the cloud is compared with what the API says, and both with what the
undisturbed action left. It ends with a table, a line of JSON and an exit code.
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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from tests.chaos.actions import STORIES, Action, Script, families, mixed, quotas, told
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.guest import Guest
from tests.chaos.system import Cloud, Refused, Stack
from tests.scenarios.ledger import Objects, copied, made_since
from tests.support.database import POSTGRES_URL

NAME = "chaos"
STUCK_SECONDS = 90.0
"""An operation that takes longer than this with nothing happening to it is stuck."""

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
        return not self.troubles

    @property
    def troubles(self) -> list[str]:
        """All that went wrong."""
        return [
            *self.stuck,
            *self.failed,
            *self.leftovers,
            *self.doubles,
            *self.lost,
            *self.different,
        ]

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

    def __init__(
        self,
        place: Path,
        kind: str,
        seed: int,
        times: int,
        latency: float,
        database: str,
        script: Script,
        note: Callable[[str], object],
    ) -> None:
        self.actions = script.actions
        self.books = script.books
        self.note = note
        self.random = Random(f"{kind} {seed}")  # other actions are struck by other faults
        self.times = times
        self.result = Result(kind, seed)
        self.cloud = Cloud(place, latency, seed)
        self.fault: Fault = FAULTS[kind](place, self.cloud, database, self.random, script.user)
        self.client = self.fault.client
        self.guest = Guest(
            lambda: self.client.url,
            lambda: self.fault.servers[0].cfn_url,
            self.client.headers,
            reports=script.reports,
        )
        self.spans: dict[str, float] = {}
        self.undisturbed: dict[str, list[str]] = {}

    def run(self) -> Result:
        """The actions in turn, first undisturbed to learn what is right, then not."""
        began = time.monotonic()
        count = len(self.actions)
        turn = self.random.randrange(count)
        for index, strikes in enumerate([*[0] * count, *quotas(self.times, count, turn)]):
            if not self.result.stuck:
                self.perform(self.actions[index % count], strikes, calm=index < count)
        self.result.seconds = time.monotonic() - began
        return self.result

    def close(self) -> None:
        """Stop the processes."""
        self.guest.close()
        self.fault.close()
        self.cloud.close()

    def log(self) -> str:
        """What the servers said last."""
        return "".join(server.log.read_text()[-8000:] for server in self.fault.servers)

    def perform(self, action: Action, strikes: int, *, calm: bool = False) -> None:
        """One action with so many faults in it, and the checks after it."""
        began, known = time.monotonic(), Counter(self.result.troubles)
        self.result.operations += 1
        self.guest.applied.clear()
        if strikes and self.fault.strikes_requests and self.random.random() < AT_ONCE:
            stack = self._strike_at_once(action)
            strikes -= 1
        else:
            stack = self._ask(action)
        for _ in range(strikes):
            self._strike_during(action, stack)
        ended = self._ended(action, stack)
        if calm:
            self.spans[action.name] = time.monotonic() - began
        if ended is not None:
            self._check(action, ended)
        took = time.monotonic() - began
        self.note(f"{self.result.strikes} strikes: {action.name}, {took:.1f} s")
        for trouble in (Counter(self.result.troubles) - known).elements():
            self.note(f"  {trouble}")

    def _ask(self, action: Action) -> Stack:
        """Send the request; the stack that it is about."""
        stack = self.client.find(NAME)
        if stack is None and action.body is not None:
            self.client.create(NAME, action.body)
            stack = self.client.find(NAME)
        elif stack is not None and action.ask is not None:
            action.ask(self.client, stack)
        assert stack is not None, f"{action.name}: the stack is not there"
        return stack

    def _strike_at_once(self, action: Action) -> Stack:
        """Strike while the request is at work; where its answer is lost, ask again as a client would."""
        known = self.client.find(NAME)
        timer = threading.Timer(self.random.uniform(0.0, AT_ONCE), self.fault.strike)
        timer.start()
        with contextlib.suppress(httpx.HTTPError, Refused):
            self._ask(action)
        timer.join()
        self._recover(action)
        self.fault.relieve()
        stack = self.client.find(NAME)
        if stack is None and known is not None:
            return known
        begun = stack is not None and action.settles is None and self._is_open(action, stack)
        return stack if stack is not None and begun else self._ask(action)

    def _strike_during(self, action: Action, stack: Stack) -> None:
        time.sleep(self.random.uniform(0.0, self.spans[action.name]))
        before = self.client.newest_event(stack) if self._is_open(action, stack) else ""
        self.fault.strike()
        self._recover(action)
        if before:
            self._await_resumption(action, stack, before)
        self.fault.relieve()

    def _recover(self, action: Action) -> None:
        """Count the fault, and have requests answered again."""
        counts = self.result.strikes_by_operation
        self.result.strikes += 1
        counts[action.name] = counts.get(action.name, 0) + 1
        self.result.recovery_seconds.append(self.fault.recover())

    def _is_open(self, action: Action, stack: Stack) -> bool:
        """Whether the action is still at work."""
        if action.settles is not None:
            return not action.settles(self.client, stack)
        return str(self.client.show(stack)["stack_status"]).endswith("IN_PROGRESS")

    def _await_resumption(self, action: Action, stack: Stack, before: str) -> None:
        """Note how long it takes from the fault's end to the first thing that happens."""
        began = time.monotonic()
        while time.monotonic() < began + STUCK_SECONDS:
            if self.client.newest_event(stack) != before or not self._is_open(action, stack):
                started = self.result.recovery_seconds[-1]
                self.result.resumed_seconds.append(started + time.monotonic() - began)
                return
            time.sleep(0.05)

    def _ended(self, action: Action, stack: Stack) -> Stack | None:
        """The stack at the end of its operation; None when it is stuck."""
        end = time.monotonic() + STUCK_SECONDS
        while time.monotonic() < end:
            if not self._is_open(action, stack):
                return self.client.show(stack)
            time.sleep(0.05)
        state = self.client.show(stack)["stack_status"]
        self.result.stuck.append(f"{action.name} after {self.result.strikes} strikes: {state}")
        self.result.stuck += [
            f"  {each['resource_name']}: {each['resource_status']} {each['resource_status_reason']}"
            for each in self.client.resources(stack)
            if not each["resource_status"].endswith("_COMPLETE")
        ]
        self.result.stuck.append(f"  the guest: {self.guest.state}")
        return None

    def _check(self, action: Action, stack: Stack) -> None:
        where = f"{action.name} after {self.result.strikes} strikes"
        state = str(stack["stack_status"])
        if not state.endswith("_COMPLETE") or (action.ends and state != action.ends):
            self.result.failed.append(f"{where}: {state}: {stack['stack_status_reason']}")
            return
        if action.is_last:
            end = time.monotonic() + SETTLED_SECONDS
            while (left := self._left()) and time.monotonic() < end:
                time.sleep(0.1)
            self.result.leftovers += [f"{where}: {table} {rows}" for table, rows in left.items()]
            self.cloud.before = self.cloud.objects()  # what is left over is reported once
            return
        made = made_since(self.cloud.before, self.cloud.objects())
        resources = self.client.resources(stack)
        found = self.books.discrepancies(made, [*_held(resources), *copied(self.client.snapshots(stack))])
        found += [
            f"doubled: {what} was deployed {len(ids)} times" for what, ids in self._applied() if ids[1:]
        ]
        kinds = {
            "left over": self.result.leftovers,
            "doubled": self.result.doubles,
            "held": self.result.doubles,
        }
        for text in found:
            kind = next((kind for kind in kinds if text.startswith(kind)), "lost")
            kinds.get(kind, self.result.lost).append(f"{where}: {text}")
        self._compare(where, action.result, self.books.shape(made))
        self._compare(where, f"shown after {action.name}", _shown(stack, resources))

    def _left(self) -> Objects:
        """What is left of a stack that is gone."""
        made = made_since(self.cloud.before, self.cloud.objects())
        left = {
            table: [each for each in rows if not self.books.stays(table, each)]
            for table, rows in made.items()
        }
        return {table: rows for table, rows in left.items() if rows}

    def _compare(self, where: str, what: str, stands: list[str]) -> None:
        """Note where something differs from what was there the first time, undisturbed."""
        wanted = self.undisturbed.setdefault(what, stands)
        more = sorted((Counter(stands) - Counter(wanted)).elements())
        missing = sorted((Counter(wanted) - Counter(stands)).elements())
        self.result.different += [f"{where}: {line}" for line in more]
        self.result.different += [f"{where}: missing: {line}" for line in missing]

    def _applied(self) -> list[tuple[tuple[str, ...], list[str]]]:
        """What guests were given to apply in this action, with the ids of the configurations."""
        return [(what[1:], sorted(ids)) for what, ids in list(self.guest.applied.items())]


def _shown(stack: Stack, resources: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the API shows of a stack that an undisturbed one shows as well."""
    states = ((each["resource_name"], each["resource_type"], each["resource_status"]) for each in resources)
    outputs = ((each["output_key"], _form(each.get("output_value"))) for each in stack.get("outputs", ()))
    return [*(f"resource {each}" for each in states), *(f"output {each}" for each in outputs)]


def _form(value: Any) -> Any:
    """What two stacks have in common in a value that may be or have ids."""
    kind = type(value).__name__
    return (
        value if isinstance(value, int) else f"{kind} of {len(value)}" if kind in ("list", "dict") else kind
    )


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
    return "\n".join([*lines, *result.troubles[:70]])


def chaos(
    kind: str,
    times: int,
    seed: int,
    latency: float = 0.02,
    script: Script | None = None,
    note: Callable[[str], object] = lambda text: None,
) -> Result:
    """A whole run in a directory of its own; what the servers logged is shown when it went wrong.

    The ``script`` is all stories if there is none. ``note`` hears of each action that is done. An interrupt
    ends the run early.
    """
    script = script or told(tuple(STORIES))
    with tempfile.TemporaryDirectory(prefix="stackd-chaos-") as directory, database(Path(directory)) as url:
        run = Chaos(Path(directory), kind, seed, times, latency, url, script, note)
        try:
            result = run.run()
        except KeyboardInterrupt:
            result = run.result
        except (httpx.HTTPError, Refused, AssertionError) as error:
            run.result.failed.append(f"after {run.result.strikes} strikes: {error!r}")
            result = run.result
        finally:
            run.close()
        if not result.good:
            sys.stderr.write(run.log())
        return result


@contextlib.contextmanager
def database(directory: Path) -> Iterator[str]:
    """The URL of a new database on the PostgreSQL server of the tests, or else of a file."""
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


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--fault", choices=FAULTS, default="kill", help="pause and cut need PostgreSQL")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--latency", type=float, default=0.02, help="seconds that each call to the cloud takes"
    )
    parser.add_argument("--story", choices=STORIES, action="append", help="only these; all without it")
    parser.add_argument("--mixes", type=int, metavar="NUMBER", help="generated stacks instead of stories")
    parser.add_argument("--families", type=int, metavar="NUMBER", help="families instead of stories")
    options = parser.parse_args(arguments)
    if options.families:
        script = families(options.seed, options.families)
    elif options.mixes:
        script = mixed(options.seed, options.mixes)
    else:
        script = told(options.story or tuple(STORIES))
    result = chaos(options.fault, options.times, options.seed, options.latency, script, _note)
    sys.stdout.write(f"{table(result)}\n{json.dumps(result.report())}\n")
    return 0 if result.good else 1
