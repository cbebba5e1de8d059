"""Recorded properties against what objects show."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.planning.drift import DELETED, IN_SYNC, MODIFIED, compared, gone
from stackd.template.shown_values import MASK


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("a", "a"),
        (1, "1"),
        (True, "True"),
        (["b", "a"], ["a", "b"]),
        ({"k": "v"}, {"k": "v", "added by the service": "x"}),
        ([{"start": "1", "end": "2"}], [{"end": "2", "start": "1"}]),
        ("ssh-rsa AAA\n", "ssh-rsa AAA"),
    ],
)
def test_what_the_service_writes_another_way_is_no_drift(expected: Any, actual: Any) -> None:
    assert compared({"p": (expected, actual)}, frozenset()).status == IN_SYNC


@pytest.mark.parametrize(
    ("expected", "actual", "path", "kind"),
    [
        ("a", "b", "/p", "NOT_EQUAL"),
        ("a", None, "/p", "REMOVE"),
        (False, True, "/p", "NOT_EQUAL"),
        (["a", "a"], ["a", "b"], "/p", "NOT_EQUAL"),
        (["a"], ["a", "b"], "/p", "NOT_EQUAL"),
        ({"k": "v"}, {"k": "w"}, "/p/k", "NOT_EQUAL"),
        ({"a/b": "v"}, {}, "/p/a~1b", "REMOVE"),
        ({"k": {"l": 1}}, {"k": {"l": 2}}, "/p/k/l", "NOT_EQUAL"),
    ],
)
def test_difference_is_named_by_its_place(expected: Any, actual: Any, path: str, kind: str) -> None:
    found = compared({"p": (expected, actual), "same": (1, 1)}, frozenset())
    assert found.status == MODIFIED
    assert [(each["path"], each["kind"]) for each in found.differences] == [(path, kind)]


def test_secrets_are_masked_wherever_they_stand() -> None:
    found = compared(
        {"password": ("one", "two"), "text": ("has hunter2 in it", "x"), "map": ({"token": "a"}, {})},
        frozenset({"hunter2"}),
    )
    assert not {"one", "two", "hunter2"} & set(str(found.content()).replace("'", " ").split())
    assert found.expected["password"] == MASK
    lost = gone({"admin_pass": "hunter2"}, frozenset({"hunter2"}))
    assert (lost.status, lost.expected) == (DELETED, {"admin_pass": MASK})
