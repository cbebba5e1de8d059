"""No test waits in real time or measures it: a loaded machine fails nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
REAL = ("aws/", "cfntools/guests/", "chaos/", "cloud/", "deployment/", "hostile/")
"""Directories whose tests look at real processes from outside."""

CLOCKS = frozenset({"sleep", "monotonic", "perf_counter", "process_time", "thread_time"})
"""What of the module ``time`` has no place in the other ones."""


def real_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Uses of a real clock, and limits of Hypothesis by it."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=attr) if attr.removesuffix("_ns") in CLOCKS:
                yield node
            case ast.ImportFrom(module="time", names=names) if CLOCKS & {each.name for each in names}:
                yield node
            case ast.Call(func=ast.Name(id="settings"), keywords=given) if "deadline" in {
                each.arg for each in given
            }:
                yield node


def test_tests_use_no_real_clock() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{getattr(node, 'lineno', 0)}"
        for path in sorted(TESTS.rglob("*.py"))
        if not path.relative_to(TESTS).as_posix().startswith(REAL)
        and path.name not in ("virtual_time.py", "conftest.py")
        for node in real_time(ast.parse(path.read_text()))
    ]
    assert found == [], "use the loop's time, count steps (tests/support/counting.py), or await an event"


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(1)",
        "from time import perf_counter_ns, monotonic",
        "time.process_time_ns()",
        "@settings(max_examples=3, deadline=None)\ndef test(): ...",
    ],
)
def test_real_clock_is_recognised(text: str) -> None:
    assert len(list(real_time(ast.parse(text)))) == 1
