"""Tokens of lists that go on: what the next page comes after, readable to nobody but us."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from stackd.errors import QueryFault

_LONGEST: Final = 2048
_LARGEST: Final = 2**63 - 1


def token_of(*place: Any) -> str:
    """The token of the page after a place."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_in(token: str | None, *parts: Callable[[Any], Any]) -> list[Any] | None:
    """The parts of the place in a token; None for the first page, ``QueryFault`` for a token not ours."""
    if token is None:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(token[:_LONGEST] + "=" * (-len(token) % 4)))
        return [part(each) for part, each in zip(parts, place, strict=True)]
    except (TypeError, ValueError):
        raise QueryFault(
            "InvalidNextToken", "The parameter NextToken is not one that this API has given."
        ) from None


def name(part: Any) -> str:
    """A part that is a text."""
    if not isinstance(part, str) or "\0" in part:
        raise ValueError(part)
    return part


def number(part: Any) -> int:
    """A part that is the number of a row."""
    if isinstance(part, bool) or not isinstance(part, int) or not 0 <= part <= _LARGEST:
        raise ValueError(part)
    return part


def moment(part: Any) -> datetime:
    """A part that is a time."""
    found = datetime.fromisoformat(part)
    if found.tzinfo is None:
        raise ValueError(part)
    return found
