"""What expressions of templates refer to, as change sets name the causes of changes."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.planning.sources import Use, uses_in

SIZE = Use("Size", of_parameter=True)
PARAMETERS = {"Size": None, "AWS::Region": None}


@pytest.mark.parametrize(
    ("expression", "uses"),
    [
        ("plain", []),
        ({"Ref": "Size"}, [SIZE]),
        ({"Ref": "Net"}, [Use("Net")]),
        ({"get_param": ["Size", "deep"]}, [SIZE]),
        ({"get_resource": "Net"}, [Use("Net")]),
        ({"get_attr": ["Net", "name", 0]}, [Use("Net", "name")]),
        ({"Fn::GetAtt": "Stack.Outputs.Id"}, [Use("Stack", "Outputs.Id")]),
        (
            {"Fn::Sub": "${Size}-${Net}-${Net.name}-${!literal}"},
            [SIZE, Use("Net"), Use("Net", "name")],
        ),
        ({"Fn::Sub": ["${own}-${Size}", {"own": {"Ref": "Net"}}]}, [SIZE, Use("Net")]),
        ({"Fn::Join": ["", [{"Ref": "Size"}, {"a": {"b": {"Ref": "Net"}}}]]}, [SIZE, Use("Net")]),
        ({"Ref": ["no", "name"]}, []),
        ({"get_attr": []}, []),
        ({"Ref": "Net", "other": 1}, []),
    ],
)  # fmt: skip
def test_expression_refers_to_what_its_functions_name(expression: Any, uses: list[Use]) -> None:
    assert list(uses_in(expression, PARAMETERS)) == uses


def test_expression_of_any_depth_is_looked_at_in_bounds() -> None:
    deep: Any = {"Ref": "Size"}
    for _ in range(5_000):
        deep = [deep]
    assert list(uses_in(deep, PARAMETERS)) == []


def test_placeholders_that_are_not_closed_are_passed_over() -> None:
    assert list(uses_in({"Fn::Sub": "${a" * 10_000}, PARAMETERS)) == []
