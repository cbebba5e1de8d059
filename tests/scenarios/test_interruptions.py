"""Whatever dies whenever: every operation ends, and cloud and books agree.

Each seed is a story: a stack of about thirty resources is made, changed, rolled back, changed in the
middle of a change and deleted, and the process dies at random moments of it. A failing seed is a
reproducer: ``STACKD_SEEDS=17 pytest tests/scenarios`` tells story 17 again (``0-200`` a range of them).
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from stackd.records import Action, Stack, Status
from tests.scenarios.ledger import shape
from tests.scenarios.lives import Death
from tests.scenarios.seeds import reproducible, seeds
from tests.scenarios.story import Story, Wish
from tests.support.engine import world

pytestmark = pytest.mark.chaos

V1, V2, GONE = Wish(1), Wish(2), Wish(0)
BROKEN = Wish(2, broken=True, rolls_back=True)


_SHAPES: dict[int, list[str]] = {}


async def _expected(tmp_path: Path, version: int) -> list[str]:
    """What stands when nothing interrupts."""
    if version not in _SHAPES:
        path = tmp_path / f"calm-{version}"
        path.mkdir()
        async with world(path, ready_after=0.005) as made:
            story = Story(made, 0)
            stack = await story.fulfil([Wish(version)])
            await story.verify(stack, version)
            _SHAPES[version] = shape(story.made())
    return _SHAPES[version]


def _deaths(random: Random) -> list[Death]:
    return [Death.any(random, writes=60, calls=34, seconds=1.2) for _ in range(random.randint(1, 3))]


@pytest.mark.parametrize("seed", seeds("1-2"))
async def test_a_stack_comes_through_every_death(tmp_path: Path, seed: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, seed)
        with reproducible(story, seed):
            for version in (1, 2, 1):
                stack = await story.fulfil([Wish(version)], _deaths(story.random))
                await _stands(story, stack, tmp_path, version)
            stack = await story.fulfil([GONE], _deaths(story.random))
            await story.verify(stack, 0)


@pytest.mark.parametrize("seed", seeds("1"))
async def test_a_rollback_comes_through_every_death(tmp_path: Path, seed: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, seed)
        with reproducible(story, seed):
            await story.fulfil([V1])
            stack = await story.fulfil([BROKEN], _deaths(story.random))
            assert stack is not None
            assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
            await story.verify(stack, 1, await _expected(tmp_path, 1))
            await story.verify(await story.fulfil([GONE]), 0)


@pytest.mark.parametrize("seed", seeds("1-2"))
async def test_the_newest_wish_wins_whatever_dies(tmp_path: Path, seed: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, seed)
        with reproducible(story, seed):
            stack = await story.fulfil([V1, V2], _deaths(story.random))
            await _stands(story, stack, tmp_path, 2)
            stack = await story.fulfil([V1, V2, V1], _deaths(story.random))
            await _stands(story, stack, tmp_path, 1)
            await story.verify(await story.fulfil([V2, GONE], _deaths(story.random)), 0)
            await story.verify(await story.fulfil([V1, GONE], _deaths(story.random)), 0)


async def _stands(story: Story, stack: Stack | None, tmp_path: Path, version: int) -> None:
    assert stack is not None
    assert stack.status is Status.COMPLETE, stack.reason
    await story.verify(stack, version, await _expected(tmp_path, version))


FAULTS = (
    {"effect": "drop", "probability": 0.03},
    {"effect": "drop_after", "probability": 0.03},
    {"effect": "status", "status": 503, "probability": 0.03},
    {"effect": "status", "status": 429, "probability": 0.03, "headers": {"retry-after": "0"}},
    {
        "effect": "error_status",
        "method": "POST",
        "path": "/(servers|volumes)$",
        "probability": 0.1,
        "times": 1,
    },
)


@pytest.mark.parametrize("seed", seeds("1"))
async def test_a_moody_cloud_forces_at_most_a_failure_that_the_next_update_mends(
    tmp_path: Path, seed: int
) -> None:
    async with world(tmp_path) as made:
        story = Story(made, seed)
        with reproducible(story, seed):
            for version in (1, 2):
                made.cloud.faults.replace(FAULTS, seed)
                stack = await story.fulfil([Wish(version)], _deaths(story.random)[:1])
                assert stack is not None
                assert stack.status is not Status.IN_PROGRESS
                made.cloud.faults.replace(())
                if stack.status is Status.FAILED:
                    stack = await story.fulfil([Wish(version)])
                await _stands(story, stack, tmp_path, version)
            made.cloud.faults.replace(FAULTS, seed)
            stack = await story.fulfil([GONE], _deaths(story.random)[:1])
            made.cloud.faults.replace(())
            await story.verify(await story.fulfil([GONE]), 0)
