"""What an update leaves alone costs it next to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db.journal import Change, Journal, Stand
from stackd.engine.planning.ordering import target_of
from stackd.records import Status
from tests.support.engine import Process, World
from tests.support.templates import hot


def template(size: int, value: str = "a") -> Any:
    resources: dict[str, Any] = {
        f"r{number}": {"type": "OS::Heat::TestResource", "properties": {"value": "same"}}
        for number in range(size)
    }
    resources["changed"] = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
    resources["after"] = {"type": "OS::Heat::TestResource", "depends_on": ["changed", "r0"]}
    return hot(resources)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """All changes that any journal is given from now on."""
    found: list[Change] = []
    write = Journal.write

    async def noted(self: Journal, *changes: Change, **options: Any) -> None:
        found.extend(changes)
        await write(self, *changes, **options)

    monkeypatch.setattr(Journal, "write", noted)
    return found


async def updated(process: Process, written: list[Change], size: int) -> int:
    """How many changes an update writes that changes one of so many resources."""
    stack = await process.done(await process.create(f"s{size}", template(size)))
    written.clear()
    stack = await process.done(await process.update(stack, template(size, "b")))
    assert stack.status is Status.COMPLETE, stack.reason
    rows = await process.rows(stack)
    assert {row.applied_from for row in rows.values()} == {target_of(stack.definition)}
    assert rows["changed"].properties["value"] == "b"
    return len(written)


async def test_an_update_writes_as_much_in_a_large_stack_as_in_a_small_one(
    stackd_world: World, written: list[Change]
) -> None:
    async with stackd_world.process() as process:
        small = await updated(process, written, 5)
        large = await updated(process, written, 200)
    assert small == large


async def test_what_needs_something_that_changes_is_left_to_the_walk(
    stackd_world: World, written: list[Change]
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(3)))
        rows = await process.rows(stack)
        written.clear()
        await process.done(await process.update(stack, template(3, "b")))
    noted = {id_ for change in written if isinstance(change, Stand) for id_ in change.ids}
    assert noted == {rows[f"r{number}"].id for number in range(3)}
