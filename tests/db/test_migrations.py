from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from sqlalchemy import select, text
from sqlalchemy.engine import Connection

from stackd.db import events, resources, stacks
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.db.migrations import check, history, upgrade
from stackd.db.rotation import seal_metadata, seal_types
from stackd.db.tables import resources as table
from tests.support.database import ReversingSealer, database_url
from tests.support.records import a_stack


async def test_migrations_make_the_tables_of_the_models() -> None:
    async with database_url() as url:
        database = await Database.open(url, ReversingSealer())
        empty = await check(database)
        assert (empty.current, empty.up_to_date) == ("", False)
        assert empty.differences
        await upgrade(database)
        state = await check(database)
        await database.close()
    assert state.current == state.head != ""
    assert state.differences == ()
    assert state.up_to_date


async def test_a_second_upgrade_changes_nothing(database: Database, journal: Journal) -> None:
    stack = a_stack()
    await journal.write(Insert(stack))
    await upgrade(database)
    assert await stacks.get(database, stack.id, None) == stack


async def test_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    async with database_url() as url:
        shared = f"sqlite:///{tmp_path}/shared.db" if url == "sqlite://" else url
        await asyncio.gather(*(upgrade(shared) for _ in range(3)))
        assert (await check(shared)).up_to_date


async def test_migrations_from_the_first_on_lead_to_the_same_tables() -> None:
    """A fresh database is made from the models; one that grew up must look just like it."""
    async with database_url() as url:
        database = await Database.open(url, ReversingSealer())
        await database.backend.migrate(history.upgrade)
        state = await check(database)
        await database.close()
    assert state.up_to_date


async def test_events_of_an_old_database_are_kept(tmp_path: Path) -> None:
    """They say of what row and properties they are only since revision 0004."""

    def to_0003(connection: Connection) -> None:
        config = history._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(
            text(
                "INSERT INTO events (id, stack_id, root_id, project_id, time, resource_name, resource_type,"
                " action, status, reason) VALUES ('e', 's', 's', 'p', 1, 'r', 'T', 'CREATE', 'COMPLETE', '')"
            )
        )

    async with database_url() as url:
        database = await Database.open(url, ReversingSealer())
        await database.backend.migrate(to_0003)
        assert (await check(database)).current == "0003"
        await upgrade(database)
        assert (await check(database)).up_to_date
        kept = await events.get(database, "s", "e")
        await database.close()
    assert kept is not None
    assert (kept.resource_name, kept.resource_id, kept.properties) == ("r", None, None)


async def test_metadata_of_an_old_database_is_sealed_and_kept(tmp_path: Path) -> None:
    """It is plain text up to revision 0005."""

    def to_0005(connection: Connection) -> None:
        config = history._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for name, metadata in (("a", '\'{"key":"hush \u00e4"}\''), ("b", "NULL")):
            connection.execute(
                text(
                    "INSERT INTO resources (id, stack_id, root_id, name, type, kind, action, status, reason,"
                    " requires, applied_from, deletion_policy, created_at, metadata) VALUES"
                    f" ('{name}', 's', 's', '{name}', 'T', 'T', 'CREATE', 'COMPLETE', '', '[]', '', '', 1,"
                    f" {metadata})"
                )
            )

    async with database_url() as url:
        database = await Database.open(url, ReversingSealer())
        await database.backend.migrate(to_0005)
        await upgrade(database)
        assert (await check(database)).up_to_date
        assert [row.metadata for row in await resources.of_stack(database, "s")] == [{"key": "hush ä"}, {}]
        assert await seal_metadata(database) == 1
        assert await seal_metadata(database) == 0
        stored = await database.fetch(select(table.c.metadata).order_by(table.c.id))
        assert stored[0][0].startswith(b"sealed:")
        assert [row.metadata for row in await resources.of_stack(database, "s")] == [{"key": "hush ä"}, {}]
        await database.close()


async def test_signed_urls_of_an_old_database_are_sealed_or_masked(tmp_path: Path) -> None:
    """They are plain text up to revision 0009."""
    types = {"a": "https://h/t.yaml?sig=hush", "b": "OS::Heat::None", "c": "http-like://h?x"}

    def to_0009(connection: Connection) -> None:
        config = history._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0009")
        row = (
            "INSERT INTO resources (id, stack_id, root_id, name, type, kind, action, status, reason,"
            " requires, applied_from, deletion_policy, created_at) VALUES"
            " (:name, 's', 's', :name, :type, :type, 'CREATE', 'COMPLETE', '', '[]', '', '', 1)"
        )
        event = (
            "INSERT INTO events (id, stack_id, root_id, project_id, time, resource_name, resource_type,"
            " action, status, reason) VALUES (:name, 's', 's', 'p', 1, 'r', :type, 'CREATE', 'COMPLETE', '')"
        )
        for name, kind in types.items():
            connection.execute(text(row), {"name": name, "type": kind})
            connection.execute(text(event), {"name": name, "type": kind})

    async with database_url() as place:
        database = await Database.open(place, ReversingSealer())
        await database.backend.migrate(to_0009)
        await upgrade(database)
        assert (await check(database)).up_to_date
        assert await seal_types(database) == 4
        assert await seal_types(database) == 0
        stored = await database.fetch(select(table.c.type, table.c.kind).order_by(table.c.id))
        assert all(name.startswith("sealed:") for name in (*stored[0], *stored[2]))
        rows = await resources.of_stack(database, "s")
        assert {row.name: row.type for row in rows} == {row.name: row.kind for row in rows} == types
        kept = [await events.get(database, "s", name) for name in types]
        await database.close()
    shown = [each.resource_type for each in kept if each is not None]
    assert shown == ["https://h/t.yaml?******", "OS::Heat::None", "http-like://h?******"]
