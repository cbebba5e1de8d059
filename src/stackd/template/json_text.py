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


def _same(value: dict[str, Any]) -> dict[str, Any]:
    return value
