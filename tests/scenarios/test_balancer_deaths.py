"""A process that dies while a load balancer with all its parts is made, changed, replaced and deleted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from stackd.records import Status
from tests.resources.octavia.balancing import IN_ITS_PLACE, IN_PLACE, REPLACING, pools, template
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.engine import world

pytestmark = pytest.mark.chaos

PARTS = (
    *("loadbalancers", "listeners", "pools", "pool_members", "healthmonitors"),
    *("l7policies", "l7rules"),
)
WISHES = ([template()], [template(IN_PLACE), template(REPLACING)], [template(IN_ITS_PLACE)])


@pytest.mark.parametrize("number", range(3, 21, 3))
@pytest.mark.parametrize("kind", ["write", "written", "call", "called"])
async def test_no_part_is_lost_left_over_or_made_twice(tmp_path: Path, kind: str, number: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, number)
        for templates in WISHES:
            wishes = [Wish(1, instead=each) for each in templates]
            stack = await story.fulfil(wishes, [Death(kind, number)])
            assert stack is not None
            assert stack.status is Status.COMPLETE, stack.reason
            assert [len(story.made()[f"load-balancer.{name}"]) for name in PARTS] == [1] * len(PARTS)
        await story.fulfil([Wish(0)], [Death(kind, number)])
        assert story.made() == {}


MADE = [(kind, number) for kind in ("call", "called") for number in range(7, 11)]
MADE += [(kind, number) for kind in ("write", "written") for number in range(18, 26)]
"""Deaths while the members of two new pools are made, which begins at these calls and writes."""

ADDED = [(kind, 1) for kind in ("call", "called")]
ADDED += [(kind, number) for kind in ("write", "written") for number in range(4, 8)]
"""Deaths while more are made in a pool that has some."""


def members(story: Story) -> list[int]:
    """How many members each pool has, whose names are all different."""
    found = story.made()["load-balancer.pool_members"]
    assert len({each["name"] for each in found}) == len(found)
    return sorted(Counter(each["pool_id"] for each in found).values())


async def fulfilled(story: Story, *deaths: Death, **counts: int) -> None:
    stack = await story.fulfil([Wish(1, instead=pools(counts))], deaths)
    assert stack is not None
    assert stack.status is Status.COMPLETE, stack.reason
    assert members(story) == sorted(counts.values())


@pytest.mark.parametrize(("kind", "number"), MADE)
async def test_members_that_are_made_together_are_found_again(tmp_path: Path, kind: str, number: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, number)
        await fulfilled(story, Death(kind, number), a=3, b=2)
        await story.fulfil([Wish(0)])
        assert story.made() == {}


@pytest.mark.parametrize(("kind", "number"), ADDED)
async def test_members_that_are_added_together_are_found_again(
    tmp_path: Path, kind: str, number: int
) -> None:
    async with world(tmp_path) as made:
        story = Story(made, number)
        await fulfilled(story, a=2, b=1)
        await fulfilled(story, Death(kind, number), a=6, b=1)
        await fulfilled(story, Death(kind, number), a=1, b=3)
        await story.fulfil([Wish(0)])
        assert story.made() == {}
