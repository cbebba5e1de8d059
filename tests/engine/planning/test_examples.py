"""Every example: created, planned and changed on the simulated cloud, and deleted without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.cli.packing import pack
from stackd.engine.planning.verbs import Verb
from stackd.records import Stack, Status
from tests.engine.planning.observed import planned, preview, shown, update
from tests.support.engine import Process, World
from tests.support.guests import guests

EXAMPLES = Path(__file__).parents[3] / "examples"
TEMPLATES = sorted(str(each.relative_to(EXAMPLES)) for each in EXAMPLES.rglob("*.yaml"))
PARTS = ("webapp/tier.yaml", "three-tier/server.yaml")
OWN = [name for name in TEMPLATES if name not in PARTS]
"""The templates that are stacks of their own."""

GIVEN = {
    "blog.yaml": {"Password": "changeme1"},
    "three-tier.yaml": {"certificate": "a certificate", "private_key": "a key"},
}
"""The parameters that have no default."""

USERS = {"three-tier.yaml": "admin"}
"""Who makes what takes an administrator."""


def packed(name: str) -> dict[str, Any]:
    """An example with its files, as the command line sends it."""
    given = {"parameters": GIVEN[name]} if name in GIVEN else {}
    return {**pack(str(EXAMPLES / name)).body(), **given}


async def created(process: Process, name: str, **options: Any) -> Stack:
    asked = await process.create("example", **packed(name), **options)
    async with guests(process, asked):
        stack = await process.done(asked)
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


AT_REST = {"security_groups", "security_group_rules"}
"""What a project keeps of its default group."""


@pytest.mark.parametrize("name", OWN)
async def test_plan_of_the_unchanged_example_is_empty_at_every_level(stackd_world: World, name: str) -> None:
    async with stackd_world.process(user=USERS.get(name, "demo")) as process:
        stack = await created(process, name)
        plan = await preview(process, stack, **packed(name))
        assert plan.is_empty, {step.path: step.causes for step in plan.changes()}
        assert await shown(process, stack, plan) == {}
        assert await update(process, stack, **packed(name)) == {}
        deleted = await process.done(await process.delete(stack))
        assert deleted.status is Status.COMPLETE, deleted.reason
        assert stackd_world.counts().keys() <= AT_REST


async def test_one_more_volume_for_logs_is_all_that_the_demo_plans_and_does(stackd_world: World) -> None:
    more = {"parameters": {"log_volumes": 3}}
    async with stackd_world.process() as process:
        stack = await created(process, "webapp.yaml")
        plan = await preview(process, stack, **packed("webapp.yaml"), **more)
        assert planned(plan) == {("logs",): Verb.UPDATE, ("logs", "2"): Verb.CREATE}
        assert await shown(process, stack, plan) == {"updated": {"logs"}, "added": {"2"}}
        assert await update(process, stack, **packed("webapp.yaml"), **more) == planned(plan)
        assert (await preview(process, stack, **packed("webapp.yaml"), **more)).is_empty


@pytest.mark.parametrize("change", ["change/in-place.yaml", "change/replace.yaml"])
async def test_examples_of_changes_do_what_they_plan(stackd_world: World, change: str) -> None:
    async with stackd_world.process() as process:
        stack = await created(process, "change/before.yaml")
        plan = await preview(process, stack, **packed(change))
        assert not plan.is_empty
        assert await update(process, stack, **packed(change)) == planned(plan)
        assert (await preview(process, stack, **packed(change))).is_empty
