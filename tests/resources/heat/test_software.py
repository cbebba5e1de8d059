"""Software configurations as data: inputs that call for another deployment, and what signals come to."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.resources.heat.software import changed_decisively, decisive_inputs, outcome

CONTENT: dict[str, Any] = {
    "inputs": [
        {"name": "role", "default": "web", "replace_on_change": True},
        {"name": "size", "replace_on_change": True},
        {"name": "who"},
    ]
}


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ({}, {}, None),
        ({}, {"role": "web"}, None),
        ({}, {"role": "db"}, "role"),
        ({"role": "db"}, {}, "role"),
        ({"role": "db"}, {"role": "db", "who": "x"}, None),
        ({"size": 1}, {"size": 2}, "size"),
        ({"size": 1}, {}, "size"),
    ],
)
def test_only_another_value_of_a_decisive_input_counts(before: Any, after: Any, name: str | None) -> None:
    assert changed_decisively(decisive_inputs(CONTENT, before), after) == name


OUTPUTS: list[dict[str, Any]] = [{"name": "result"}, {"name": "trouble", "error_output": True}]


@pytest.mark.parametrize(
    ("details", "status", "reason"),
    [
        ({}, "COMPLETE", "Outputs received"),
        ({"deploy_status_code": "0", "trouble": ""}, "COMPLETE", "Outputs received"),
        (
            {"deploy_status_code": 3},
            "FAILED",
            "deploy_status_code : Deployment exited with non-zero status code: 3",
        ),
        ({"trouble": "no disk", "deploy_status_code": 0}, "FAILED", "trouble : no disk"),
    ],
)
def test_failure_is_a_status_code_or_an_output_that_says_so(details: Any, status: str, reason: str) -> None:
    assert outcome(OUTPUTS, details)[:2] == (status, reason)


def test_outputs_that_nobody_declared_are_left_out() -> None:
    _, _, values = outcome(OUTPUTS, {"result": 1, "other": 2, "deploy_stdout": "x"})
    assert values == {"result": 1, "deploy_stdout": "x"}
