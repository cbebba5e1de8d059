"""An alarm's configuration as what is evaluated, and what comes of that. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from stackd.engine.services.alarms.configuration import period_of
from stackd.engine.services.alarms.evaluation import (
    ALARM,
    INSUFFICIENT,
    OK,
    OPERATORS,
    SPARE,
    Criteria,
    Gaps,
    Point,
    state_of,
)
from stackd.engine.services.alarms.queries import MetricStat, Query, dimensions_of, queries_of
from stackd.engine.services.alarms.statistics import Series, is_extended, rank_of
from stackd.records import Alarm

API: Final = "api"
TEMPLATE: Final = "template"
"""Origins of alarms."""

_COUNTED: Final = ("Sum", "SampleCount")
_ONLY: Final = "m1"


@dataclass(frozen=True, slots=True)
class Rule:
    """What of which metrics is compared with what.

    ``zero_gaps`` says that nothing measured is zero, ``least`` how many samples a point needs to count.
    """

    queries: tuple[Query, ...]
    shown: str
    period: int
    criteria: Criteria
    operator: str
    threshold: float
    among_others: bool = False
    zero_gaps: bool = False
    least: float = 0.0

    def window(self, moment: datetime, lateness: float) -> tuple[int, int]:
        """The seconds between which points count at a moment: whole periods that are over.

        Samples may come late by ``lateness`` seconds, but no later than by a period.
        """
        last = int(moment.timestamp() - min(lateness, self.period))
        end = last - last % self.period
        return end - (self.criteria.periods + SPARE) * self.period, end


def rule_of(alarm: Alarm) -> Rule:
    """What is evaluated of an alarm, whose configuration has been checked."""
    given = alarm.configuration
    period, periods = period_of(given), given["EvaluationPeriods"]
    gaps = given.get("TreatMissingData")
    among_others = alarm.origin == TEMPLATE
    queries = queries_of(given["Metrics"], "Metrics") if "Metrics" in given else (_only_query(given),)
    stat = given.get("Statistic") or given.get("ExtendedStatistic", "")
    return Rule(
        queries=queries,
        shown=next(each.id for each in queries if each.is_returned),
        period=period,
        criteria=Criteria(periods, given.get("DatapointsToAlarm") or periods, Gaps(gaps or Gaps.MISSING)),
        operator=given["ComparisonOperator"],
        threshold=given["Threshold"],
        among_others=among_others,
        zero_gaps=among_others and gaps is None and stat in _COUNTED,
        least=_least(stat) if given.get("EvaluateLowSampleCountPercentile") == "ignore" else 0.0,
    )


def _only_query(given: Mapping[str, Any]) -> Query:
    stat = MetricStat(
        given["Namespace"],
        given["MetricName"],
        dimensions_of(given.get("Dimensions", ())),
        given["Period"],
        given.get("Statistic") or given["ExtendedStatistic"],
        given.get("Unit"),
    )
    return Query(_ONLY, given["MetricName"], True, stat)


def _least(stat: str) -> float:
    """How many samples a percentile needs to mean something: ten beyond it."""
    if not is_extended(stat):
        return 0.0
    share = rank_of(stat) / 100.0
    beyond = min(share, 1.0 - share)
    return 10.0 / beyond if beyond else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state that follows, or None to keep the present one, and the points that it follows from."""

    state: str | None
    points: tuple[Point, ...]


def verdict(rule: Rule, values: Series, counts: Series, window: tuple[int, int]) -> Verdict:
    """What the values of the periods in a window mean; ``counts`` are the numbers of their samples."""
    compare, _ = OPERATORS[rule.operator]
    times = range(window[0], window[1], rule.period)
    if rule.zero_gaps:
        values = {at: values.get(at, 0.0) for at in times}
    if rule.least and any(counts.get(at, 0.0) < rule.least for at in values):
        return Verdict(None, ())
    points = tuple(Point(at, values[at], compare(values[at], rule.threshold)) for at in times if at in values)
    breaches = {point.at: point.is_breaching for point in points}
    state = state_of([breaches.get(at) for at in times], rule.criteria)
    return Verdict(state, points[-rule.criteria.periods :])


# --- reasons --------------------------------------------------------------------------------------


def reason_of(rule: Rule, found: Verdict) -> str:
    """Why the state is what it is, for people."""
    if found.state == INSUFFICIENT or not found.points:
        return "Insufficient data: nothing was measured in the periods that count." + (
            f" Missing data count as {rule.criteria.gaps}." if found.state != INSUFFICIENT else ""
        )
    decisive = [point for point in found.points if point.is_breaching is (found.state == ALARM)]
    shown = ", ".join(f"{point.value:g} ({_clock(point.at)})" for point in (decisive or found.points)[-3:])
    count = len(decisive)
    verb = "were" if found.state == ALARM else "were not"
    _, words = OPERATORS[rule.operator]
    return (
        f"Threshold {'crossed' if found.state == ALARM else 'not crossed'}: {count} of the last "
        f"{len(found.points)} datapoints [{shown}] {verb} {words} {rule.threshold:g}; "
        f"{rule.criteria.needed} of {rule.criteria.periods} are needed for {ALARM}."
    )


def reason_data_of(rule: Rule, found: Verdict, moment: datetime) -> dict[str, Any]:
    """The same for programs."""
    stat = next((each.stat for each in rule.queries if each.id == rule.shown), None)
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": moment.isoformat(),
        "period": rule.period,
        "recentDatapoints": [point.value for point in found.points[-100:]],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": _iso(point.at), "value": point.value} for point in found.points[-20:]
        ],
    }
    if found.points:
        data["startDate"] = _iso(found.points[0].at)
    return data | ({"statistic": stat.stat} if stat is not None else {})


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d/%m/%y %H:%M:%S")


NORMAL: Final = {OK: "NORMAL", ALARM: "ALARM", INSUFFICIENT: "NODATA"}
"""State → what resources are signalled with."""

CURRENT: Final = {OK: "ok", ALARM: "alarm", INSUFFICIENT: "insufficient data"}
"""State → what the receivers of telemetry's alarms read."""
