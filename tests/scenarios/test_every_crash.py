"""The process dies at every write and at every call of an action, one after another; the next one ends it.

Each row is an action and the one that takes it back, so that one stack goes to and fro with another death
each time. Rows, objects and copies are held against each other after every one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stackd.db import resources, stacks
from stackd.engine.usecases import signals, snapshots
from stackd.records import Action, Stack, Status
from tests.scenarios.ledger import Objects, copied, discrepancies, made_since
from tests.scenarios.lives import Death, Stage
from tests.scenarios.story import snapshot as objects_of
from tests.support.actions import a_server, begin, made, most_at_work, resource, template
from tests.support.engine import Process, World, world
from tests.support.waiting import until

pytestmark = pytest.mark.chaos

LONGEST = 60
"""No action of these has as many writes or calls."""


@dataclass(frozen=True, slots=True)
class Step:
    """One way: how it is asked for, the state after it, and how many objects of some kinds there are.

    ``settles`` says that what follows the end is done.
    """

    ask: Callable[[Process, Stack], Awaitable[object]]
    ends: tuple[Action, Status]
    counts: dict[str, int]
    settles: Callable[[Process, Stack], Awaitable[bool]] | None = None


def group(size: int) -> dict[str, Any]:
    """A scaling group of networks."""
    properties = {"min_size": 0, "max_size": 3, "desired_capacity": size}
    return template(
        group=resource("OS::Heat::AutoScalingGroup", **properties, resource=resource("OS::Neutron::Net"))
    )


def _resize(size: int) -> Step:
    async def ask(process: Process, stack: Stack) -> None:
        await process.update(stack, group(size))

    return Step(ask, (Action.UPDATE, Status.COMPLETE), {"networks": size})


def rolled(name: str) -> dict[str, Any]:
    """A group of networks that change one after another."""
    properties = {"count": 2, "resource_def": resource("OS::Neutron::Net", name=f"%index%-{name}")}
    policy = {"rolling_update": {"max_batch_size": 1, "pause_time": 0.1}}
    return template(group=resource("OS::Heat::ResourceGroup", **properties) | {"update_policy": policy})


def _roll(name: str) -> Step:
    async def ask(process: Process, stack: Stack) -> None:
        await process.update(stack, rolled(name))

    async def is_rolled(process: Process, stack: Stack) -> bool:
        (child,) = await stacks.children(process.db, stack.id)
        told = await process.events(child)
        assert most_at_work(told, Action.UPDATE, "OS::Neutron::Net") <= 1, process.told(child)
        return True

    counts = {f"networks name={each}-{name}": 1 for each in "01"}
    return Step(ask, (Action.UPDATE, Status.COMPLETE), counts, is_rolled)


def scaled_by_signals() -> dict[str, Any]:
    """A scaling group of networks with a policy for each of two sizes."""
    content = group(1)
    for name, size in (("to_one", 1), ("to_three", 3)):
        content["resources"][name] = resource(
            "OS::Heat::ScalingPolicy",
            auto_scaling_group_id={"get_resource": "group"},
            adjustment_type="exact_capacity",
            scaling_adjustment=size,
            cooldown=0,
        )
    return content


def _signal(policy: str, size: int) -> Step:
    async def ask(process: Process, stack: Stack) -> None:
        await signals.signal(process.engine, process.caller, stack, policy, None)

    async def is_scaled(process: Process, stack: Stack) -> bool:
        (child,) = await stacks.children(process.db, stack.id)
        rows = await resources.of_stack(process.db, child.id)
        return child.status is Status.COMPLETE and len(rows) == size

    return Step(ask, (Action.CREATE, Status.COMPLETE), {"networks": size}, is_scaled)


def _act(action: str, status: str) -> Step:
    async def ask(process: Process, stack: Stack) -> None:
        await begin(process, stack, action)

    return Step(ask, (Action[action.upper()], Status.COMPLETE), {f"servers status={status}": 1})


async def _take(process: Process, stack: Stack) -> None:
    if not await snapshots.listed(process.engine, process.caller, stack):
        await snapshots.take(process.engine, process.caller, stack, None)


async def _forget(process: Process, stack: Stack) -> None:
    for each in await snapshots.listed(process.engine, process.caller, stack):
        await snapshots.delete(process.engine, process.caller, stack, each.snapshot.id)


async def _restore(process: Process, stack: Stack) -> None:
    if stack.action is Action.RESTORE:  # it is done: asked once more, it would be done once more
        return
    (view,) = await snapshots.listed(process.engine, process.caller, stack)
    await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)


async def _is_replaced_once(process: Process, stack: Stack) -> bool:
    told = await process.told(stack)
    assert told.count("server CREATE_COMPLETE") == 2, told
    return True


async def _is_forgotten(process: Process, stack: Stack) -> bool:
    return not await snapshots.listed(process.engine, process.caller, stack)


COPIED = template(disk=resource("OS::Cinder::Volume", size=1), server=a_server(image_update_policy="REPLACE"))
STRIDES = {"rolling": 8, "restoring": 4, "signals": 3, "scaling": 3, "snapshots": 2}
"""Where there are too many writes to die at each: at the how-manieth of them."""

ROWS = {
    "rolling": (rolled("a"), _roll("b"), _roll("a")),
    "signals": (scaled_by_signals(), _signal("to_three", 3), _signal("to_one", 1)),
    "scaling": (group(1), _resize(3), _resize(1)),
    "restoring": (
        COPIED,
        Step(_take, (Action.SNAPSHOT, Status.COMPLETE), {"backups": 1, "images": 1}),
        Step(_restore, (Action.RESTORE, Status.COMPLETE), {"servers": 1, "volumes": 1}, _is_replaced_once),
    ),
    "snapshots": (
        COPIED,
        Step(_take, (Action.SNAPSHOT, Status.COMPLETE), {"backups": 1, "images": 1}),
        Step(_forget, (Action.SNAPSHOT, Status.COMPLETE), {"backups": 0, "images": 0}, _is_forgotten),
    ),
    "suspending": (template(server=a_server()), _act("suspend", "SUSPENDED"), _act("resume", "ACTIVE")),
}


class Shuttle:
    """One stack that goes to and fro."""

    def __init__(self, made: World) -> None:
        self.world = made
        self.before = objects_of(made)
        self.stage = Stage.set(made, 1)
        self.stack: Stack | None = None

    async def begin(self, content: dict[str, Any]) -> None:
        """Make the stack."""

        async def life(process: Process) -> Stack:
            return await made(process, content)

        self.stack = await self.stage.live(life)

    async def go(self, step: Step, death: Death) -> bool:
        """Do a step, to its end after the death; whether the death came."""

        async def life(process: Process) -> Stack:
            assert self.stack is not None
            stack = await process.stack(self.stack)
            if stack.status is not Status.IN_PROGRESS:
                await step.ask(process, stack)
            ended = await process.done(stack)
            if step.settles is not None:
                await until(partial(step.settles, process, ended))
            return ended

        async def last_life(process: Process) -> None:
            ended = await life(process)
            assert (ended.action, ended.status) == step.ends, (death, ended.reason)
            await self._verify(process, step, death)

        died = await self.stage.live(life, death) is None
        await self.stage.live(last_life)
        return died

    async def _verify(self, process: Process, step: Step, death: Death) -> None:
        assert self.stack is not None
        inside = await stacks.tree(process.db, self.stack.id)
        tree = dict.fromkeys([self.stack.id, *(each.id for each in inside)])
        rows = [row for each in tree for row in await resources.of_stack(process.db, each)]
        assert {row.status for row in rows} == {Status.COMPLETE}, death
        there = made_since(self.before, objects_of(self.world))
        held = [(row.kind, row.physical_id) for row in rows if row.physical_id]
        kept = await snapshots.listed(process.engine, process.caller, self.stack)
        assert discrepancies(there, [*held, *copied([{"data": each.data} for each in kept])]) == [], death
        assert {kind: _count(there, kind) for kind in step.counts} == step.counts, death


def _count(there: Objects, kind: str) -> int:
    """How many objects of a kind there are, of those with a value of a field if one is named."""
    plural, _, condition = kind.partition(" ")
    field, _, value = condition.partition("=")
    found = [each for table, rows in there.items() for each in rows if table.endswith(f".{plural}")]
    return sum(not field or each[field] == value for each in found)


async def _shuttle(path: Path, row: str, death: Death) -> bool:
    """Go to and fro once, with this death on either way; whether it came.

    Each time in a world of its own: while virtual time stands still the clock of stackd goes on.
    """
    content, there, back = ROWS[row]
    async with world(path, ready_after=0.005) as made:
        shuttle = Shuttle(made)
        await shuttle.begin(content)
        return any([await shuttle.go(step, death) for step in (there, back)])


def _place(path: Path, number: int) -> Path:
    place = path / str(number)
    place.mkdir()
    return place


@pytest.mark.parametrize("kind", ["write", "written", "call", "called"])
@pytest.mark.parametrize("row", ROWS)
async def test_action_is_completed_whenever_the_process_dies(tmp_path: Path, row: str, kind: str) -> None:
    number = 1
    while await _shuttle(_place(tmp_path, number), row, Death(kind, number)):
        number += STRIDES.get(row, 1)
        assert number < LONGEST
    assert number > 1
