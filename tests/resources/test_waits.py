"""What all types have in common that wait for something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stackd.resources
from stackd.errors import ResourceFailure
from stackd.resources.base import ResourceType
from stackd.resources.registry import load_registry

WAITS = ("ctx.poll", "ctx.until", "ctx.signalled")
HOME = Path(stackd.resources.__file__).parent
KINDS: list[ResourceType[Any]] = [
    kind for _, kind in sorted(load_registry().types.items()) if kind.takes_time
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_name)
def test_unknown_status_ends_a_wait(kind: ResourceType[Any]) -> None:
    try:
        is_over = kind.ready({kind.status_field: "NEVER_HEARD_OF"})
    except ResourceFailure:
        is_over = True
    assert is_over


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_name)
def test_what_a_new_object_is_waited_for_is_said(kind: ResourceType[Any]) -> None:
    assert kind.awaited != "it can be used"


def waits() -> Iterator[tuple[str, ast.Call]]:
    """All calls in resource types that wait, with their places."""
    for path in sorted(HOME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in WAITS:
                yield f"{path.relative_to(HOME)}:{node.lineno}", node


def test_every_wait_says_what_it_waits_for() -> None:
    found = list(waits())
    assert len(found) > 10
    needed = {"ctx.signalled": 1}
    silent = [place for place, call in found if len(call.args) < needed.get(ast.unparse(call.func), 2)]
    assert silent == []
