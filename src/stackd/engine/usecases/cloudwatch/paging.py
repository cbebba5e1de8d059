"""Tokens of lists that go on: what the next page comes after, readable to nobody but us."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from stackd.errors import QueryFault

_LONGEST = 2048


def token_of(*place: Any) -> str:
    """The token of the page after a place."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_in(token: str | None, *kinds: type[Any]) -> list[Any] | None:
    """The place in a token; None for the first page, ``QueryFault`` for a token that is not ours."""
    if token is None:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(token[:_LONGEST] + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error):
        place = None
    is_ours = isinstance(place, list) and [type(each) for each in place] == list(kinds)
    if not is_ours or any(isinstance(each, str) and "\0" in each for each in place):
        raise QueryFault("InvalidNextToken", "The parameter NextToken is not one that this API has given.")
    return list(place)
