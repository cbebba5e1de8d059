"""Which configs are run, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.config_sets import chosen

INIT: dict[str, Any] = {
    "configSets": {
        "default": ["first", {"ConfigSet": "inner"}, "last"],
        "inner": ["second", {"ConfigSet": "deepest"}],
        "deepest": "third",
        "empty": [],
        "circle": ["first", {"ConfigSet": "round"}],
        "round": [{"ConfigSet": "circle"}],
        "wrong": [{"ConfigSet": "inner", "more": 1}],
        "missing": ["nowhere"],
    },
    **{name: {"commands": {name: {}}} for name in ("first", "second", "third", "last")},
}


def names(init: dict[str, Any], *requested: str) -> list[str]:
    return [name for name, _ in chosen(init, list(requested))]


def test_sets_in_sets_are_run_where_they_stand() -> None:
    assert names(INIT, "default") == ["first", "second", "third", "last"]


def test_several_sets_are_run_in_the_requested_order() -> None:
    assert names(INIT, "deepest", "inner") == ["third", "second", "third"]


def test_config_by_itself_is_the_default_set() -> None:
    assert chosen({"config": {"files": {}}}, ["default"]) == [("config", {"files": {}})]
    assert chosen({}, ["default"]) == []


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        ("nosuch", "no config set 'nosuch', or it is empty; there are: circle, deepest, default"),
        ("empty", "no config set 'empty'"),
        ("circle", "contain each other: circle > round > circle"),
        ("wrong", "configSets.wrong: .* is neither"),
        ("missing", "'nowhere' is in a config set, but not in the metadata"),
    ],
)
def test_mistakes_in_sets_are_named(requested: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        chosen(INIT, [requested])


def test_set_is_refused_where_there_are_none() -> None:
    with pytest.raises(ToolError, match="no config set 'install': the metadata has no configSets"):
        chosen({"config": {}}, ["install"])
