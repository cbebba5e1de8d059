from typing import Any

import pytest

from stackd.resources.constraints import between, custom, length, matches, one_of
from stackd.template.constraints import Modulo


@pytest.mark.parametrize(
    ("constraint", "good", "bad", "complaint"),
    [
        (between(1, 3), 3, 4, r"4 is out of range \(min: 1, max: 3\)"),
        (between(1), 99, 0, r"0 is out of range \(min: 1, max: None\)"),
        (length(1, 2), "ab", "", r"length \(0\) is out of range"),
        (length(None, 1), [1], [1, 2], r"length \(2\) is out of range \(min: None, max: 1\)"),
        (Modulo(3, 1), 4, 5, "5 is not a multiple of 3 with an offset of 1"),
        (one_of("a", "b"), "a", "c", r'"c" is not an allowed value \["a", "b"\]'),
        (one_of("a", "b"), ["a", "b"], ["a", "x"], r'\["a", "x"\] is not an allowed value'),
        (matches("[a-z]+"), "abc", "abc1", "does not match pattern"),
        (matches("[a-z]+"), "abc", "1abc", "does not match pattern"),
    ],
)
def test_a_constraint_names_the_value_that_it_refuses(
    constraint: Any, good: Any, bad: Any, complaint: Any
) -> None:
    import re

    assert not constraint.problem(good)
    assert re.search(complaint, str(constraint.problem(bad)))


@pytest.mark.parametrize(
    ("constraint", "shown"),
    [
        (between(1), {"range": {"min": 1}}),
        (length(1, 2), {"length": {"min": 1, "max": 2}}),
        (Modulo(3, 1), {"modulo": {"step": 3, "offset": 1}}),
        (one_of("a"), {"allowed_values": ["a"]}),
        (matches("a"), {"allowed_pattern": "a"}),
        (custom("nova.flavor"), {"custom_constraint": "nova.flavor"}),
    ],
)
def test_the_api_shows_constraints(constraint: Any, shown: Any) -> None:
    assert constraint.shown() == shown


def test_custom_constraints_are_left_to_the_engine() -> None:
    assert not custom("nova.flavor").problem("anything")
