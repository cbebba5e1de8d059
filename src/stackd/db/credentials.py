"""Delegated credentials: reads them, and retires those that no stack uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, or_, select, update

from stackd.db.database import Database
from stackd.db.tables import LIVE, credentials, sinks, stacks
from stackd.records import Credential

_C = credentials.c
_HAS_SINK = stacks.c.id.in_(select(sinks.c.id))  # events of a deleted stack are still to be delivered
_USED = exists().where(stacks.c.credential_id == _C.id, or_(LIVE, _HAS_SINK))
_CONDITIONS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "id": (_C.id == bindparam("id"),),
    "user": (_C.user_id == bindparam("user"), _C.project_id == bindparam("project")),
    "unused": (~_USED,),
}
_RETIRE = (
    update(credentials)
    .where(_C.id == bindparam("one"), ~_USED)
    .values(roles=bindparam("nothing"))
    .returning(_C.id)
)


async def _found(db: Database, which: str, params: Mapping[str, Any]) -> list[Credential]:
    codec = db.codecs.credentials
    statement = db.compiled(
        ("credentials", which),
        lambda: (
            select(*(_C[name] for name in codec.columns))
            .where(*_CONDITIONS[which])
            .order_by(_C.created_at, _C.id)
        ),
    )
    return [codec.record(row) for row in await db.fetch_statement(statement, params)]


async def get(db: Database, credential_id: str) -> Credential | None:
    """One credential."""
    found = await _found(db, "id", {"id": credential_id})
    return found[0] if found else None


async def matching(db: Database, user_id: str, project_id: str, roles: Collection[str]) -> Credential | None:
    """The newest credential of a user in a project with exactly these roles, in any order."""
    wanted = frozenset(roles)
    found = await _found(db, "user", {"user": user_id, "project": project_id})
    return next((one for one in reversed(found) if frozenset(one.roles) == wanted), None)


async def unused(db: Database) -> list[Credential]:
    """The credentials that no live stack uses: to be revoked."""
    return await _found(db, "unused", {})


async def retire(db: Database, credential_id: str) -> bool:
    """Exclude a credential from ``matching`` unless a live stack uses it; returns whether it was excluded.

    It is stored without roles until its trust is deleted, so that a crash leaves no unknown trust.
    """
    nothing = db.codecs.credentials.flat({"roles": ()})["roles"]
    return bool(await db.modify(_RETIRE, {"one": credential_id, "nothing": nothing}))
