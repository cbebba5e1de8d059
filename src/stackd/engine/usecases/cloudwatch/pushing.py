"""PutMetricData: samples that programs and guests send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from stackd.db.metrics import LONGEST_SPREAD, Metric
from stackd.engine.services.alarms.queries import (
    COMBINATION,
    MISSING,
    VALUE,
    checked_unit,
    dimensions_of,
)
from stackd.engine.services.alarms.statistics import spread_of_set, spread_of_values
from stackd.engine.services.alarms.store import Measured
from stackd.engine.services.alarms.units import NONE
from stackd.engine.usecases.access import GUEST
from stackd.engine.usecases.engine import Engine
from stackd.errors import QueryFault
from stackd.offload import in_thread
from stackd.records import Caller

_OLDEST: Final = timedelta(days=14)
_NEWEST: Final = timedelta(hours=2)
_FORMS: Final = ("Value", "StatisticValues", "Values")
_RESOLUTIONS: Final = (1, 60)
_MANY: Final = 50
"""Data above which a request is left to a thread: about a millisecond."""

Measurements = dict[Metric, dict[int, Measured]]


async def put_metric_data(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> None:
    """Store samples. One that is wrong has all refused."""
    data = _data(request)
    namespace = request["Namespace"]
    if namespace.startswith(":"):
        raise QueryFault(VALUE, "The parameter Namespace must not begin with a colon.")
    moment = engine.services.db.clock()
    compute = partial(_measurements, namespace, data, moment)
    measured = await in_thread(compute) if len(data) > _MANY else compute()
    project = await _project(engine, caller)
    await engine.metrics.add(project, {metric: some.values() for metric, some in measured.items()})


def _measurements(
    namespace: str, data: Sequence[tuple[str, Mapping[str, Any]]], moment: datetime
) -> Measurements:
    measured: Measurements = {}
    for path, datum in data:
        _add(measured, namespace, datum, moment, path)
    return measured


async def _project(engine: Engine, caller: Caller) -> str:
    """The project that is measured: guests sign as users in a project of the stack domain."""
    if GUEST not in caller.roles:
        return caller.project_id
    return await engine.metrics.owner(caller.project_id) or caller.project_id


def _data(request: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """All data of a request, with the place of each."""
    found = _numbered("MetricData", request.get("MetricData", ()))
    for at, entity in enumerate(request.get("EntityMetricData", ()), 1):
        found += _numbered(f"EntityMetricData.member.{at}.MetricData", entity.get("MetricData", ()))
    if not found:
        raise QueryFault(MISSING, "The parameter MetricData is required.")
    return found


def _numbered(path: str, data: Iterable[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{path}.member.{at}", each) for at, each in enumerate(data, 1)]


def _add(
    measured: Measurements, namespace: str, datum: Mapping[str, Any], moment: datetime, path: str
) -> None:
    """Add a datum to what is measured in its second or minute."""
    unit = checked_unit(datum.get("Unit"), f"{path}.Unit") or NONE
    metric = Metric(namespace, datum["MetricName"], _dimensions(datum, path), unit)
    sample = _measured(datum, _time(datum, moment, path), path)
    of_metric = measured.setdefault(metric, {})
    known = of_metric.get(sample.at)
    of_metric[sample.at] = sample if known is None else _merged(known, sample)


def _dimensions(datum: Mapping[str, Any], path: str) -> tuple[tuple[str, str], ...]:
    found = dimensions_of(datum.get("Dimensions", ()))
    if len({name for name, _ in found}) < len(found):
        raise QueryFault(VALUE, f"The parameter {path}.Dimensions has two dimensions of the same name.")
    return found


def _time(datum: Mapping[str, Any], moment: datetime, path: str) -> int:
    given, resolution = datum.get("Timestamp", moment), int(datum.get("StorageResolution", 60))
    if not moment - _OLDEST <= given <= moment + _NEWEST:
        raise QueryFault(
            VALUE,
            f"The parameter {path}.Timestamp must be between two weeks ago and two hours from now; "
            f"{given.isoformat()} is not.",
        )
    if resolution not in _RESOLUTIONS:
        raise QueryFault(VALUE, f"The parameter {path}.StorageResolution must be 1 or 60.")
    second = int(given.timestamp())
    return second - second % resolution


def _measured(datum: Mapping[str, Any], at: int, path: str) -> Measured:
    given = [name for name in _FORMS if name in datum]
    if len(given) != 1:
        fault, what = (COMBINATION, "only one") if given else (MISSING, "one")
        raise QueryFault(fault, f"The parameter {path} must have {what} of {', '.join(_FORMS)}.")
    if "Counts" in datum and given != ["Values"]:
        raise QueryFault(COMBINATION, f"The parameter {path}.Counts goes with Values only.")
    match given:
        case ["Value"]:
            value = datum["Value"]
            return Measured(at, 1.0, value, value, value)
        case ["Values"]:
            return _of_values(datum, at, path)
    return _of_set(datum["StatisticValues"], at, f"{path}.StatisticValues")


def _of_values(datum: Mapping[str, Any], at: int, path: str) -> Measured:
    values = datum["Values"]
    counts = datum.get("Counts") or [1.0] * len(values)
    if not values or len(counts) != len(values):
        raise QueryFault(VALUE, f"The parameters {path}.Values and {path}.Counts must be of the same length.")
    if any(count <= 0 for count in counts):
        raise QueryFault(VALUE, f"The parameter {path}.Counts must have numbers above zero only.")
    pairs = list(zip(values, counts, strict=True))
    spread = spread_of_values(pairs) if len(set(values)) > 1 else None
    total = sum(value * count for value, count in pairs)
    return Measured(at, sum(counts), total, min(values), max(values), spread)


def _of_set(given: Mapping[str, float], at: int, path: str) -> Measured:
    count, total, low, high = (given[name] for name in ("SampleCount", "Sum", "Minimum", "Maximum"))
    if count <= 0:
        raise QueryFault(VALUE, f"The parameter {path}.SampleCount must be above zero.")
    if low > high:
        raise QueryFault(VALUE, f"The parameter {path}.Minimum must not be above Maximum.")
    return Measured(at, count, total, low, high, spread_of_set(count, total, low, high))


def _merged(one: Measured, other: Measured) -> Measured:
    """Two samples of the same time as one."""
    low, high = min(one.lowest, other.lowest), max(one.highest, other.highest)
    spread = None if low == high else _bounded(_spread(one), _spread(other))
    return Measured(one.at, one.count + other.count, one.total + other.total, low, high, spread)


def _bounded(one: str, other: str) -> str:
    """The values of both, as far as there is room, as in the database."""
    return one if len(one) > LONGEST_SPREAD else one + other


def _spread(sample: Measured) -> str:
    return spread_of_values([(sample.lowest, sample.count)]) if sample.spread is None else sample.spread
