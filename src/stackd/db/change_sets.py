"""Reads change sets and the tokens of repeated requests, always within a project."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import change_sets, request_tokens
from stackd.records import ChangeSet, RequestToken

_C = change_sets.c
_T = request_tokens.c
_FORGET_REQUESTS = delete(request_tokens).where(_T.created_at < bindparam("before"))
_WHICH: dict[str, ColumnElement[bool]] = {
    "id": _C.id == bindparam("value"),
    "uuid": _C.uuid == bindparam("value"),
    "plan": _C.plan_id == bindparam("value"),
}


def change_set_id(stack_id: str, name: str) -> str:
    """The id of the change set of a name, unique in a stack."""
    return f"{stack_id}/{name}"


def request_token_id(project_id: str, token: str) -> str:
    """The id of a client's token, unique in a project."""
    return f"{project_id}/{token}"


async def named(db: Database, project_id: str, stack_id: str, name: str) -> ChangeSet | None:
    """The change set of a stack that has this name."""
    return await _one(db, project_id, "id", change_set_id(stack_id, name))


async def with_uuid(db: Database, project_id: str, uuid: str) -> ChangeSet | None:
    """The change set that clients know by this id."""
    return await _one(db, project_id, "uuid", uuid)


async def _one(db: Database, project_id: str, which: str, value: str) -> ChangeSet | None:
    codec = db.codecs.change_sets
    statement = db.statements.variant(
        ("change set", which),
        lambda: select(*(_C[name] for name in codec.columns)).where(
            _C.project_id == bindparam("project"), _WHICH[which]
        ),
    )
    rows = await db.fetch_statement(statement, {"project": project_id, "value": value})
    return codec.record(rows[0]) if rows else None


async def of_stack(db: Database, stack_id: str) -> list[ChangeSet]:
    """The change sets of a stack, oldest first, without their contents."""
    codec = db.codecs.change_sets
    statement = db.statements.variant(
        "change sets",
        lambda: (
            select(*(_C[name] for name in codec.brief))
            .where(_C.stack_id == bindparam("stack"))
            .order_by(_C.created_at, _C.id)
        ),
    )
    return [codec.brief_record(row) for row in await db.fetch_statement(statement, {"stack": stack_id})]


async def request(db: Database, project_id: str, token: str) -> RequestToken | None:
    """The request that was accepted under a client's token."""
    codec = db.codecs.request_tokens
    statement = db.statements.variant(
        "request token",
        lambda: select(*(_T[name] for name in codec.columns)).where(_T.id == bindparam("id")),
    )
    params: dict[str, Any] = {"id": request_token_id(project_id, token)}
    rows = await db.fetch_statement(statement, params)
    return codec.record(rows[0]) if rows else None


async def forget_requests(db: Database, before: datetime) -> None:
    """Forget the tokens of requests that were accepted before this moment."""
    await db.modify(_FORGET_REQUESTS, {"before": to_micros(before)})
