"""Stacks of all types and services, and deaths at writes, at calls and at any time of their lives.

Each seed is a mix or a family, as `tests.chaos` kills the real process with, and a story of it:
``STACKD_SEEDS=17`` tells story 17 again, ``0-200`` a range of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from stackd.db import resources, stacks
from stackd.devcloud import control
from stackd.records import Stack, Status
from tests.chaos.mixes import mixes
from tests.chaos.portrait import portrait
from tests.chaos.system import complete_objects
from tests.chaos.tables import is_by_itself, unclaimed
from tests.scenarios.ledger import Objects, made_since
from tests.scenarios.lives import Death
from tests.scenarios.seeds import reproducible, seeds
from tests.scenarios.story import Story, Wish
from tests.support.cases import read
from tests.support.engine import Process, World, world
from tests.support.families import DEV_CLOUD, PATHS

pytestmark = pytest.mark.chaos

MIXES = 8
"""So many have all types."""


def _objects(made: World) -> dict[str, list[dict[str, Any]]]:
    """The objects of the cloud, as they were shown to somebody outside."""
    state = orjson.loads(orjson.dumps(control.answer(made.cloud, "GET", "/_dev/state", b"").body))
    return complete_objects(state)


async def _held(story: Story, stack: Stack) -> list[tuple[str, str]]:
    async def read(process: Process) -> list[tuple[str, str]]:
        tree = dict.fromkeys([stack.id, *(each.id for each in await stacks.tree(process.db, stack.root_id))])
        rows = [row for each in tree for row in await resources.of_stack(process.db, each)]
        assert {row.name for row in rows if row.status is not Status.COMPLETE} == set()
        return [(row.kind, row.physical_id) for row in rows if row.physical_id]

    held = await story.stage.live(read)
    assert held is not None
    return held


async def _told(
    path: Path, versions: Sequence[Wish], seed: int, latency: float, deaths: Sequence[Sequence[Death]]
) -> list[list[str]]:
    """What stands after each version of a stack, with some deaths on the way to each and to its end."""
    stood: list[list[str]] = []
    async with world(path, latency=latency, ready_after=0.02 + 5 * latency) as made:
        redelegated = made.settings.keystone.model_copy(update={"trusts_redelegated": True})
        made.settings = made.settings.model_copy(update={"keystone": redelegated})
        story = Story(made, seed, "admin", reports=True)
        before = _objects(made)
        with reproducible(story, seed):
            for wish, fatal in zip(versions, deaths, strict=False):
                stack = await story.fulfil([wish], fatal)
                assert stack is not None
                assert stack.status is Status.COMPLETE, stack.reason
                there = made_since(before, _objects(made))
                assert unclaimed(there, await _held(story, stack)) == []
                stood.append(portrait(there))
            await story.fulfil([Wish(0)], deaths[-1])
            assert _left(made_since(before, _objects(made))) == {}
    return stood


def _place(path: Path, name: str) -> None:
    (path / name).mkdir()


def _left(made: Objects) -> Objects:
    left = {table: [each for each in rows if not is_by_itself(table, each)] for table, rows in made.items()}
    return {table: rows for table, rows in left.items() if rows}


def _difference(stands: list[str], wanted: list[str]) -> list[list[str]]:
    ways = ((stands, wanted), (wanted, stands))
    return [sorted((Counter(one) - Counter(other)).elements()) for one, other in ways]


async def _compared(path: Path, versions: Sequence[Wish], seed: int, random: Random) -> None:
    """What stands after each version is the same whatever died on the way."""
    latency = random.choice((0.0, 0.02))
    deaths = [
        [Death.any(random, writes=60, calls=60, seconds=2.0) for _ in range(random.randint(1, 2))]
        for _ in (*versions, "the end")
    ]
    for name in ("calm", "disturbed"):
        _place(path, name)
    calm = await _told(path / "calm", versions, seed, latency, [[]] * len(deaths))
    disturbed = await _told(path / "disturbed", versions, seed, latency, deaths)
    for stands, wanted in zip(disturbed, calm, strict=True):
        assert _difference(stands, wanted) == [[], []]


@pytest.mark.parametrize("seed", seeds("1-2"))
async def test_a_mix_of_types_comes_through_every_death(tmp_path: Path, seed: int) -> None:
    mix = list(mixes(seed // MIXES, seed % MIXES + 1))[-1]
    versions = [Wish(1, instead=each) for each in (mix.one, mix.two, mix.one)]
    await _compared(tmp_path, versions, seed, Random(f"mixed {seed}"))


@pytest.mark.parametrize("seed", seeds("1-4"))
async def test_a_family_comes_through_every_death(tmp_path: Path, seed: int) -> None:
    life = read(PATHS[seed % len(PATHS)])
    versions = [
        Wish(1, instead=each.template, beside={"files": life.files, "parameters": each.parameters})
        for each in life.steps(DEV_CLOUD)
    ]
    await _compared(tmp_path, versions, seed, Random(f"family {seed}"))
