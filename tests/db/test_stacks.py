from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackd.db import stacks
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.db.stacks import Page, StackFilter
from stackd.records import Action, Stack, Status
from tests.support.records import START, a_child, a_resource, a_stack


async def names(database: Database, project: str | None = "project", **how: Any) -> list[str]:
    page = Page(**{key: how.pop(key) for key in tuple(how) if key in Page.__dataclass_fields__})
    return [stack.name for stack in await stacks.listed(database, project, StackFilter(**how), page)]


@pytest.fixture
async def six(journal: Journal) -> list[Stack]:
    """a to f, created in this order; f belongs to another project."""
    made = [
        a_stack("a", tags=("red", "big"), owner="alice"),
        a_stack("b", tags=("red",), action=Action.UPDATE, status=Status.FAILED),
        a_stack("c", tags=("green", 'quo"te,'), updated_at=START, timeout_mins=5),
        a_stack("d", status=Status.IN_PROGRESS, owner="bob"),
        a_stack("e", tags=("hidden",), deleted_at=START, action=Action.DELETE),
        a_stack("f", project_id="other"),
    ]
    await journal.write(*(Insert(stack) for stack in made))
    return made


async def test_a_stack_of_another_project_is_not_found(database: Database, six: list[Stack]) -> None:
    foreign = six[5]
    assert await stacks.get(database, foreign.id, "project") is None
    assert await stacks.get(database, foreign.id, None) == foreign
    assert await stacks.named(database, "f", "project") is None
    assert await stacks.named(database, "f", None) == foreign


@pytest.mark.parametrize("id_", ["", "\0", "\ud800", "x" * 10_000])
async def test_an_id_that_nothing_can_have_is_not_found(database: Database, id_: str) -> None:
    assert await stacks.get(database, id_, "project") is None
    assert await stacks.named(database, id_, "project") is None
    assert await stacks.count(database, id_) == 0


async def test_a_deleted_stack_is_found_by_id_and_not_by_name(database: Database, six: list[Stack]) -> None:
    deleted = six[4]
    assert await stacks.get(database, deleted.id, "project") == deleted
    assert await stacks.get(database, deleted.id, "project", live=True) is None
    assert await stacks.named(database, "e", "project") is None


async def test_a_name_in_all_projects_is_the_oldest(database: Database, journal: Journal) -> None:
    old, new = a_stack("same"), a_stack("same", project_id="other")
    await journal.write(Insert(new), Insert(old))
    assert await stacks.named(database, "same", None) == old


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, "dcba"),
        ({"project": None}, "fdcba"),
        ({"show_deleted": True}, "edcba"),
        ({"tags": ("red",)}, "ba"),
        ({"tags": ("red", "big")}, "a"),
        ({"tags": ('quo"te,',)}, "c"),
        ({"tags": ("quo",)}, ""),
        ({"tags_any": ("big", "green")}, "ca"),
        ({"not_tags": ("red", "big")}, "dcb"),
        ({"not_tags_any": ("red", "green")}, "d"),
        ({"hidden_tags": ("green", "hidden"), "show_deleted": True}, "dba"),
        ({"tags": ("red",), "not_tags_any": ("big",)}, "b"),
        ({"allowed": {"name": ("a", "c", "zz")}}, "ca"),
        ({"allowed": {"owner": ("bob",)}}, "d"),
        ({"allowed": {"status": ("COMPLETE",)}}, "ca"),
        ({"allowed": {"status": ("UPDATE_FAILED", "IN_PROGRESS")}}, "db"),
        ({"allowed": {"status": ("CREATE_IN_PROGRESS",)}}, "d"),
        ({"allowed": {"status": ("CREATE_FAILED",)}}, ""),
        ({"allowed": {"action": ("UPDATE",), "status": ("FAILED",)}}, "b"),
        ({"allowed": {"timeout_mins": (5,)}}, "c"),
        ({"allowed": {"timeout_mins": (5, None)}}, "dcba"),
        ({"allowed": {"disable_rollback": (False,)}}, ""),
        ({"allowed": {"name": ()}}, ""),
        ({"sort_keys": ("name",)}, "abcd"),
        ({"sort_keys": ("name",), "descending": True}, "dcba"),
        ({"sort_keys": ("updated_at", "name")}, "abdc"),
        ({"sort_keys": ("status", "name"), "descending": True}, "dbca"),
        ({"sort_keys": ("nonsense",)}, "dcba"),
        ({"descending": False}, "abcd"),
        ({"limit": 2}, "dc"),
        ({"limit": 0}, ""),
        ({"marker": "unknown", "limit": 1}, "d"),
        ({"limit": 10**30}, "dcba"),
        ({"allowed": {"timeout_mins": (10**30,)}}, ""),
        ({"allowed": {"name": ("\ud800",)}}, ""),
    ],
    ids=str,
)
async def test_a_list_shows_what_its_filter_allows(
    database: Database, six: list[Stack], how: dict[str, Any], expected: str
) -> None:
    assert "".join(await names(database, **how)) == expected


