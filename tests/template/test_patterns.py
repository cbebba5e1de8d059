"""Patterns of callers cost the event loop nothing that counts."""

from __future__ import annotations

import weakref

import pytest

from stackd.offload import Exhausted, budgeted, trial_budget
from stackd.template.patterns import _compiled, matches_whole, pattern_problem


def test_a_long_pattern_is_compiled_in_a_thread_and_is_remembered() -> None:
    pattern = "long" * 1_000
    with budgeted(trial_budget()), pytest.raises(Exhausted):
        pattern_problem(pattern)
    assert pattern_problem(pattern) == ""
    with budgeted(trial_budget()):
        assert pattern_problem(pattern) == ""


def test_many_patterns_are_compiled_in_a_thread() -> None:
    patterns = [f"[a-z]{{{number}}}[0-9]" for number in range(100)]
    with budgeted(trial_budget()), pytest.raises(Exhausted):
        _ = [pattern_problem(each) for each in patterns]


def test_an_estimate_for_a_long_pattern_is_made_in_a_thread_too() -> None:
    pattern = "(estimated|a)" * 100
    assert pattern_problem(pattern) == ""
    with budgeted(trial_budget()), pytest.raises(Exhausted):
        matches_whole(pattern, "a")
    assert matches_whole("(estimated|a)" * 3, "aaa")


def test_short_patterns_are_compiled_at_once() -> None:
    with budgeted(trial_budget()):
        assert pattern_problem("[a-z]+") == ""
        assert matches_whole("[a-z]+", "abc")
        assert not matches_whole("[a-z]+", "ab1")


def test_patterns_are_not_remembered_for_long() -> None:
    first = weakref.ref(_compiled("forgotten(one)"))
    assert first() is not None
    for number in range(100):
        assert pattern_problem(f"another{number}") == ""
    assert first() is None
