"""Metrics and their samples: one row for each metric, and for each second or minute in which it was measured.

A metric is namespace, name, the whole set of dimensions, and unit, within a project. Samples that come
for the same second or minute are merged by the database, so that any number of processes may write them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, bindparam, case, cast, delete, func, select
from sqlalchemy.sql.elements import ColumnElement, CompilerElement

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import metric_samples, metrics
from stackd.records import now

_M = metrics.c
_S = metric_samples.c
_SIZES = (1, 8, 64, 512)
_MOST_AT_ONCE = _SIZES[-1]
LONGEST_SPREAD = 4096
"""Characters of the values of a sample above which no more are kept."""
_PURGED_AT_ONCE = 200
_NEXT_TO_PURGE = select(_M.id).where(_M.id > bindparam("after")).order_by(_M.id).limit(_PURGED_AT_ONCE)

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, sorted."""


def digest(*parts: Any) -> str:
    """A short text that is the same for the same parts only."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured, within a project."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str
    identity: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        parts = (self.namespace, self.name, self.dimensions, self.unit)
        object.__setattr__(self, "identity", digest(*parts))


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """A metric with its number."""

    id: int
    metric: Metric


@dataclass(frozen=True, slots=True)
class SeenMetric:
    """A change: a metric of a project has been measured."""

    project_id: str
    metric: Metric
    moment: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class Sample:
    """A change: what was measured of a metric in the second or minute from ``at`` on.

    ``spread`` are the values with their numbers, ``value*number;`` for each, where they are not all the same.
    """

    metric_id: int
    at: int
    count: float
    total: float
    lowest: float
    highest: float
    spread: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """The samples of some metrics in one period, which begins at ``at``."""

    at: int
    count: float
    total: float
    lowest: float
    highest: float
    spread: str | None = None


# --- writing, by the journal ----------------------------------------------------------------------


def seen_statement(insert: Callable[..., Any]) -> CompilerElement:
    """The statement that stores a metric, or when it was measured last."""
    given = insert(metrics).values(
        {column.name: bindparam(column.name) for column in _M if column.name != "id"}
    )
    statement: CompilerElement = given.on_conflict_do_update(
        index_elements=["project_id", "identity"], set_={"seen_at": given.excluded.seen_at}
    )
    return statement


def seen_values(change: SeenMetric) -> dict[str, Any]:
    """The values of that statement."""
    metric = change.metric
    return {
        "project_id": change.project_id,
        "identity": metric.identity,
        "namespace": metric.namespace,
        "name": metric.name,
        "dimensions": json.dumps(metric.dimensions),
        "dimensions_digest": digest(metric.dimensions),
        "unit": metric.unit,
        "seen_at": to_micros(change.moment),
    }


def _spread(side: Any) -> ColumnElement[str]:
    alone = cast(side.lowest, String) + "*" + cast(side.count, String) + ";"
    return func.coalesce(side.spread, alone)


def sample_statement(insert: Callable[..., Any]) -> CompilerElement:
    """The statement that stores a sample, merged with what there is for the same time.

    The values are kept one by one only once they differ, and no more of them than have room.
    """
    given = insert(metric_samples).values({column.name: bindparam(column.name) for column in _S})
    new = given.excluded
    is_flat = and_(
        _S.spread.is_(None), new.spread.is_(None), _S.lowest == new.lowest, _S.highest == new.highest
    )
    statement: CompilerElement = given.on_conflict_do_update(
        index_elements=["metric_id", "at"],
        set_={
            "count": _S.count + new.count,
            "total": _S.total + new.total,
            "lowest": case((new.lowest < _S.lowest, new.lowest), else_=_S.lowest),
            "highest": case((new.highest > _S.highest, new.highest), else_=_S.highest),
            "spread": case(
                (is_flat, None),
                (func.length(_S.spread) > LONGEST_SPREAD, _S.spread),
                else_=_spread(_S) + _spread(new),
            ),
        },
    )
    return statement


def sample_values(change: Sample) -> dict[str, Any]:
    """The values of that statement."""
    return {name: getattr(change, name) for name in Sample.__dataclass_fields__}


# --- reading --------------------------------------------------------------------------------------


def _padded(values: Sequence[Any]) -> list[Any]:
    """The values with the last one repeated, so that there are few texts of statements."""
    size = next(each for each in _SIZES if each >= len(values))
    return [*values, *[values[-1]] * (size - len(values))]


def _names(size: int) -> list[str]:
    return [f"of_{number}" for number in range(size)]


def _portions(values: Sequence[Any]) -> Iterable[list[Any]]:
    for start in range(0, len(values), _MOST_AT_ONCE):
        yield _padded(values[start : start + _MOST_AT_ONCE])


async def numbers(db: Database, project_id: str, wanted: Sequence[Metric]) -> dict[Metric, int]:
    """The numbers of those of the metrics that are known."""
    by_identity = {metric.identity: metric for metric in wanted}
    found: dict[Metric, int] = {}
    for some in _portions(list(by_identity)):
        names = _names(len(some))
        statement = db.statements.variant(
            ("metric numbers", len(some)),
            lambda names=names: select(_M.id, _M.identity).where(  # type: ignore[misc]
                _M.project_id == bindparam("project"), _M.identity.in_([bindparam(each) for each in names])
            ),
        )
        params = {"project": project_id, **dict(zip(names, some, strict=True))}
        rows = await db.fetch_statement(statement, params)
        found.update((by_identity[row[1]], int(row[0])) for row in rows)
    return found


async def count(db: Database, project_id: str) -> int:
    """How many metrics a project has."""
    statement = db.statements.variant(
        ("metrics", "count"),
        lambda: select(func.count()).select_from(metrics).where(_M.project_id == bindparam("project")),
    )
    return int((await db.fetch_statement(statement, {"project": project_id}))[0][0])


async def named(
    db: Database, project_id: str, namespace: str, name: str, dimensions: Dimensions | None = None
) -> list[KnownMetric]:
    """The metrics of a name, in every unit; with ``dimensions`` those that have exactly these."""
    exactly = () if dimensions is None else (_M.dimensions_digest == bindparam("dimensions"),)
    statement = db.statements.variant(
        ("metrics", "named", bool(exactly)),
        lambda: select(_M.id, _M.namespace, _M.name, _M.dimensions, _M.unit).where(
            _M.project_id == bindparam("project"),
            _M.namespace == bindparam("namespace"),
            _M.name == bindparam("name"),
            *exactly,
        ),
    )
    params: dict[str, Any] = {"project": project_id, "namespace": namespace, "name": name}
    if dimensions is not None:
        params["dimensions"] = digest(dimensions)
    return [_known(row) for row in await db.fetch_statement(statement, params)]


async def listed(
    db: Database,
    project_id: str,
    since: datetime,
    *,
    namespace: str | None = None,
    name: str | None = None,
    after: int = 0,
    limit: int,
) -> list[KnownMetric]:
    """Some of the metrics of a project that were measured since then, in the order of their numbers."""
    query = select(_M.id, _M.namespace, _M.name, _M.dimensions, _M.unit).where(
        _M.project_id == project_id, _M.seen_at >= to_micros(since), _M.id > after
    )
    if namespace is not None:
        query = query.where(_M.namespace == namespace)
    if name is not None:
        query = query.where(_M.name == name)
    return [_known(row) for row in await db.fetch_once(query.order_by(_M.id).limit(limit))]


def _known(row: Sequence[Any]) -> KnownMetric:
    dimensions = tuple((key, value) for key, value in json.loads(row[3]))
    return KnownMetric(int(row[0]), Metric(row[1], row[2], dimensions, row[4]))


async def buckets(
    db: Database, metric_ids: Sequence[int], start: int, end: int, period: int, *, spread: bool = False
) -> list[Bucket]:
    """What some metrics together have in each period from ``start`` on and before ``end``, oldest first.

    Periods begin at multiples of ``period`` seconds. With ``spread`` there is a bucket for each sample,
    which begins where its period does: several of them may have the same time.
    """
    found: list[Bucket] = []
    for some in _portions(metric_ids):
        names = _names(len(some))
        statement = db.statements.variant(
            ("samples", len(some), spread),
            lambda names=names: _buckets_query([bindparam(each) for each in names], spread),  # type: ignore[misc]
        )
        params = {"start": start, "end": end, "period": period, **dict(zip(names, some, strict=True))}
        found += [Bucket(*row) for row in await db.fetch_statement(statement, params)]
    return sorted(found, key=lambda bucket: bucket.at)


def _buckets_query(ids: list[Any], spread: bool) -> Any:
    at = (_S.at - _S.at % bindparam("period")).label("bucket")
    within = (_S.metric_id.in_(ids), _S.at >= bindparam("start"), _S.at < bindparam("end"))
    if spread:
        return select(at, _S.count, _S.total, _S.lowest, _S.highest, _S.spread).where(*within)
    sums = (func.sum(_S.count), func.sum(_S.total), func.min(_S.lowest), func.max(_S.highest))
    return select(at, *sums).where(*within).group_by(at)


async def spread_size(db: Database, metric_ids: Sequence[int], start: int, end: int) -> int:
    """The characters of the values that some metrics have in a range of time; at least one per sample."""
    found = 0
    for some in _portions(metric_ids):
        names = _names(len(some))
        statement = db.statements.variant(
            ("size of spreads", len(some)),
            lambda names=names: _spread_size_query([bindparam(each) for each in names]),  # type: ignore[misc]
        )
        params = {"start": start, "end": end, **dict(zip(names, some, strict=True))}
        found += int((await db.fetch_statement(statement, params))[0][0] or 0)
    return found


def _spread_size_query(ids: list[Any]) -> Any:
    size = func.sum(func.coalesce(func.length(_S.spread), 1))
    return select(size).where(_S.metric_id.in_(ids), _S.at >= bindparam("start"), _S.at < bindparam("end"))


# --- retention ------------------------------------------------------------------------------------


async def purge(db: Database, before: datetime, after: int = 0) -> int | None:
    """Remove old samples of some metrics, and those of them that nothing is left of.

    Returns the number to go on after, None at the end. By the key of the table, so that no other index is
    needed, and in small statements.
    """
    rows = await db.fetch(_NEXT_TO_PURGE, {"after": after})
    ids = [int(row[0]) for row in rows]
    if not ids:
        return None
    moment = to_micros(before)
    await db.modify_once(delete(metric_samples).where(_S.metric_id.in_(ids), _S.at < moment // 1_000_000))
    await db.modify_once(delete(metrics).where(_M.id.in_(ids), _M.seen_at < moment))
    return ids[-1]
