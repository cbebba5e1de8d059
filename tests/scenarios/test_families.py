"""Stacks that mix all services, through their lives on the dev cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackd.records import Resource, Stack, Status
from tests.chaos.tables import is_by_itself, unclaimed
from tests.cloud.scenarios.matching import require
from tests.engine.planning.observed import preview, tree
from tests.scenarios.ledger import made_since
from tests.scenarios.story import snapshot
from tests.support.cases import Json
from tests.support.engine import Process, World, world
from tests.support.families import DEV_CLOUD, PATHS, body, family
from tests.support.guests import guests
from tests.support.waiting import until

Rows = Mapping[str, Resource]
"""Resources by their paths."""


async def _rows(process: Process, stack: Stack) -> Rows:
    rows = {"/".join(path): row for path, row in (await tree(process, stack)).rows.items()}
    assert [path for path, row in rows.items() if row.status is not Status.COMPLETE] == []
    return rows


async def _done(process: Process, asked: Stack) -> Stack:
    async with guests(process, asked):
        stack = await process.done(asked)
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


def _changed(before: Rows, after: Rows, expected: Json) -> None:
    """Only what is to be replaced has another object."""
    compared = (before.keys() & after.keys()) - {*expected.get("renewed", ())}
    replaced = {name for name in compared if before[name].physical_id != after[name].physical_id}
    assert replaced == {*expected.get("replaced", ())}


async def _left(made: World, process: Process, before: Any) -> dict[str, Any]:
    """What is in the cloud that was not there before, once trusts that nobody needs are gone."""
    await until(lambda: not process.engine.trusts._makings._tasks)
    await process.engine.trusts.revoke_idle(timedelta(0))
    left = {
        table: [each for each in rows if not is_by_itself(table, each)]
        for table, rows in made_since(before, snapshot(made)).items()
    }
    return {table: rows for table, rows in left.items() if rows}


@pytest.mark.parametrize("name", [path.stem for path in PATHS])
async def test_a_family_lives_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    life = family(name)
    async with world(tmp_path) as made, made.process(user=life.header.get("user", "demo")) as process:
        before, stack = snapshot(made), None
        rows: Rows = {}
        for step in life.steps({**DEV_CLOUD, "project": process.caller.project_id}):
            given = body(life, step)
            asked = await (process.update(stack, **given) if stack else process.create(name, **given))
            stack = await _done(process, asked)
            found = await _rows(process, stack)
            _changed(rows, found, step.expected)
            rows = found
            held = [(row.kind, row.physical_id) for row in rows.values() if row.physical_id]
            assert unclaimed(made_since(before, snapshot(made)), held) == []
            known = {path: row.physical_id for path, row in rows.items()} | step.parameters

            def filled(text: str, known: Mapping[str, Any] = known) -> str:
                return re.sub(r"\$(\w+)", lambda at: str(known.get(at[1], at[0])), text)

            require("outputs", step.expected["outputs"], await process.outputs(stack), filled)
            plan = await preview(process, stack, **given)
            assert plan.is_empty, {each.path: each.causes for each in plan.changes()}
        assert stack is not None
        deleted = await process.done(await process.delete(stack))
        assert deleted.status is Status.COMPLETE, deleted.reason
        assert await _left(made, process, before) == {}
        assert made.cloud.world.project_quotas == {}
