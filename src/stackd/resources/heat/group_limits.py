"""How large groups may be, whatever the limit on resources is."""

from __future__ import annotations

from typing import Any

from stackd.errors import RequestLimitExceeded
from stackd.offload import current_budget
from stackd.template.functions.lists import size_of

_MOST = 100_000
_MOST_VALUES = 1_000_000
_MOST_TEXT = 32_000_000


def refuse_too_many(size: int) -> None:
    """Refuse more members than a group is ever asked for."""
    if size > _MOST:
        raise RequestLimitExceeded(f"Request limit exceeded: A group has more than {_MOST} members.")


def refuse_too_large(size: int, definition: Any) -> None:
    """Refuse members before they are made that would have too many values or characters together."""
    nodes, text = size_of(definition)
    if size * nodes > _MOST_VALUES or size * text > _MOST_TEXT:
        raise RequestLimitExceeded(
            f"Request limit exceeded: The definitions of {size} members have more than {_MOST_VALUES} values "
            f"or {_MOST_TEXT} characters together."
        )
    current_budget().spend(nodes=size * nodes, text=size * text)
