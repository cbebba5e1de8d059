"""Pages of lists: what continues a list is a sealed text, bound to the list that it continues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import orjson

from stackd.cfn_query.actions import Call
from stackd.cfn_query.params import bad_value, text
from stackd.errors import StackdError

T = TypeVar("T")
PAGE: Final = 100
"""Members of a list in one answer."""

_TOKEN = "NextToken"  # noqa: S105
_LONGEST = 1_024


def marker_of(call: Call, *bound: str, name: str = _TOKEN) -> str:
    """What an earlier answer to the same call said that this page begins after; empty for the first.

    ``bound`` are the parameters that make the list what it is.
    """
    given = text(call.params, name)
    if not given:
        return ""
    try:
        found: dict[str, Any] = orjson.loads(call.front.cipher.decrypt(given[:_LONGEST]))
    except (StackdError, ValueError):
        raise bad_value(name, "is not one that an answer of this action had") from None
    if found.get("of") != _identity(call, bound):
        raise bad_value(name, "is one of another list")
    return str(found["after"])


def next_token(call: Call, after: str, *bound: str) -> str:
    """The text that continues a list after its member ``after``."""
    return call.front.cipher.encrypt(orjson.dumps({"of": _identity(call, bound), "after": after}))


def page_of(
    call: Call, members: Sequence[T], ids: Sequence[str], *bound: str, most: int = PAGE
) -> tuple[Sequence[T], str | None]:
    """The part of a whole list that a page has, and what continues it."""
    after = marker_of(call, *bound)
    start = ids.index(after) + 1 if after in ids else 0
    end = start + most
    return members[start:end], next_token(call, ids[end - 1], *bound) if end < len(members) else None


def _identity(call: Call, bound: Sequence[str]) -> list[str]:
    return [call.caller.project_id, call.action.name, *bound]
