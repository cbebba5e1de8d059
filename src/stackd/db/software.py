"""Reads software configurations and deployments, within a project unless the caller administers the cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, or_, select

from stackd.db.database import Database
from stackd.db.tables import software_configs, software_deployments
from stackd.records import SoftwareConfig, SoftwareDeployment

_C = software_configs.c
_D = software_deployments.c
_MINE = or_(_D.project_id == bindparam("project"), _D.user_project_id == bindparam("project"))
_COUNTS = {
    SoftwareConfig: select(func.count()).where(_C.project_id == bindparam("project")),
    SoftwareDeployment: select(func.count()).where(_D.project_id == bindparam("project")),
}
_USERS = select(_D.id).where(_D.config_id == bindparam("one")).limit(1)
_REMOVE = (
    delete(software_configs)
    .where(_C.id == bindparam("one"), ~exists().where(_D.config_id == _C.id))
    .returning(_C.id)
)


def _within(project_id: str | None, column: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    return () if project_id is None else (column == bindparam("project"),)


def _given(project_id: str | None, **params: Any) -> dict[str, Any]:
    return params if project_id is None else {"project": project_id, **params}


async def config(db: Database, config_id: str, project_id: str | None) -> SoftwareConfig | None:
    """One configuration of a project, or of any."""
    codec = db.codecs.software_configs
    statement = db.statements.variant(
        ("software config", project_id is None),
        lambda: select(*(_C[name] for name in codec.columns)).where(
            _C.id == bindparam("id"), *_within(project_id, _C.project_id)
        ),
    )
    rows = await db.fetch_statement(statement, _given(project_id, id=config_id))
    return codec.record(rows[0]) if rows else None


async def configs(
    db: Database, project_id: str | None, *, after: SoftwareConfig | None = None, limit: int | None = None
) -> list[SoftwareConfig]:
    """The configurations of a project, or of all, newest first, without their contents."""
    codec = db.codecs.software_configs
    query = select(*(_C[name] for name in codec.brief)).order_by(_C.created_at.desc(), _C.id)
    if project_id is not None:
        query = query.where(_C.project_id == project_id)
    if after is not None:
        moment = codec.flat({"created_at": after.created_at})["created_at"]
        same = (_C.created_at == moment) & (_C.id > after.id)
        query = query.where(or_(_C.created_at < moment, same))
    if limit is not None:
        query = query.limit(limit)
    return [codec.brief_record(row) for row in await db.fetch_once(query)]


async def remove_config(db: Database, config_id: str) -> bool:
    """Remove a configuration unless a deployment uses it; returns whether it was removed."""
    return bool(await db.modify(_REMOVE, {"one": config_id}))


async def is_used(db: Database, config_id: str) -> bool:
    """Whether a deployment uses a configuration."""
    return bool(await db.fetch(_USERS, {"one": config_id}))


async def count(db: Database, kind: type[SoftwareConfig] | type[SoftwareDeployment], project_id: str) -> int:
    """How many records of a kind a project has."""
    return int((await db.fetch(_COUNTS[kind], {"project": project_id}))[0][0])


async def _deployments(
    db: Database, key: str, project_id: str | None, params: dict[str, Any], *where: ColumnElement[bool]
) -> list[SoftwareDeployment]:
    codec = db.codecs.software_deployments
    mine = () if project_id is None else (_MINE,)
    statement = db.statements.variant(
        ("software deployments", key, project_id is None),
        lambda: (
            select(*(_D[name] for name in codec.columns)).where(*where, *mine).order_by(_D.created_at, _D.id)
        ),
    )
    rows = await db.fetch_statement(statement, _given(project_id, **params))
    return [codec.record(row) for row in rows]


async def deployment(db: Database, deployment_id: str, project_id: str | None) -> SoftwareDeployment | None:
    """One deployment that a project, or the project of its stack users, may see."""
    found = await _deployments(db, "one", project_id, {"id": deployment_id}, _D.id == bindparam("id"))
    return found[0] if found else None


async def deployments(
    db: Database, project_id: str | None, server_id: str | None = None
) -> list[SoftwareDeployment]:
    """The deployments that a project may see, or those to one server, oldest first."""
    if server_id is None:
        return await _deployments(db, "all", project_id, {})
    return await _deployments(
        db, "server", project_id, {"server": server_id}, _D.server_id == bindparam("server")
    )


async def of_server(db: Database, server_id: str, project_id: str | None) -> Sequence[SoftwareConfig]:
    """What a server is to do: the configurations of its deployments, by their names, then their age."""
    codec = db.codecs.software_configs
    mine = () if project_id is None else (_MINE,)
    statement = db.statements.variant(
        ("software of server", project_id is None),
        lambda: (
            select(*(_C[name] for name in codec.columns))
            .join(software_deployments, _D.config_id == _C.id)
            .where(_D.server_id == bindparam("server"), *mine)
            .order_by(_D.created_at, _D.id)
        ),
    )
    rows = await db.fetch_statement(statement, _given(project_id, server=server_id))
    return sorted(map(codec.record, rows), key=lambda each: each.name or "")
