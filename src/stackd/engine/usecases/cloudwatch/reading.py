"""Statistics of metrics, arithmetic over them, and which metrics there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final

from stackd.db import metrics
from stackd.db.metrics import Bucket, KnownMetric
from stackd.engine.services.alarms.queries import (
    COMBINATION,
    MISSING,
    VALIDATION,
    VALUE,
    MetricStat,
    Query,
    checked_extended,
    checked_period,
    checked_simple,
    checked_unit,
    combined,
    computed_values,
    dimensions_of,
    queries_of,
    weight_of_expressions,
)
from stackd.engine.services.alarms.samples import buckets_for
from stackd.engine.services.alarms.statistics import Series, series, statistic
from stackd.engine.usecases.cloudwatch import paging
from stackd.engine.usecases.cloudwatch.paging import place_in, token_of
from stackd.engine.usecases.cloudwatch.requests import ORDERS
from stackd.engine.usecases.engine import Engine
from stackd.errors import QueryFault
from stackd.offload import in_thread, parsed
from stackd.records import Caller

_MOST_POINTS: Final = 1_440
_MOST_OF_QUERY: Final = 10_080
_MOST_OF_ALL: Final = 100_800
_MOST_COMPUTED: Final = 500_000
"""Values that the expressions of a request may have and pass on the way: a second in a thread."""
_PAGE: Final = 500
_MOST_PAGES: Final = 10
_LISTED: Final = timedelta(days=14)
_RECENT: Final = timedelta(hours=3, minutes=15)
"""That a metric is measured is noted every quarter of an hour."""


def _time(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _window(request: Mapping[str, Any], period: int) -> tuple[int, int]:
    """The first second of the period in which a request begins, and the one before which it ends."""
    start, end = (int(request[name].timestamp()) for name in ("StartTime", "EndTime"))
    if start >= end:
        raise QueryFault(VALUE, "The parameter StartTime must be before the parameter EndTime.")
    return start - start % period, end


# --- GetMetricStatistics --------------------------------------------------------------------------


async def get_metric_statistics(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Some statistics of a metric for each period; a period has a point for each unit that was used."""
    period = checked_period(request["Period"], "Period")
    simple, extended = _wanted(request)
    unit = checked_unit(request.get("Unit"), "Unit")
    start, end = _window(request, period)
    if (end - start) / period > _MOST_POINTS:
        raise QueryFault(
            COMBINATION,
            f"The parameters StartTime, EndTime and Period ask for more than {_MOST_POINTS} datapoints.",
        )
    dimensions = dimensions_of(request.get("Dimensions", ()))
    db, name = engine.services.db, request["MetricName"]
    found = await metrics.named(db, caller.project_id, request["Namespace"], name, dimensions)
    points: list[dict[str, Any]] = []
    for known in found:
        if unit in (None, known.metric.unit):
            stat = (extended or simple)[0]  # one percentile needs the values that all others need
            buckets = await buckets_for(db, [known.id], (start, end), period, stat)
            points += await in_thread(_points, buckets, known, simple, extended)
    return {"Label": name, "Datapoints": points}


