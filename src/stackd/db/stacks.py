"""Reads stacks. A project of ``None`` is the administrator's view of all projects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, not_, or_, select

from stackd.db.codec import AT_ONCE, BRIEF_AT_ONCE
from stackd.db.database import Database
from stackd.db.parts import STACK_ID, Part
from stackd.db.selection import Allowed, after_marker, frozen, has_tag, marker_params, one_of, ordered
from stackd.db.statements import Statement
from stackd.db.tables import resources, stacks
from stackd.offload import in_turns
from stackd.records import Action, Stack

_C = stacks.c
_IS = _C.id == STACK_ID
_LIVE = _C.deleted_at.is_(None)
_MOST_ROWS = 2**31 - 1
_IN_PROJECT = _C.project_id == bindparam("project")
_OF_USERS = _C.stack_user_project_id == bindparam("project")
_SCOPES: dict[str, tuple[ColumnElement[bool], ...]] = {
    "any": (),
    "project": (_IN_PROJECT,),
    "users": (or_(_IN_PROJECT, _OF_USERS),),
}

_ORDERS: dict[str, ColumnElement[Any]] = {
    "name": _C.name,
    "status": _C.status,
    "created_at": _C.created_at,
    "updated_at": func.coalesce(_C.updated_at, 0),
}
SORT_KEYS = frozenset(_ORDERS)
FILTER_KEYS = frozenset(
    {
        "id",
        "name",
        "status",
        "action",
        "project_id",
        "owner",
        "parent_id",
        "stack_user_project_id",
        "reason",
        "disable_rollback",
        "timeout_mins",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFilter:
    """Which stacks a list shows.

    ``allowed`` maps names of ``FILTER_KEYS`` to allowed values; a status may be written with its action
    (``CREATE_COMPLETE``). Stacks with one of ``hidden_tags`` are left out, and those of which only the name
    is reserved for change sets unless ``show_reserved``.
    """

    show_deleted: bool = False
    show_nested: bool = False
    show_reserved: bool = False
    hidden_tags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    not_tags_any: tuple[str, ...] = ()
    allowed: Allowed = field(default_factory=dict)

    def key(self) -> tuple[Any, ...]:
        """A cache key: equal for equal filters."""
        return (
            self.show_deleted,
            self.show_nested,
            self.show_reserved,
            self.hidden_tags,
            self.tags,
            self.tags_any,
            self.not_tags,
            self.not_tags_any,
            frozen(self.allowed),
        )

    def terms(self) -> int:
        """The number of values that are compared."""
        tags = (self.hidden_tags, self.tags, self.tags_any, self.not_tags, self.not_tags_any)
        return sum(map(len, (*tags, *self.allowed.values())))

    def conditions(self) -> Iterable[ColumnElement[bool]]:
        """The filter as SQL."""
        if not self.show_deleted:
            yield _LIVE
        if not self.show_nested:
            yield _C.parent_id.is_(None)
        if not self.show_reserved:
            yield _C.action != Action.INIT.value
        if self.hidden_tags:
            yield not_(or_(*_has(self.hidden_tags)))
        if self.tags:
            yield and_(*_has(self.tags))
        if self.tags_any:
            yield or_(*_has(self.tags_any))
        if self.not_tags:
            yield not_(and_(*_has(self.not_tags)))
        if self.not_tags_any:
            yield not_(or_(*_has(self.not_tags_any)))
        for name, values in self.allowed.items():
            yield _status_in(values) if name == "status" else one_of(_C[name], values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list, in which order; unknown sort keys are ignored and so is an unknown marker.

    The default order is newest first. ``marker`` is the id of the last row already seen.
    """

    limit: int | None = None
    marker: str = ""
    sort_keys: tuple[str, ...] = ()
    descending: bool | None = None

    @property
    def rows(self) -> int | None:
        """``limit``, bounded by the largest integer of the database."""
        return None if self.limit is None else min(self.limit, _MOST_ROWS)


ALL = StackFilter()
FIRST = Page()


def _has(tags: Sequence[str]) -> list[ColumnElement[bool]]:
    return [has_tag(_C.tags, tag) for tag in tags]


