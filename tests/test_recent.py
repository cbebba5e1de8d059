"""What was used last is kept, as far as there is room."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.recent import Recent, exact, remembered
from stackd.template.unknown import Unknown


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    kept: Recent[str, int] = Recent(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_weights_of_all_are_bounded_together() -> None:
    kept: Recent[str, str] = Recent(10)
    for name in "abc":
        kept.put(name, name, weight=4)
    assert [kept.get(name) for name in "abc"] == [None, "b", "c"]
    kept.put("b", "smaller", weight=1)
    kept.put("d", "d", weight=5)
    assert [kept.get(name) for name in "bcd"] == ["smaller", "c", "d"]


def test_value_that_is_too_heavy_is_not_kept() -> None:
    kept: Recent[str, int] = Recent(10)
    assert kept.put("a", 1, weight=11) == 1
    assert len(kept) == 0


def test_what_is_forgotten_makes_room() -> None:
    kept: Recent[str, int] = Recent(2)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.forget("a")
    kept.forget("unknown")
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (None, 2, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": "1"}, {"a": 1}),
        ({"1": 1}, {1: 1}),
        ({"a": float("nan")}, {"a": None}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (["x"], ("x",)),
    ],
)
def test_data_that_differs_in_any_way_has_other_bytes(one: Any, other: Any) -> None:
    assert exact(one) != exact(other)


def test_equal_data_has_the_same_bytes_however_it_is_shared() -> None:
    text = "".join(["sha", "red"])
    assert exact({"a": [text, text]}) == exact({"a": ["shared", "".join(["sha", "red"])]})


def test_what_is_no_plain_data_has_none() -> None:
    assert exact({"a": Unknown("r")}) is None


def test_results_for_short_texts_are_remembered_and_those_for_long_ones_are_not() -> None:
    asked: list[str] = []

    @remembered(2, longest=3)
    def length(text: str) -> int:
        """How long a text is."""
        asked.append(text)
        return len(text)

    assert [length(text) for text in ("abc", "abc", "abcd", "abcd")] == [3, 3, 4, 4]
    assert asked == ["abc", "abcd", "abcd"]
    assert [length(text) for text in ("b", "c", "abc")] == [1, 1, 3]
    assert asked[3:] == ["b", "c", "abc"]
    assert length.__doc__ == "How long a text is."