def _wanted(request: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    simple, extended = request.get("Statistics", []), request.get("ExtendedStatistics", [])
    if not simple and not extended:
        raise QueryFault(MISSING, "Give the parameter Statistics or the parameter ExtendedStatistics.")
    for at, each in enumerate(simple, 1):
        checked_simple(each, f"Statistics.member.{at}")
    for at, each in enumerate(extended, 1):
        checked_extended(each, f"ExtendedStatistics.member.{at}")
    return simple, extended


def _points(
    buckets: Sequence[Bucket], known: KnownMetric, simple: Sequence[str], extended: Sequence[str]
) -> list[dict[str, Any]]:
    made = []
    for at, some in groupby(buckets, lambda bucket: bucket.at):
        period = list(some)
        point: dict[str, Any] = {"Timestamp": _time(at), "Unit": known.metric.unit}
        point |= {name: statistic(name, period) for name in simple}
        if extended:
            point["ExtendedStatistics"] = {name: statistic(name, period) for name in extended}
        made.append(point)
    return made


# --- GetMetricData --------------------------------------------------------------------------------


async def get_metric_data(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """The values of several queries; those with an expression are computed from others."""
    place_in(request.get("NextToken"), paging.name)
    queries = await _queries(request["MetricDataQueries"])
    stats = {each.id: each.stat for each in queries if each.stat is not None}
    windows = {id_: _window(request, stat.period) for id_, stat in stats.items()}
    _refuse_too_many(queries, stats, windows)
    measured = {id_: await _measured(engine, caller, stat, windows[id_]) for id_, stat in stats.items()}
    newest_first = request.get("ScanBy", ORDERS[0]) == ORDERS[0]
    values = await in_thread(combined, queries, measured)
    by_id = {each.id: each for each in queries}
    asked = [by_id[each["Id"]] for each in request["MetricDataQueries"]]
    results = [
        {"Id": each.id, "Label": each.label, **await in_thread(_columns, values[each.id], newest_first)}
        for each in asked
        if each.is_returned
    ]
    return {"MetricDataResults": results, "Messages": []}


async def _queries(items: Sequence[Mapping[str, Any]]) -> tuple[Query, ...]:
    weight = weight_of_expressions(items)
    queries: tuple[Query, ...] = await parsed(weight, queries_of, items, "MetricDataQueries")
    return queries


def _refuse_too_many(
    queries: Sequence[Query], stats: Mapping[str, MetricStat], windows: Mapping[str, tuple[int, int]]
) -> None:
    """Refuse what would have too many datapoints, or cost too much to compute. Expressions count as well."""
    numbers = [(end - start) / stats[id_].period for id_, (start, end) in windows.items()]
    longest = max(numbers, default=0)
    every = sum(numbers) + longest * (len(queries) - len(stats))
    if longest > _MOST_OF_QUERY or every > _MOST_OF_ALL:
        raise QueryFault(
            VALIDATION,
            "The parameters StartTime and EndTime ask for too many datapoints: a query may have "
            f"{_MOST_OF_QUERY}, all together {_MOST_OF_ALL}. Use longer periods.",
        )
    if computed_values(queries, math.ceil(longest)) > _MOST_COMPUTED:
        raise QueryFault(
            VALIDATION,
            "The expressions of MetricDataQueries have too many operands and operators for so many "
            f"datapoints: together they may be {_MOST_COMPUTED}. Use longer periods, or fewer expressions.",
        )


async def _measured(engine: Engine, caller: Caller, stat: MetricStat, window: tuple[int, int]) -> Series:
    db = engine.services.db
    found = await metrics.named(db, caller.project_id, stat.namespace, stat.name, stat.dimensions)
    ids = [each.id for each in found if stat.unit in (None, each.metric.unit)]
    buckets = await buckets_for(db, ids, window, stat.period, stat.stat)
    values: Series = await in_thread(series, stat.stat, buckets)
    return values


def _columns(values: Series, newest_first: bool) -> dict[str, Any]:
    times = sorted(values, reverse=newest_first)
    return {
        "Timestamps": [_time(at) for at in times],
        "Values": [values[at] for at in times],
        "StatusCode": "Complete",
    }


# --- ListMetrics ----------------------------------------------------------------------------------


async def list_metrics(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics that were measured lately."""
    place = place_in(request.get("NextToken"), paging.number)
    after: int | None = place[0] if place else 0
    age = _RECENT if "RecentlyActive" in request else _LISTED
    read = partial(
        metrics.listed,
        engine.services.db,
        caller.project_id,
        engine.services.db.clock() - age,
        namespace=request.get("Namespace"),
        name=request.get("MetricName"),
        limit=_PAGE,
    )
    shown: dict[Any, dict[str, Any]] = {}
    for _ in range(_MOST_PAGES):
        rows = await read(after=after or 0)
        shown |= {_key(each): _shown(each) for each in rows if _has(each, request.get("Dimensions", ()))}
        after = rows[-1].id if len(rows) == _PAGE else None
        if after is None or shown:
            break
    answer: dict[str, Any] = {"Metrics": list(shown.values())}
    return answer | ({"NextToken": token_of(after)} if after is not None else {})


def _key(known: KnownMetric) -> tuple[Any, ...]:
    """What identifies a metric but for its unit."""
    return known.metric.namespace, known.metric.name, known.metric.dimensions


def _has(known: KnownMetric, wanted: Sequence[Mapping[str, str]]) -> bool:
    """Whether a metric has some dimensions, with their values where these are given."""
    own = dict(known.metric.dimensions)
    return all(
        each["Name"] in own and each.get("Value", own[each["Name"]]) == own[each["Name"]] for each in wanted
    )


def _shown(known: KnownMetric) -> dict[str, Any]:
    metric = known.metric
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