def _status_in(values: Sequence[str]) -> ColumnElement[bool]:
    alternatives = []
    for value in values:
        action, joined, status = value.partition("_")
        whole = not joined or value == "IN_PROGRESS"
        alternatives.append(_C.status == value if whole else and_(_C.action == action, _C.status == status))
    return or_(*alternatives)


def _scoped(query: Select[Any], project_id: str | None) -> Select[Any]:
    return query if project_id is None else query.where(_IN_PROJECT)


async def get(db: Database, stack_id: str, project_id: str | None, *, live: bool = False) -> Stack | None:
    """The stack ``stack_id`` if it is the project's; with ``live`` only when it is not deleted."""
    return await _one(db, stack_id, "any" if project_id is None else "project", project_id, live=live)


async def reachable(
    db: Database, stack_id: str, project_id: str | None, *parts: Part[Any], live: bool = False
) -> tuple[Stack | None, list[list[Any]]]:
    """The stack ``stack_id`` if it is the project's, or if the project is that of the stack's users.

    With it come the rows of each of its ``parts``; of a stack that is not reachable none is read.
    """
    scope = "any" if project_id is None else "users"
    params = {"stack": stack_id, "project": project_id}
    queries = [_by_id(db, scope, live=live), *[await _of_reachable(db, scope, part) for part in parts]]
    given = [params, *({**part.params, **params} for part in parts)]
    found, *rows = await db.fetch_together(
        *((query, query.args(each)) for query, each in zip(queries, given, strict=True))
    )
    return db.codecs.stacks.record(found[0]) if found else None, rows


async def _of_reachable(db: Database, scope: str, part: Part[Any]) -> Statement:
    """The query of a part of a stack; there are only rows if the stack is in the scope."""

    def build() -> Select[Any]:
        return part.query().where(part.of == _C.id, _IS, *_SCOPES[scope])

    return await db.statements.prepared((part.key, scope), build, part.terms)


async def _one(
    db: Database, stack_id: str, scope: str, project_id: str | None, *, live: bool
) -> Stack | None:
    """A stack by its id. The scope is a part of the query: rows of other projects are never read."""
    params = {"stack": stack_id, "project": project_id}
    rows = await db.fetch_statement(_by_id(db, scope, live=live), params)
    return db.codecs.stacks.record(rows[0]) if rows else None


def _by_id(db: Database, scope: str, *, live: bool) -> Statement:
    def build() -> Select[Any]:
        query = select(*(_C[name] for name in db.codecs.stacks.columns)).where(_IS, *_SCOPES[scope])
        return query.where(_LIVE) if live else query

    return db.statements.variant(("stack", live, scope), build)


async def named(db: Database, name: str, project_id: str | None) -> Stack | None:
    """The live stack called ``name``: the only one of a project, the oldest of all projects."""
    codec = db.codecs.stacks

    def build() -> Select[Any]:
        query = select(*(_C[column] for column in codec.columns))
        query = query.where(_C.name == bindparam("name"), _LIVE)
        return _scoped(query.order_by(_C.created_at, _C.id).limit(1), project_id)

    statement = db.statements.variant(("stack named", project_id is None), build)
    rows = await db.fetch_statement(statement, {"name": name, "project": project_id})
    return codec.record(rows[0]) if rows else None


async def owner_of_users(db: Database, project_id: str) -> str | None:
    """The project of the live stacks whose users are in a project of the stack domain."""
    statement = db.statements.variant(
        ("owner of users",),
        lambda: select(_C.project_id).where(_C.stack_user_project_id == bindparam("users"), _LIVE).limit(1),
    )
    rows = await db.fetch_statement(statement, {"users": project_id})
    return str(rows[0][0]) if rows else None


async def named_for_users(db: Database, name: str, project_id: str) -> Stack | None:
    """The live stack called ``name`` whose users are in a project."""
    codec = db.codecs.stacks

    def build() -> Select[Any]:
        query = select(*(_C[column] for column in codec.columns))
        query = query.where(_C.name == bindparam("name"), _OF_USERS, _LIVE)
        return query.order_by(_C.created_at, _C.id).limit(1)

    statement = db.statements.variant(("stack named for users",), build)
    rows = await db.fetch_statement(statement, {"name": name, "project": project_id})
    return codec.record(rows[0]) if rows else None


