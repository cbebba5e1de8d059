"""Whether what was found contains what is expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def require(where: str, expected: Any, found: Any, filled: Callable[[str], str]) -> None:
    """Raise an AssertionError that names the first place where something else was found.

    A map needs the keys that are named, a list as many elements; ``<any>`` is anything but nothing.
    ``filled`` gives expected texts their variable parts.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            require(f"{where}.{key}", value, found.get(key), filled)
    elif isinstance(expected, list) and isinstance(found, list):
        assert len(expected) == len(found), f"{where}: {expected} expected, found {found}"
        for index, value in enumerate(expected):
            require(f"{where}.{index}", value, found[index], filled)
    elif expected == "<any>":
        assert found not in (None, "", [], {}), f"{where} is {found!r}"
    else:
        wanted = filled(expected) if isinstance(expected, str) else expected
        assert wanted == found, f"{where}: {wanted!r} expected, found {found!r}"


def contains(expected: Any, found: Any, filled: Callable[[str], str]) -> bool:
    """The same as a question."""
    try:
        require("", expected, found, filled)
    except AssertionError:
        return False
    return True


def filled(value: Any, fill: Callable[[str], str]) -> Any:
    """The value with all texts in it filled."""
    if isinstance(value, dict):
        return {key: filled(each, fill) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, fill) for each in value]
    return fill(value) if isinstance(value, str) else value
