"""Values are weighed in a bounded time."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db.weights import outweigh


@pytest.mark.parametrize(
    "value",
    ["x" * 101, {"a": "x" * 101}, [["x" * 60], ["x" * 60]], list(range(7)), {str(n): n for n in range(7)}],
)
def test_much_text_and_many_entries_outweigh(value: object) -> None:
    assert outweigh([value], 100)


@pytest.mark.parametrize("value", [None, 5, True, "x" * 100, [], {"a": ["b"]}])
def test_small_values_do_not(value: object) -> None:
    assert not outweigh([value, 1], 100)


def test_values_weigh_together() -> None:
    assert outweigh(["x" * 60, "x" * 60], 100)
    assert not outweigh([], 0)


def test_what_is_in_a_long_list_is_not_looked_at() -> None:
    class Untouched(dict[str, str]):
        def values(self) -> Any:
            raise AssertionError

    assert outweigh([Untouched({str(number): "" for number in range(1000)})], 100)
