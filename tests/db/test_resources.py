from __future__ import annotations

from sqlalchemy import select

from stackd.db import resources
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Update
from stackd.db.tables import resources as table
from stackd.records import Hidden, Resource
from tests.support.records import START, a_child, a_resource, a_stack


async def test_resources_are_found_by_every_relation(database: Database, journal: Journal) -> None:
    root = a_stack()
    child = a_child(root)
    group = a_resource(root, "group", nested_stack_id=child.id)
    member = a_resource(child, "member", physical_id="vm-1")
    await journal.write(Insert(root), Insert(child), Insert(group), Insert(member))
    assert await resources.of_stack(database, root.id) == [group]
    assert await resources.of_tree(database, root.id) == [group, member]
    assert await resources.named(database, child.id, "member") == [member]
    assert await resources.named(database, root.id, "member") == []
    assert await resources.get(database, member.id) == member
    assert await resources.get(database, "none") is None
    assert await resources.with_physical_id(database, "vm-1") == [member]
    assert await resources.of_nested_stack(database, child.id) == group
    assert await resources.of_nested_stack(database, root.id) is None
    assert sum((await resources.sizes(database, root.id)).values()) == 2


async def test_rows_of_a_type_are_found_right_inside_a_stack(database: Database, journal: Journal) -> None:
    around, one, two, elsewhere = (a_stack() for _ in range(4))
    parents = [a_resource(around, name=each.name, nested_stack_id=each.id) for each in (one, two)]
    meant = [a_resource(each, name="a", kind="Wanted", data={"key": "s"}) for each in (one, two)]
    others = [
        a_resource(one, name="b", kind="Other"),
        a_resource(around, name="c", kind="Wanted"),
        a_resource(elsewhere, name="d", kind="Wanted"),
    ]
    await journal.write(*(Insert(each) for each in (*parents, *meant, *others)))
    found = await resources.inside(database, around.id, "Wanted")
    assert sorted(found, key=lambda row: row.id) == sorted(meant, key=lambda row: row.id)
    assert await resources.inside(database, one.id, "Wanted") == []


async def test_a_name_has_two_rows_during_its_replacement(database: Database, journal: Journal) -> None:
    stack = a_stack()
    old = a_resource(stack)
    new = a_resource(stack, replaces=old.id)
    await journal.write(Insert(new), Insert(old))
    assert await resources.named(database, stack.id, "server") == [old, new]


async def test_a_brief_resource_has_no_contents(database: Database, journal: Journal) -> None:
    stack = a_stack()
    resource = a_resource(stack, data={"key": "s"}, attributes={"ip": "1"}, metadata={"role": "db"})
    await journal.write(Insert(resource))
    [brief] = await resources.of_stack(database, stack.id, brief=True)
    assert (brief.properties, brief.data, brief.attributes, brief.metadata) == ({}, {}, {}, {})
    assert brief.id == resource.id


async def test_hidden_ids_are_sealed_and_found(database: Database, journal: Journal) -> None:
    stack = a_stack()
    open_row = a_resource(stack, "open", physical_id="hush")
    hidden = a_resource(stack, "hidden", physical_id=Hidden("hush"), external_id=Hidden("hush"))
    odd = a_resource(stack, "odd", physical_id="sealed:odd")
    await journal.write(*(Insert(row) for row in (open_row, hidden, odd)))
    stored = await database.fetch(select(table.c.physical_id, table.c.external_id).order_by(table.c.name))
    assert "hush" not in str(stored[0])
    assert stored[2][0] == "hush"
    assert [row.name for row in await resources.with_physical_id(database, Hidden("hush"))] == ["hidden"]
    assert [row.name for row in await resources.with_physical_id(database, "hush")] == ["open"]
    read = {row.name: row.physical_id for row in await resources.of_stack(database, stack.id)}
    assert read == {"open": "hush", "hidden": "hush", "odd": "sealed:odd"}
    assert isinstance(read["hidden"], Hidden)
    await journal.write(Update(Resource, open_row.id, {"physical_id": Hidden("hush")}))
    assert len(await resources.with_physical_id(database, Hidden("hush"))) == 2


async def test_resources_are_found_by_names_of_stacks_in_all_projects(
    database: Database, journal: Journal
) -> None:
    mine, foreign = a_stack("s"), a_stack("s", project_id="other")
    gone, other = a_stack("s", deleted_at=START), a_stack("t")
    rows = [a_resource(each) for each in (mine, foreign, gone, other)]
    await journal.write(*(Insert(each) for each in (mine, foreign, gone, other, *rows)))
    assert await resources.in_stacks_named(database, "s", "server", 5) == rows[:2]
    assert await resources.in_stacks_named(database, "s", "server", 1) == rows[:1]
    assert await resources.in_stacks_named(database, foreign.id, "server", 5) == [rows[1]]
    assert await resources.in_stacks_named(database, "s", "another", 5) == []
