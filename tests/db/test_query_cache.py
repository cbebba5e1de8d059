from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.db.query_cache import Lookup, QueryCache, Rows
from stackd.db.statements import Statement

NAMES = "abc"
QUERY = (Statement("SELECT name FROM stacks WHERE id = ?", ("id",), {}), ("a",))


class Table:
    """A table whose version grows with every write; none while ``is_locked``."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(NAMES, 0)
        self.version = 0
        self.is_locked = False

    def write(self, name: str) -> None:
        self.values[name] += 1
        self.version += 1

    def read(self, name: str) -> Rows:
        return [[(name, self.values[name])]]

    def known_version(self) -> int | None:
        return None if self.is_locked else self.version


def found(cache: QueryCache, args: tuple[Any, ...] = ("a",)) -> Lookup:
    return cache.find([(QUERY[0], args)])


def cached(rows: Rows, **options: int) -> QueryCache:
    """A cache in which the query was asked for twice."""
    cache = QueryCache(lambda: 1, **options)
    for _ in range(2):
        cache.keep(found(cache), rows)
    return cache


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "read", "end", "write", "lock"]), st.sampled_from(NAMES)), max_size=60
)


@given(STEPS)
def test_what_is_found_is_what_a_read_would_find(steps: list[tuple[str, str]]) -> None:
    table = Table()
    cache = QueryCache(table.known_version)
    begun: dict[str, Lookup] = {}
    done: dict[str, tuple[Lookup, Rows]] = {}
    for step, name in steps:
        if step == "write":
            table.write(name)
        elif step == "lock":
            table.is_locked = not table.is_locked
        elif step == "begin":
            lookup = found(cache, (name,))
            assert lookup.rows is None or lookup.rows == table.read(name)
            begun[name] = lookup
        elif step == "read" and name in begun:
            done[name] = begun.pop(name), table.read(name)
        elif step == "end" and name in done:
            cache.keep(*done.pop(name))


def test_the_second_read_is_kept() -> None:
    cache = QueryCache(lambda: 1)
    lookups = []
    for _ in range(3):
        lookups.append(found(cache))
        cache.keep(lookups[-1], [[("x",)]])
    assert [lookup.rows for lookup in lookups] == [None, None, [[("x",)]]]


def test_rows_belong_to_whoever_asks() -> None:
    rows: Rows = [[("x",)]]
    cache = cached(rows)
    rows[0].clear()
    first = found(cache).rows
    assert first is not None
    first[0].append(("y",))
    assert found(cache).rows == [[("x",)]]


def test_no_rows_are_an_answer_too() -> None:
    assert found(cached([[], []])).rows == [[], []]


def test_large_rows_are_not_kept() -> None:
    assert found(cached([[(b"x" * 99_000,)]])).rows is not None
    assert found(cached([[(b"x" * 101_000,)]])).rows is None
    assert found(cached([[(None,)] * 500])).rows is not None
    assert found(cached([[(None,)] * 1_000])).rows is None


class Watched(list[Any]):
    """Rows that count how many of them were looked at."""

    seen = 0

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():
            self.seen += 1
            yield row


def test_of_many_rows_a_part_is_looked_at() -> None:
    rows = Watched([("x" * 1_000,)] * 10_000)
    cached([rows])
    assert 0 < rows.seen < 200


@pytest.mark.parametrize("args", [("x" * 4_000,), tuple(f"name-{number}" for number in range(60))])
def test_large_arguments_are_not_kept(args: tuple[str, ...]) -> None:
    cache = QueryCache(lambda: 1)
    for _ in range(3):
        lookup = found(cache, args)
        assert lookup == Lookup()
        cache.keep(lookup, [[]])
    assert len(cache._known) == 0


def memory_of_hostile(names: int, text: int) -> int:
    """Bytes that a cache of 500 kB takes after a thousand queries, each for names of ``text`` characters.

    Only texts of queries with few names are one text in memory.
    """
    parts = ["SELECT name FROM stacks WHERE ", " OR ".join(["name = ?"] * names)]
    shared = "".join(parts)
    tracemalloc.start()
    try:
        cache = QueryCache(lambda: 1, most=500_000)
        for number in range(1_000):
            args = tuple(f"{number}-{each}-{'x' * text}" for each in range(names))
            query = Statement(shared if names < 16 else "".join(parts), ("",) * names, {}), args
            for _ in range(2):
                cache.keep(cache.find([query]), [[]])
            del query, args
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("names", "text"), [(1, 1), (1, 3_000), (8, 200), (25, 60), (100, 140)])
def test_memory_is_bounded_however_large_the_arguments_are(names: int, text: int) -> None:
    assert memory_of_hostile(names, text) < 600_000


def test_memory_is_bounded() -> None:
    cache = QueryCache(lambda: 1, most=20_000)
    for number in range(100):
        for _ in range(2):
            cache.keep(found(cache, (number,)), [[("x" * 1_000,)]])
    held = [number for number in range(100) if cache._known.get(((QUERY[0].text, (number,)),)) is not None]
    assert held == list(range(100 - len(held), 100))
    assert 5 <= len(held) <= 20_000 // 1_800