@pytest.mark.parametrize("sort_keys", [(), ("name",), ("status",), ("updated_at", "status")])
@pytest.mark.parametrize("descending", [None, True, False])
async def test_pages_together_are_the_whole_list(
    database: Database, six: list[Stack], sort_keys: tuple[str, ...], descending: bool | None
) -> None:
    page = Page(sort_keys=sort_keys, descending=descending)
    whole = await stacks.listed(database, "project", page=page)
    paged: list[Stack] = []
    while part := await stacks.listed(
        database, "project", page=replace(page, limit=1, marker=paged[-1].id if paged else "")
    ):
        paged += part
    assert paged == whole
    assert len(whole) == 4


async def test_a_marker_of_another_project_is_ignored(database: Database, six: list[Stack]) -> None:
    assert await names(database, marker=six[5].id, descending=False) == ["a", "b", "c", "d"]


async def test_nested_stacks_are_listed_on_request_only(
    database: Database, journal: Journal, six: list[Stack]
) -> None:
    child = a_child(six[0], "a-child")
    await journal.write(Insert(child))
    assert "a-child" not in await names(database)
    assert "a-child" in await names(database, show_nested=True)
    by_parent = {"parent_id": (six[0].id,)}
    assert await names(database, show_nested=True, allowed=by_parent) == ["a-child"]
    assert await names(database, allowed=by_parent) == []


async def test_a_count_is_of_all_pages(database: Database, six: list[Stack]) -> None:
    assert await stacks.count(database, "project") == 4
    assert await stacks.count(database, None) == 5
    assert await stacks.count(database, "project", StackFilter(tags=("red",), show_deleted=True)) == 2


async def test_a_tree_leaves_out_deleted_stacks_unless_asked(database: Database, journal: Journal) -> None:
    root = a_stack()
    gone = a_child(root, deleted_at=START)
    await journal.write(Insert(root), Insert(gone))
    assert [stack.id for stack in await stacks.tree(database, root.id)] == [root.id]
    assert [stack.id for stack in await stacks.tree(database, root.id, live=False)] == [root.id, gone.id]
    assert await stacks.children(database, root.id) == []


async def test_stack_of_a_name_is_found_by_the_project_of_its_users(
    database: Database, journal: Journal
) -> None:
    mine = a_stack("s", stack_user_project_id="users")
    gone = a_stack("gone", stack_user_project_id="users", deleted_at=START)
    await journal.write(Insert(mine), Insert(gone), Insert(a_stack("s", project_id="users")))
    assert await stacks.named_for_users(database, "s", "users") == mine
    assert await stacks.named_for_users(database, "gone", "users") is None
    assert await stacks.named_for_users(database, "s", "project") is None


async def test_stacks_with_an_object_are_the_projects_own(database: Database, journal: Journal) -> None:
    mine, foreign = a_stack("a"), a_stack("b", project_id="other")
    for each in (mine, foreign, a_stack("c", deleted_at=START)):
        await journal.write(Insert(each), Insert(a_resource(each, physical_id="object")))
    assert await stacks.with_object(database, "object", "project") == [mine]
    assert await stacks.with_object(database, "nothing", "project") == []
