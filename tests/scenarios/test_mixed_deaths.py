"""Generated stacks of all types, and deaths at writes, at calls and at any time of their lives.

Each seed is a mix, as `tests.chaos` kills the real process with, and a story of it: ``STACKD_SEEDS=17`` tells
story 17 again, ``0-200`` a range of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from stackd.devcloud import control
from stackd.records import Stack, Status
from tests.chaos.mixes import Mix, mixes
from tests.chaos.portrait import portrait
from tests.chaos.system import complete_objects
from tests.chaos.tables import is_by_itself, unclaimed
from tests.scenarios.ledger import Objects, made_since
from tests.scenarios.lives import Death
from tests.scenarios.seeds import reproducible, seeds
from tests.scenarios.story import Story, Wish
from tests.support.engine import Process, World, world

pytestmark = pytest.mark.chaos

MIXES = 8
"""So many have all types."""


def _objects(made: World) -> dict[str, list[dict[str, Any]]]:
    """The objects of the cloud, as they were shown to somebody outside."""
    state = orjson.loads(orjson.dumps(control.answer(made.cloud, "GET", "/_dev/state", b"").body))
    return complete_objects(state)


async def _held(story: Story, stack: Stack) -> list[tuple[str, str]]:
    async def read(process: Process) -> list[tuple[str, str]]:
        rows = (await process.rows(stack)).values()
        assert {row.name for row in rows if row.status is not Status.COMPLETE} == set()
        return [(row.kind, row.physical_id) for row in rows if row.physical_id]

    held = await story.stage.live(read)
    assert held is not None
    return held


async def _told(
    path: Path, mix: Mix, seed: int, latency: float, deaths: Sequence[Sequence[Death]]
) -> list[list[str]]:
    """What stands after each version of a stack, with some deaths on the way to each and to its end."""
    stood: list[list[str]] = []
    async with world(path, latency=latency, ready_after=0.02 + 5 * latency) as made:
        story = Story(made, seed, "admin")
        before = _objects(made)
        with reproducible(story, seed):
            for template, fatal in zip((mix.one, mix.two, mix.one), deaths, strict=False):
                stack = await story.fulfil([Wish(1, instead=template)], fatal)
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


@pytest.mark.parametrize("seed", seeds("1-2"))
async def test_a_mix_of_types_comes_through_every_death(tmp_path: Path, seed: int) -> None:
    mix = list(mixes(seed // MIXES, seed % MIXES + 1))[-1]
    random = Random(f"mixed {seed}")
    latency = random.choice((0.0, 0.02))
    deaths = [
        [Death.any(random, writes=60, calls=60, seconds=2.0) for _ in range(random.randint(1, 2))]
        for _ in range(4)
    ]
    for name in ("calm", "disturbed"):
        _place(tmp_path, name)
    calm = await _told(tmp_path / "calm", mix, seed, latency, [[]] * 4)
    disturbed = await _told(tmp_path / "disturbed", mix, seed, latency, deaths)
    for stands, wanted in zip(disturbed, calm, strict=True):
        assert _difference(stands, wanted) == [[], []]
