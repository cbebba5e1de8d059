"""Whether two texts mean the same, judged by the parser that the server reads templates with."""

from __future__ import annotations

import math
from typing import Any, Final

from stackd.errors import StackdError
from stackd.template.limits import Limits
from stackd.template.parse import parse_text

LIMITS: Final = Limits(max_bytes=16 * 1024 * 1024)
"""What a text of one's own may be; the server's limits are for what strangers send."""


class Unsafe(StackdError):
    """The text cannot be rewritten without changing what it means."""


def read(text: str, file: str = "") -> Any:
    """The data of a text; raises TemplateError for what is neither YAML nor JSON, or too deep."""
    return parse_text(text, LIMITS, file).data


def same(left: Any, right: Any) -> bool:
    """Whether data is equal in values, types and order; NaN equals NaN, and true is not 1."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=False)
        return len(left) == len(right) and all(a == b and same(x, y) for (a, x), (b, y) in pairs)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right or (isinstance(left, float) and math.isnan(left) and math.isnan(right)))


def require_same(before: str, after: str) -> None:
    """Raise Unsafe unless both texts have the same data."""
    try:
        kept = same(read(before), read(after))
    except StackdError:
        kept = False
    if not kept:
        raise Unsafe("The text cannot be laid out without changing what it means.")
