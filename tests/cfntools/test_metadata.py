"""Metadata on the machine: where it is looked for, what is kept, and paths in it."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd_cfntools.errors import ToolError
from stackd_cfntools.metadata import at, candidates, keep, parts_of, stored
from tests.cfntools.machine import Machine

CACHE = "/var/cache/heat-cfntools/last_metadata"


def test_copies_are_asked_in_their_order(machine: Machine) -> None:
    places = candidates("web")
    assert places[:3] == [CACHE + "_web", CACHE, "/var/lib/heat-cfntools/cfn-init-data"]
    for place in reversed(places):
        machine.put(place, json.dumps({"from": place}))
        assert stored(machine, "web") == {"from": place}
    assert stored(machine, None) == {"from": CACHE}


def test_copy_that_cannot_be_read_is_passed_over(machine: Machine) -> None:
    machine.put(CACHE, "{half")
    machine.put("/var/lib/heat-cfntools/cfn-init-data", '{"a": 1}')
    assert stored(machine, None) == {"a": 1}


def test_nothing_at_all_is_an_error_that_names_the_places(machine: Machine) -> None:
    with pytest.raises(ToolError, match="cfn-init-data"):
        stored(machine, "web")


def test_copies_are_for_their_owner_only(machine: Machine) -> None:
    keep(machine, "web", {"a": 1})
    for path in (CACHE, CACHE + "_web"):
        assert json.loads(machine.real(path).read_text()) == {"a": 1}
        assert stat.S_IMODE(machine.real(path).stat().st_mode) == 0o600


TREE: dict[str, Any] = {"a": {"b": {"c.d": 1, "e": [10, {"f": 2}]}, "none": None, "zero": 0}}


@pytest.mark.parametrize(
    ("key", "value"),
    [("a.b.'c.d'", 1), ("a.b.e.1.f", 2), ("a.b.e.0", 10), ("a.none", None), ("a.zero", 0)],
)
def test_path_leads_to_its_value(key: str, value: Any) -> None:
    assert at(TREE, key) == (True, value)


@pytest.mark.parametrize("key", ["x", "a.b.c.d", "a.b.e.2", "a.b.e.x", "a.none.x", "a.zero.x"])
def test_path_that_leads_nowhere_finds_nothing(key: str) -> None:
    assert at(TREE, key) == (False, None)


NAMES = st.text(st.characters(exclude_characters="'\r\n\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_quoted_names_are_whole(names: list[str]) -> None:
    assert parts_of(".".join(f"'{name}'" for name in names)) == names
