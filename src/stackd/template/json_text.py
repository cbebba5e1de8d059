"""Parses JSON texts of any size without blocking other threads."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text; raises ValueError, or RecursionError.

    The C parser keeps the interpreter to itself from the first character to the last, which takes a tenth of
    a second for some megabytes. That it calls a function for each object lets other threads in.
    """
    return json.loads(text, object_hook=_same)


def depth_of(value: Any, most: int) -> int:
    """How deeply lists and maps are nested in a value; ``most`` + 1 for anything deeper."""
    level, depth = [value], 0
    while level and depth <= most:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = [item for item in below if isinstance(item, dict | list)]
        depth += 1
    return depth


def _same(value: dict[str, Any]) -> dict[str, Any]:
    return value
