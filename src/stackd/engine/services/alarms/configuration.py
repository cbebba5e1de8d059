"""What an alarm is asked to be: the members of PutMetricAlarm, checked together. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from stackd.engine.services.alarms.evaluation import ALARM, INSUFFICIENT, OK, OPERATORS, Gaps
from stackd.engine.services.alarms.queries import (
    COMBINATION,
    MISSING,
    VALIDATION,
    VALUE,
    checked_extended,
    checked_period,
    checked_simple,
    checked_unit,
    computed_values,
    queries_of,
)
from stackd.errors import QueryFault

ACTION_LISTS: Final = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT: "InsufficientDataActions"}
"""State → member with the actions for it."""

_OF_ONE_METRIC: Final = (
    *("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit"),
)
_STORED: Final = (
    *_OF_ONE_METRIC,
    *("AlarmDescription", "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator"),
    *("TreatMissingData", "EvaluateLowSampleCountPercentile", "Metrics", *ACTION_LISTS.values()),
)
_REFUSED: Final = ("ThresholdMetricId", "EvaluationCriteria", "EvaluationInterval")
_MOST_ACTIONS: Final = 5
_MOST_COMPUTED: Final = 20_000
"""Values that the expressions of an alarm have and pass on the way."""
_PERIODS: Final = (10, 20, 30)
_DAY: Final = 86_400
_ACTION = re.compile(r"(?:arn:|https?://)\S+")
_REFERENCE = re.compile(r"\S.*")
_LONGEST_ACTION: Final = 1024


def checked_configuration(given: Mapping[str, Any], *, in_stack: bool = False) -> dict[str, Any]:
    """What is stored of a request for an alarm; ``QueryFault`` naming the member that is wrong.

    The actions of an alarm that is ``in_stack`` may be references of other resources.
    """
    kept = {name: given[name] for name in _STORED if given.get(name) is not None}
    for name in _REFUSED:
        if given.get(name) is not None:
            raise QueryFault(VALUE, f"The parameter {name} is not supported: use a metric and a Threshold.")
    for check in _CHECKS:
        check(kept)
    _check_actions(kept, _REFERENCE if in_stack else _ACTION)
    return kept


def _require(kept: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if kept.get(name) in (None, ""):
            raise QueryFault(MISSING, f"The parameter {name} is required.")


def _check_what_is_measured(kept: dict[str, Any]) -> None:
    if kept.get("Metrics"):
        _check_metrics(kept)
        return
    kept.pop("Metrics", None)
    _require(kept, "MetricName", "Namespace", "Period")
    if ("Statistic" in kept) == ("ExtendedStatistic" in kept):
        fault = COMBINATION if "Statistic" in kept else MISSING
        raise QueryFault(fault, "Give either the parameter Statistic or the parameter ExtendedStatistic.")
    _check_statistic(kept)
    checked_period(kept["Period"], "Period", _PERIODS)
    kept["Unit"] = checked_unit(kept.get("Unit"), "Unit")
    if kept["Unit"] is None:
        del kept["Unit"]


def _check_statistic(kept: Mapping[str, Any]) -> None:
    if "Statistic" in kept:
        checked_simple(kept["Statistic"], "Statistic")
    if "ExtendedStatistic" in kept:
        checked_extended(kept["ExtendedStatistic"], "ExtendedStatistic")


def _check_metrics(kept: dict[str, Any]) -> None:
    if given := [name for name in _OF_ONE_METRIC if kept.get(name) not in (None, [], "")]:
        raise QueryFault(COMBINATION, f"The parameter {given[0]} cannot be combined with Metrics.")
    for name in _OF_ONE_METRIC:
        kept.pop(name, None)
    queries = queries_of(kept["Metrics"], "Metrics")
    if sum(each.is_returned for each in queries) != 1:
        raise QueryFault(VALIDATION, "Exactly one query of the parameter Metrics must have ReturnData true.")
    periods = {each.stat.period for each in queries if each.stat is not None}
    if len(periods) != 1:
        raise QueryFault(VALIDATION, "The metrics of the parameter Metrics must have the same Period.")
    checked_period(periods.pop(), "Metrics.member.1.MetricStat.Period", _PERIODS)


def _check_comparison(kept: dict[str, Any]) -> None:
    _require(kept, "ComparisonOperator", "Threshold")
    if kept["ComparisonOperator"] not in OPERATORS:
        names = ", ".join(OPERATORS)
        raise QueryFault(VALUE, f"The parameter ComparisonOperator must be one of {names}.")


def _check_periods(kept: dict[str, Any]) -> None:
    _require(kept, "EvaluationPeriods")
    periods, needed = kept["EvaluationPeriods"], kept.get("DatapointsToAlarm")
    if periods < 1:
        raise QueryFault(VALUE, f"The parameter EvaluationPeriods must be 1 or more; {periods} is not.")
    if needed is not None and not 1 <= needed <= periods:
        raise QueryFault(
            VALUE,
            f"The parameter DatapointsToAlarm must be between 1 and EvaluationPeriods; {needed} is not.",
        )
    period = period_of(kept)
    most = _DAY if period < 3600 else 7 * _DAY
    if periods * period > most:
        raise QueryFault(
            VALUE,
            f"The parameters EvaluationPeriods and Period make {periods * period} seconds together; the most "
            f"are {most}.",
        )


def _check_expressions(kept: dict[str, Any]) -> None:
    """They are computed at each evaluation."""
    queries = queries_of(kept.get("Metrics", ()), "Metrics")
    if (cost := computed_values(queries, kept["EvaluationPeriods"])) > _MOST_COMPUTED:
        raise QueryFault(
            VALIDATION,
            f"The operands and operators of the parameter Metrics make {cost} values with the parameter "
            f"EvaluationPeriods; the most are {_MOST_COMPUTED}.",
        )


def _check_gaps(kept: dict[str, Any]) -> None:
    gaps = kept.get("TreatMissingData")
    if gaps is not None and gaps not in set(Gaps):
        raise QueryFault(VALUE, f"The parameter TreatMissingData must be one of {', '.join(Gaps)}.")
    few = kept.get("EvaluateLowSampleCountPercentile")
    if few is not None and few not in ("evaluate", "ignore"):
        raise QueryFault(VALUE, "The parameter EvaluateLowSampleCountPercentile must be evaluate or ignore.")


def _check_actions(kept: Mapping[str, Any], pattern: re.Pattern[str]) -> None:
    for name in ACTION_LISTS.values():
        actions = kept.get(name, [])
        if len(actions) > _MOST_ACTIONS:
            raise QueryFault(VALUE, f"The parameter {name} has {len(actions)} actions; the most are 5.")
        for number, action in enumerate(actions, 1):
            if len(action) > _LONGEST_ACTION or not pattern.fullmatch(action):
                raise QueryFault(
                    VALUE,
                    f"The parameter {name}.member.{number} must be the ARN of a resource, or a URL with http "
                    f"or https, of at most {_LONGEST_ACTION} characters.",
                )


_CHECKS: Final[tuple[Callable[[dict[str, Any]], None], ...]] = (
    _check_what_is_measured,
    _check_comparison,
    _check_periods,
    _check_expressions,
    _check_gaps,
)


def period_of(configuration: Mapping[str, Any]) -> int:
    """The period of the metrics of an alarm, in seconds."""
    if "Metrics" not in configuration:
        return int(configuration["Period"])
    stats = (each["MetricStat"] for each in configuration["Metrics"] if each.get("MetricStat"))
    return int(next(stats)["Period"])


def interval_of(configuration: Mapping[str, Any]) -> int:
    """The seconds between two evaluations."""
    return 10 if period_of(configuration) < 60 else 60
