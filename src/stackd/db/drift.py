"""Reads detections of drift and what they found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import drift_detections, resource_drifts
from stackd.records import DriftDetection, DriftState, ResourceDrift

_D = drift_detections.c
_R = resource_drifts.c
_FORGET = delete(drift_detections).where(
    _D.state != DriftState.RUNNING.value, _D.updated_at < bindparam("before")
)


def resource_drift_id(stack_id: str, name: str) -> str:
    """The id of what is known of the drift of one resource."""
    return f"{stack_id}/{name}"


async def detection(db: Database, detection_id: str, project_id: str) -> DriftDetection | None:
    """One detection of a project."""
    codec = db.codecs.drift_detections
    statement = db.statements.variant(
        "drift detection",
        lambda: select(*(_D[name] for name in codec.columns)).where(
            _D.project_id == bindparam("project"), _D.id == bindparam("id")
        ),
    )
    rows = await db.fetch_statement(statement, {"project": project_id, "id": detection_id})
    return codec.record(rows[0]) if rows else None


async def running(db: Database) -> list[DriftDetection]:
    """The detections that have not ended, of every project."""
    codec = db.codecs.drift_detections
    statement = db.statements.variant(
        "running drift detections",
        lambda: select(*(_D[name] for name in codec.columns)).where(_D.state == DriftState.RUNNING.value),
    )
    return [codec.record(row) for row in await db.fetch_statement(statement, {})]


async def of_stack(db: Database, stack_id: str) -> Sequence[ResourceDrift]:
    """What is known of the drift of a stack's resources, by name."""
    codec = db.codecs.resource_drifts
    statement = db.statements.variant(
        "resource drifts",
        lambda: (
            select(*(_R[name] for name in codec.columns))
            .where(_R.stack_id == bindparam("stack"))
            .order_by(_R.name)
        ),
    )
    return [codec.record(row) for row in await db.fetch_statement(statement, {"stack": stack_id})]


async def forget(db: Database, before: datetime) -> None:
    """Forget detections that ended before this moment; what they found of each resource stays."""
    await db.modify(_FORGET, {"before": to_micros(before)})
