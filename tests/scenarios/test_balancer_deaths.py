"""A process that dies while a load balancer with all its parts is made, changed, replaced and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackd.records import Status
from tests.resources.octavia.balancing import IN_ITS_PLACE, IN_PLACE, REPLACING, template
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
