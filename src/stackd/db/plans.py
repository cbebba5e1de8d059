"""Reads saved plans, always within a project."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, select

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import plans
from stackd.records import SavedPlan

_C = plans.c
_REMOVE_EXPIRED = delete(plans).where(_C.expires_at < bindparam("moment"))


def _select(columns: tuple[str, ...], *where: ColumnElement[bool]) -> Select[Any]:
    return select(*(_C[name] for name in columns)).where(_C.project_id == bindparam("project"), *where)


async def get(db: Database, plan_id: str, project_id: str) -> SavedPlan | None:
    """One plan of a project; None if there is none with this id."""
    codec = db.codecs.plans
    statement = db.statements.variant("plan", lambda: _select(codec.columns, _C.id == bindparam("id")))
    rows = await db.fetch_statement(statement, {"project": project_id, "id": plan_id})
    return codec.record(rows[0]) if rows else None


async def listed(db: Database, project_id: str, stack_id: str = "") -> list[SavedPlan]:
    """The plans of a project, or of one stack of it, newest first, without their contents."""
    codec = db.codecs.plans
    of_stack = (_C.stack_id == bindparam("stack"),) if stack_id else ()
    statement = db.statements.variant(
        ("plans", bool(of_stack)),
        lambda: _select(codec.brief, *of_stack).order_by(_C.created_at.desc(), _C.id),
    )
    params = {"project": project_id} | ({"stack": stack_id} if stack_id else {})
    return [codec.brief_record(row) for row in await db.fetch_statement(statement, params)]


async def remove_expired(db: Database, moment: datetime) -> None:
    """Remove expired plans."""
    await db.modify(_REMOVE_EXPIRED, {"moment": to_micros(moment)})
