"""Reading delegated credentials."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from stackd.db.database import Database
from stackd.db.tables import LIVE, credentials, stacks
from stackd.records import Credential

_C = credentials.c
_CONDITIONS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "id": (_C.id == bindparam("id"),),
    "user": (_C.user_id == bindparam("user"), _C.project_id == bindparam("project")),
}
_USES = select(func.count()).select_from(stacks).where(stacks.c.credential_id == bindparam("id"), LIVE)


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
    """The newest credential of a user in a project with just these roles, in whatever order."""
    wanted = frozenset(roles)
    found = await _found(db, "user", {"user": user_id, "project": project_id})
    return next((one for one in reversed(found) if frozenset(one.roles) == wanted), None)


async def uses(db: Database, credential_id: str) -> int:
    """How many live stacks have the credential; with none it may be revoked."""
    return int((await db.fetch(_USES, {"id": credential_id}))[0][0])
