"""Queries of metrics: a statistic of a metric, or arithmetic over other queries. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from stackd.db.metrics import Dimensions
from stackd.engine.services.alarms.expressions import evaluate, ids_in, parse, weight_of
from stackd.engine.services.alarms.statistics import SIMPLE, Series, is_extended
from stackd.engine.services.alarms.units import known_unit
from stackd.errors import QueryFault

VALUE: Final = "InvalidParameterValue"
COMBINATION: Final = "InvalidParameterCombination"
MISSING: Final = "MissingParameter"
VALIDATION: Final = "ValidationError"

_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}")
_SHORT_PERIODS: Final = (1, 5, 10, 20, 30)


@dataclass(frozen=True, slots=True)
class MetricStat:
    """A statistic of a metric per period, in seconds. Without a unit samples in all units count."""

    namespace: str
    name: str
    dimensions: Dimensions
    period: int
    stat: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One query: ``stat``, or ``expression`` over other queries."""

    id: str
    label: str
    is_returned: bool
    stat: MetricStat | None = None
    expression: ast.expr | None = None


def dimensions_of(items: Sequence[Mapping[str, str]]) -> Dimensions:
    """Dimensions as they identify a metric."""
    return tuple(sorted((each["Name"], each["Value"]) for each in items))


def checked_stat(name: str, path: str) -> str:
    """The name of a statistic, simple or extended; ``QueryFault`` if there is none."""
    return name if name in SIMPLE else checked_extended(name, path, f"one of {', '.join(SIMPLE)}, or ")


def checked_simple(name: str, path: str) -> str:
    """The name of a simple statistic; ``QueryFault`` if there is none."""
    if name not in SIMPLE:
        message = f"The parameter {path} must be one of {', '.join(SIMPLE)}; {name[:50]!r} is not."
        raise QueryFault(VALUE, message)
    return name


def checked_extended(name: str, path: str, others: str = "") -> str:
    """The name of an extended statistic; ``QueryFault`` if there is none, with what else it may be."""
    if not is_extended(name):
        message = f"The parameter {path} must be {others}a percentile such as p99; {name[:50]!r} is not."
        raise QueryFault(VALUE, message)
    return name


def checked_period(period: int, path: str, shortest: Sequence[int] = _SHORT_PERIODS) -> int:
    """A period in seconds; ``QueryFault`` if metrics are not measured so."""
    if period in shortest or (period > 0 and period % 60 == 0):
        return period
    raise QueryFault(
        VALUE,
        f"The parameter {path} must be {', '.join(map(str, shortest))} or a multiple of 60; {period} is not.",
    )


def checked_unit(unit: str | None, path: str) -> str | None:
    """A unit; ``QueryFault`` if there is none of that name."""
    if unit is None:
        return None
    if (known := known_unit(unit)) is None:
        raise QueryFault(VALUE, f"The parameter {path} must be a unit such as Percent; {unit[:50]!r} is not.")
    return known


def queries_of(items: Sequence[Mapping[str, Any]], path: str) -> tuple[Query, ...]:
    """The queries of a request, those first to which others refer; ``QueryFault`` if they make no sense."""
    queries = [_query(each, f"{path}.member.{number}") for number, each in enumerate(items, 1)]
    ids = [each.id for each in queries]
    if len(set(ids)) < len(ids):
        raise QueryFault(VALIDATION, f"The parameter {path} has two queries with the same Id.")
    return _in_order(queries, path)


def weight_of_expressions(items: Sequence[Mapping[str, Any]]) -> int:
    """The characters of the expressions of queries, which decide how long it takes to check them."""
    return sum(len(each.get("Expression") or "") for each in items)


def _query(item: Mapping[str, Any], path: str) -> Query:
    id_, expression, stat = item["Id"], item.get("Expression"), item.get("MetricStat")
    if not _ID.fullmatch(id_):
        raise QueryFault(
            VALIDATION, f"The parameter {path}.Id must begin with a lower-case letter; {id_[:50]!r} does not."
        )
    if (expression is None) == (stat is None):
        raise QueryFault(VALIDATION, f"The parameter {path} must have either MetricStat or Expression.")
    shown = item.get("Label") or (stat["Metric"].get("MetricName") if stat is not None else id_)
    return Query(
        id=id_,
        label=shown or id_,
        is_returned=item.get("ReturnData", True),
        stat=None if stat is None else _metric_stat(stat, f"{path}.MetricStat"),
        expression=None if expression is None else parse(expression),
    )


def _metric_stat(item: Mapping[str, Any], path: str) -> MetricStat:
    metric = item["Metric"]
    for name in ("Namespace", "MetricName"):
        if not metric.get(name):
            raise QueryFault(MISSING, f"The parameter {path}.Metric.{name} is required.")
    return MetricStat(
        metric["Namespace"],
        metric["MetricName"],
        dimensions_of(metric.get("Dimensions", ())),
        checked_period(item["Period"], f"{path}.Period"),
        checked_stat(item["Stat"], f"{path}.Stat"),
        checked_unit(item.get("Unit"), f"{path}.Unit"),
    )


def _in_order(queries: Sequence[Query], path: str) -> tuple[Query, ...]:
    by_id = {each.id: each for each in queries}
    references = {each.id: ids_in(each.expression) if each.expression else () for each in queries}
    lost = [id_ for id_, others in references.items() if not by_id.keys() >= set(others)]
    try:
        order = [] if lost else list(TopologicalSorter(references).static_order())
    except CycleError as error:
        lost = error.args[1]
    if lost:
        raise QueryFault(
            VALIDATION,
            f"The expressions {', '.join(lost[:10])} of {path} refer to each other, or to unknown ids.",
        )
    return tuple(by_id[id_] for id_ in order)


def computed_values(queries: Sequence[Query], points: int) -> int:
    """How many values the expressions have and pass on the way, if each operand has so many."""
    return points * sum(weight_of(each.expression) for each in queries if each.expression is not None)


def combined(queries: Sequence[Query], measured: Mapping[str, Series]) -> dict[str, Series]:
    """The values of every query, from those of the metrics; queries come after those they refer to."""
    found: dict[str, Series] = {}
    for query in queries:
        is_stat = query.expression is None
        found[query.id] = measured[query.id] if is_stat else evaluate(query.expression, found)  # type: ignore[arg-type]
    return found
