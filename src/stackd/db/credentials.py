"""Delegated credentials: reads them, and retires those that no stack uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, exists, or_, select, update

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import LIVE, credentials, sinks, stacks
from stackd.records import Credential

STANDING: Final = "standing"
PENDING: Final = "pending"
LOST: Final = "lost"
"""The values of ``Credential.state``."""

_C = credentials.c
_HAS_SINK = stacks.c.id.in_(select(sinks.c.id))  # events of a deleted stack are still to be delivered
_DELETED_LATELY = stacks.c.deleted_at > bindparam("since")
_IDLE = (
    ~exists().where(stacks.c.credential_id == _C.id, or_(LIVE, _HAS_SINK, _DELETED_LATELY)),
    _C.created_at <= bindparam("since"),
    _C.enrolled.is_(False),
)
_CONDITIONS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "id": (_C.id == bindparam("id"),),
    "user": (_C.user_id == bindparam("user"), _C.project_id == bindparam("project")),
    "pending": (_C.state == PENDING,),
    "idle": _IDLE,
}
_RETIRE = (
    update(credentials)
    .where(_C.id == bindparam("one"), *_IDLE)
    .values(roles=bindparam("nothing"))
    .returning(_C.id)
)


async def _found(db: Database, which: str, params: Mapping[str, Any]) -> list[Credential]:
    codec = db.codecs.credentials
    statement = db.statements.variant(
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


async def of_user(db: Database, user_id: str, project_id: str) -> list[Credential]:
    """The credentials of a user in a project that are not retired, oldest first."""
    found = await _found(db, "user", {"user": user_id, "project": project_id})
    return [one for one in found if one.roles]


async def pending(db: Database) -> list[Credential]:
    """The credentials whose trusts are still to be made."""
    return [one for one in await _found(db, "pending", {}) if one.roles]


async def idle(db: Database, since: datetime) -> list[Credential]:
    """The credentials that no live stack has used since then: to be revoked."""
    return await _found(db, "idle", {"since": to_micros(since)})


async def retire(db: Database, credential_id: str, since: datetime) -> bool:
    """Exclude a credential from ``of_user`` if it is still idle; returns whether it was excluded.

    It is stored without roles until its trust is deleted, so that a crash leaves no unknown trust.
    """
    nothing = db.codecs.credentials.flat({"roles": ()})["roles"]
    params = {"one": credential_id, "nothing": nothing, "since": to_micros(since)}
    return bool(await db.modify(_RETIRE, params))
