"""Parses JSON texts of any size without blocking other threads."""

from __future__ import annotations

import json
import sys
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text; raises ValueError in words for people, or RecursionError.

    The C parser keeps the interpreter to itself from the first character to the last, which takes a tenth of
    a second for some megabytes. That it calls a function for each object lets other threads in.
    """
    try:
        return json.loads(text, object_hook=_same)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError:
        raise ValueError("The text is not UTF-8.") from None
    except ValueError:  # nothing else is left than a number that is too long to be converted
        most = sys.get_int_max_str_digits()
        raise ValueError(f"A number of more than {most} digits is not supported.") from None


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
