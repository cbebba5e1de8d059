"""What an alarm may be asked to be; the member that is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.services.alarms.configuration import checked_configuration, interval_of, period_of
from stackd.errors import QueryFault

GOOD: dict[str, Any] = {
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 1.0,
    "ComparisonOperator": "LessThanThreshold",
}
METRIC = {"Namespace": "n", "MetricName": "m", "Dimensions": []}


def query(id_: str, **values: Any) -> dict[str, Any]:
    return {"Id": id_, **values}


def stat(id_: str, period: int = 60, **values: Any) -> dict[str, Any]:
    return query(id_, MetricStat={"Metric": METRIC, "Period": period, "Stat": "Sum"}, **values)


def of_queries(*queries: dict[str, Any]) -> dict[str, Any]:
    one_metric = ("Namespace", "MetricName", "Statistic", "Period")
    return {name: value for name, value in GOOD.items() if name not in one_metric} | {
        "Metrics": list(queries)
    }


@pytest.mark.parametrize(
    ("changes", "fault", "words"),
    [
        ({"Threshold": None}, "MissingParameter", "Threshold"),
        ({"ComparisonOperator": None}, "MissingParameter", "ComparisonOperator"),
        ({"EvaluationPeriods": None}, "MissingParameter", "EvaluationPeriods"),
        ({"MetricName": None}, "MissingParameter", "MetricName"),
        ({"Statistic": None}, "MissingParameter", "ExtendedStatistic"),
        ({"ExtendedStatistic": "p99"}, "InvalidParameterCombination", "ExtendedStatistic"),
        ({"Statistic": "Median"}, "InvalidParameterValue", "Statistic"),
        ({"Statistic": None, "ExtendedStatistic": "p200"}, "InvalidParameterValue", "ExtendedStatistic"),
        ({"Period": 45}, "InvalidParameterValue", "Period"),
        ({"Unit": "Furlongs"}, "InvalidParameterValue", "Unit"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "InvalidParameterValue", "ComparisonOperator"),
        ({"DatapointsToAlarm": 4}, "InvalidParameterValue", "DatapointsToAlarm"),
        ({"EvaluationPeriods": 0}, "InvalidParameterValue", "EvaluationPeriods"),
        ({"EvaluationPeriods": 1441}, "InvalidParameterValue", "86460 seconds"),
        ({"TreatMissingData": "maybe"}, "InvalidParameterValue", "TreatMissingData"),
        ({"EvaluateLowSampleCountPercentile": "x"}, "InvalidParameterValue", "EvaluateLow"),
        ({"ThresholdMetricId": "m1"}, "InvalidParameterValue", "ThresholdMetricId"),
        ({"AlarmActions": ["policy"]}, "InvalidParameterValue", "AlarmActions.member.1"),
        ({"OKActions": ["arn:x"] * 6}, "InvalidParameterValue", "OKActions"),
        ({"Metrics": [stat("a")]}, "InvalidParameterCombination", "Metrics"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], fault: str, words: str) -> None:
    with pytest.raises(QueryFault, match=words) as refused:
        checked_configuration(GOOD | changes)
    assert refused.value.fault == fault


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ([stat("a"), stat("b")], "Exactly one"),
        ([stat("a"), stat("b", 120, ReturnData=False)], "same Period"),
        ([stat("a"), stat("a", ReturnData=False)], "same Id"),
        ([stat("A")], "lower-case"),
        ([query("a", Expression="b")], "unknown ids"),
        ([query("a", Expression="b"), query("b", Expression="a", ReturnData=False)], "refer to each other"),
        ([query("a")], "either MetricStat or Expression"),
        ([query("a", Expression="SUM(b)"), stat("b", ReturnData=False)], "not supported"),
    ],
)
def test_queries_that_make_no_sense_are_refused(queries: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(QueryFault, match=words):
        checked_configuration(of_queries(*queries))


def test_expressions_may_cost_so_much() -> None:
    long = {"EvaluationPeriods": 1440, "DatapointsToAlarm": 1}
    queries = of_queries(query("a", Expression=" + ".join(["b"] * 10)), stat("b", ReturnData=False))
    checked_configuration(queries)
    with pytest.raises(QueryFault, match="make 27360 values"):
        checked_configuration(queries | long)


def test_what_is_good_is_kept_without_what_is_not_given() -> None:
    assert checked_configuration(GOOD | {"Unit": "percent", "AlarmDescription": None}) == {
        **GOOD,
        "Unit": "Percent",
    }
    of_two = of_queries(
        query("share", Expression="a / b"), stat("a", ReturnData=False), stat("b", ReturnData=False)
    )
    assert checked_configuration(of_two) == of_two
    assert (period_of(of_two), interval_of(of_two)) == (60, 60)
    assert interval_of(GOOD | {"Period": 20}) == 10


def test_a_day_of_minutes_and_a_week_of_hours_may_be_looked_at() -> None:
    checked_configuration(GOOD | {"EvaluationPeriods": 1440})
    checked_configuration(GOOD | {"EvaluationPeriods": 168, "Period": 3600})


def test_actions_in_a_stack_may_be_references() -> None:
    assert checked_configuration(GOOD | {"AlarmActions": ["policy"]}, in_stack=True)["AlarmActions"] == [
        "policy"
    ]
