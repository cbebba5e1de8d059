"""Mistakes are kept by where they are, and hints cost little however many there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.errors import TemplateError
from stackd.template.problems import Problems, Stage, nearest

PATHS = st.text("ab.[]0", max_size=6)


def known(*paths: str) -> Problems:
    problems = Problems()
    for path in paths:
        problems.add(Stage.RESOURCES, "r", TemplateError("wrong", path=path))
    return problems


@pytest.mark.parametrize("path", ["resources.r", "resources.r.properties", "resources.r.properties.x"])
def test_mistake_is_about_everything_around_it(path: str) -> None:
    assert known("a", "resources.r.properties.x[0]", "z").about(path)


@pytest.mark.parametrize("path", ["resources.rr", "resource", "resources.r.properties.x[0].y", "b"])
def test_mistake_is_about_nothing_else(path: str) -> None:
    assert not known("a", "resources.r.properties.x[0]", "z").about(path)


@given(st.lists(PATHS, max_size=6), PATHS)
def test_any_path_is_found_as_by_looking_at_all(paths: list[str], path: str) -> None:
    expected = any(
        each.startswith(path) and each[len(path) : len(path) + 1] in ("", ".", "[") for each in paths
    )
    assert known(*paths).about(path) is expected


def test_hint_looks_at_a_bounded_number_of_names() -> None:
    taken = 0

    def names() -> Iterator[str]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield f"server{number}"

    assert nearest("servre7", names()) == "Did you mean server7?"
    assert taken < 2000
