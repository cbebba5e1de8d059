"""Queries: their order, and what they cost."""

from __future__ import annotations

import pytest

from stackd.engine.services.alarms.queries import combined, computed_values, queries_of
from stackd.errors import QueryFault
from tests.support.counting import counted

MOST = 500
SUM = " + ".join(["x"] * 50)


def chain(operand: str) -> list[dict[str, object]]:
    """Queries of which each refers to the next one, and the last to nothing."""
    links = [
        {"Id": f"q{at}", "Expression": SUM.replace("x", f"q{at + 1}"), "ReturnData": True}
        for at in range(MOST - 1)
    ]
    return [*links, {"Id": f"q{MOST - 1}", "Expression": operand}]


def test_those_come_first_to_which_others_refer() -> None:
    ids = [each.id for each in queries_of(chain("1"), "Queries")]
    assert ids == [f"q{at}" for at in reversed(range(MOST))]


def test_time_to_order_queries_is_in_proportion_to_their_number() -> None:
    with counted() as steps:
        queries_of(chain("1"), "Queries")
    assert steps.count < 10_000 * MOST


@pytest.mark.parametrize("operand", ["q0", "q3", "unknown"])
def test_references_that_lead_nowhere_are_refused(operand: str) -> None:
    with pytest.raises(QueryFault, match="refer to each other, or to unknown ids"):
        queries_of(chain(operand), "Queries")


def test_values_that_are_computed_are_counted_before_they_are() -> None:
    one = {"Id": "a", "Expression": "b * 2 + b"}
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    queries = queries_of([one, {"Id": "b", "MetricStat": stat}], "Queries")
    assert computed_values(queries, 10) == 50  # three operands and two operators for each point
    assert combined(queries, {"b": {0: 2.0}})["a"] == {0: 6.0}
