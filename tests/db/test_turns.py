"""However much is read or written at once, others have the event loop in between."""

from __future__ import annotations

from stackd.db import events, resources, stacks
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.db.stacks import Page
from stackd.engine.execution.steps import INSERTS
from tests.support.records import a_child, a_resource, a_stack, an_event
from tests.support.stretches import longest_stretch

MANY = 600
MOST = 10_000
"""Lines of one turn: some three milliseconds. The first query of a kind is compiled in one."""


async def test_many_rows_are_written_and_read_in_several_turns(database: Database, journal: Journal) -> None:
    root = a_stack()
    rows = [a_resource(root, f"r{number}", data={"key": "s"}) for number in range(MANY)]
    told = [an_event(root, resource_name=row.name) for row in rows]
    below = [a_child(root) for _ in range(MANY)]
    lines: dict[str, int] = {}
    await journal.write(Insert(root), *map(Insert, rows[INSERTS:]))
    _, lines["write"] = await longest_stretch(journal.write(*map(Insert, rows[:INSERTS])))
    await journal.write(*map(Insert, told), *map(Insert, below))
    found, lines["resources"] = await longest_stretch(resources.of_stack(database, root.id))
    brief, lines["brief"] = await longest_stretch(resources.of_tree(database, root.id, brief=True))
    seen, lines["events"] = await longest_stretch(events.listed(database, root.id, page=Page(limit=None)))
    tree, lines["tree"] = await longest_stretch(stacks.tree(database, root.id))
    assert (len(found), len(brief), len(seen), len(tree)) == (MANY, MANY, MANY, MANY + 1)
    assert {what: count for what, count in lines.items() if count > MOST} == {}
