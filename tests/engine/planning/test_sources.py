"""What expressions refer to, as change sets show it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from stackd.engine.planning.sources import Use, uses_in

PARAMETERS = {"P": None}
P = Use("P", of_parameter=True)


@pytest.mark.parametrize(
    ("expression", "uses"),
    [
        ({"Fn::Sub": "a ${P} ${ R } ${R.Id} ${!P}"}, [P, Use("R"), Use("R", "Id")]),
        ({"Fn::Sub": ["${own} ${P}", {"own": {"Ref": "R"}}]}, [P, Use("R")]),
        ({"Fn::Sub": "${P} ${} ${R}"}, [P]),
        ({"Fn::Sub": "${P"}, []),
        ({"Fn::GetAtt": ["R", "Id"]}, [Use("R", "Id")]),
        ([{"get_param": "P"}, {"get_resource": "R"}], [P, Use("R")]),
    ],
)
def test_uses(expression: Any, uses: list[Use]) -> None:
    assert list(uses_in(expression, PARAMETERS)) == uses


def test_placeholders_that_are_not_closed_are_passed_over_in_no_time() -> None:
    started = time.process_time()
    assert list(uses_in({"Fn::Sub": "${a" * 100_000}, PARAMETERS)) == []
    assert time.process_time() - started < 0.5