async def with_object(db: Database, physical_id: str, project_id: str) -> list[Stack]:
    """The live stacks of a project that have a resource whose object has this id; two at most."""
    codec = db.codecs.stacks

    def build() -> Select[Any]:
        having = select(resources.c.stack_id).where(resources.c.physical_id == bindparam("object"))
        query = select(*(_C[name] for name in codec.columns)).where(_C.id.in_(having), _IN_PROJECT, _LIVE)
        return query.order_by(_C.created_at, _C.id).limit(2)

    rows = await db.fetch_statement(
        db.statements.variant(("stacks with object",), build), {"object": physical_id, "project": project_id}
    )
    return [codec.record(row) for row in rows]


async def listed(
    db: Database, project_id: str | None, wanted: StackFilter = ALL, page: Page = FIRST
) -> list[Stack]:
    """One page of stacks; ``outputs`` is left out of them."""
    keys = tuple(dict.fromkeys(key for key in page.sort_keys if key in _ORDERS))
    descending = page.descending if page.descending is not None else not keys
    order = (*(_ORDERS[key] for key in keys or ("created_at",)), _C.id)
    params: dict[str, Any] = {"project": project_id, "count": page.rows}
    if page.marker:
        params |= await _marker(db, page.marker, project_id, keys, order)
    paged = "marker_0" in params
    codec = db.codecs.stacks

    def build() -> Select[Any]:
        query = select(*(_C[name] for name in codec.brief)).where(*wanted.conditions())
        if paged:
            query = query.where(after_marker(order, descending=descending))
        if page.limit is not None:
            query = query.limit(bindparam("count"))
        return ordered(_scoped(query, project_id), order, descending=descending)

    key = ("stacks", wanted.key(), keys, descending, paged, page.limit is None, project_id is None)
    rows = await db.fetch_statement(await db.statements.prepared(key, build, wanted.terms()), params)
    return await in_turns(codec.brief_record, rows, BRIEF_AT_ONCE)


async def _marker(
    db: Database,
    marker: str,
    project_id: str | None,
    keys: tuple[str, ...],
    order: Sequence[ColumnElement[Any]],
) -> dict[str, Any]:
    build = partial(_scoped, select(*order).where(_IS), project_id)
    statement = db.statements.variant(("stack marker", keys, project_id is None), build)
    rows = await db.fetch_statement(statement, {"stack": marker, "project": project_id})
    return marker_params(rows[0]) if rows else {}


async def count(db: Database, project_id: str | None, wanted: StackFilter = ALL) -> int:
    """How many stacks ``listed`` has on all its pages; by default the live roots."""

    def build() -> Select[Any]:
        query = select(func.count()).select_from(stacks).where(*wanted.conditions())
        return _scoped(query, project_id)

    statement = await db.statements.prepared(
        ("stack count", wanted.key(), project_id is None), build, wanted.terms()
    )
    rows = await db.fetch_statement(statement, {"project": project_id})
    return int(rows[0][0]) if rows else 0


async def children(db: Database, stack_id: str, *, live: bool = True) -> list[Stack]:
    """The direct children of a stack, oldest first."""
    return await _below(db, "parent_id", stack_id, live=live)


async def tree(db: Database, root_id: str, *, live: bool = True) -> list[Stack]:
    """A root stack and all stacks below it, parents before their children."""
    return await _below(db, "root_id", root_id, live=live)


async def _below(db: Database, column: str, value: str, *, live: bool) -> list[Stack]:
    codec = db.codecs.stacks

    def build() -> Select[Any]:
        query = select(*(_C[name] for name in codec.columns)).where(_C[column] == bindparam("value"))
        query = query.where(_LIVE) if live else query
        return query.order_by(_C.depth, _C.created_at, _C.id)

    rows = await db.fetch_statement(
        db.statements.variant(("stacks below", column, live), build), {"value": value}
    )
    return await in_turns(codec.record, rows, AT_ONCE)
