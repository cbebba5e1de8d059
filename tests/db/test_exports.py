from __future__ import annotations

from typing import Any

import pytest

from stackd.db import exports
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Remove, Update
from stackd.errors import Fenced
from stackd.records import Export, Import, Stack
from tests.support.records import a_stack


def an_export(stack: Stack, name: str = "net-id", **fields: Any) -> Export:
    values: dict[str, Any] = {
        "id": exports.export_id(stack.project_id, name),
        "project_id": stack.project_id,
        "name": name,
        "stack_id": stack.id,
        "root_id": stack.root_id,
        "output": "net",
        "offered": True,
        "revision": "r1",
        "touched": "t1",
        "value": "abc",
    }
    return Export(**values | fields)


def an_import(stack: Stack, name: str = "net-id") -> Import:
    identity = exports.import_id(stack.id, name)
    return Import(
        id=identity, project_id=stack.project_id, name=name, stack_id=stack.id, root_id=stack.root_id
    )


async def test_exports_are_found_by_project_name_stack_and_tree(database: Database, journal: Journal) -> None:
    one, other = a_stack("one"), a_stack("other", project_id="elsewhere")
    mine, reserved = an_export(one), an_export(one, "later", offered=False, value=None)
    await journal.write(Insert(one), Insert(other), Insert(mine), Insert(reserved), Insert(an_export(other)))
    assert await exports.of_project(database, "project") == [mine]
    assert await exports.named(database, "project", ["net-id", "later", "none"]) == {
        "net-id": mine,
        "later": reserved,
    }
    assert await exports.of_stack(database, one.id) == [reserved, mine]
    assert await exports.of_root(database, one.id) == [reserved, mine]


async def test_list_of_exports_is_paged_by_name(database: Database, journal: Journal) -> None:
    stack = a_stack()
    await journal.write(*(Insert(an_export(stack, name)) for name in "cab"))
    first = await exports.of_project(database, "project", limit=2)
    rest = await exports.of_project(database, "project", after=first[-1].name)
    assert [each.name for each in (*first, *rest)] == ["a", "b", "c"]


async def test_importers_are_told_with_their_names(database: Database, journal: Journal) -> None:
    web, api = a_stack("web"), a_stack("api")
    await journal.write(Insert(web), Insert(api), Insert(an_import(web)), Insert(an_import(api)))
    await journal.write(Insert(an_import(api, "other")))
    found = await exports.importers(database, "project", "net-id")
    assert [(each.export, each.stack_name, each.root_id) for each in found] == [
        ("net-id", "api", api.id),
        ("net-id", "web", web.id),
    ]
    assert [each.name for each in await exports.used_by_stack(database, api.id)] == ["net-id", "other"]
    await journal.write(Remove(Import, exports.import_id(web.id, "net-id")))
    assert len(await exports.importers(database, "project", "net-id")) == 1


async def test_a_name_has_one_owner(database: Database, journal: Journal) -> None:
    one, other = a_stack(), a_stack()
    await journal.write(Insert(an_export(one)))
    with pytest.raises(Fenced):
        await journal.write(Insert(other), Insert(an_export(other)))
    assert [each.stack_id for each in await exports.of_project(database, "project")] == [one.id]


async def test_an_importer_and_a_change_of_the_value_exclude_each_other(
    database: Database, journal: Journal
) -> None:
    stack, web = a_stack(), a_stack("web")
    export = an_export(stack)
    await journal.write(Insert(stack), Insert(web), Insert(export))
    touch = Update(Export, export.id, {"touched": "t2"}, where={"revision": export.revision})
    await journal.write(touch, Insert(an_import(web)))
    change = Update(Export, export.id, {"value": "new"}, where={"touched": export.touched})
    with pytest.raises(Fenced):
        await journal.write(change)
    assert [each.value for each in await exports.of_stack(database, stack.id)] == ["abc"]
