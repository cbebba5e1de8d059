"""Requests of any protocol as typed values: numbers may come as texts, times as texts or seconds.

A shape reads a value that a protocol decoded; the path of a member, as the Query protocol writes it, is named
in whatever is wrong. Members that no shape knows are ignored, as newer clients have more of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from stackd.engine.services.alarms.expressions import LARGEST
from stackd.engine.services.alarms.queries import MISSING, VALUE
from stackd.errors import QueryFault

Shape = Callable[[Any, str], Any]
_FLAGS: Final = {"true": True, "false": False, True: True, False: False}
_SHOWN: Final = 60


def refused(path: str, fault: str, value: Any) -> QueryFault:
    """The refusal of a value; ``fault`` continues the sentence."""
    return QueryFault(VALUE, f"The parameter {path[:200]} {fault}; {repr(value)[:_SHOWN]} is not.")


def text(least: int = 1, most: int = 1024) -> Shape:
    """A text of some length."""

    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise refused(path, "must be a text", value)
        if not least <= len(value) <= most:
            raise refused(path, f"must have {least} to {most} characters", value)
        return value

    return read


def number(value: Any, path: str) -> float:
    """A number that is not infinite."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not abs(found) <= LARGEST:
        raise refused(path, "must be a number between -2^360 and 2^360", value)
    return found


def whole(least: int = 0, most: int = 2**31 - 1) -> Shape:
    """An integer within bounds."""

    def read(value: Any, path: str) -> int:
        found = number(value, path)
        if found != int(found) or not least <= found <= most:
            raise refused(path, f"must be an integer from {least} to {most}", value)
        return int(found)

    return read


def flag(value: Any, path: str) -> bool:
    """True or false."""
    spelled = value.lower() if isinstance(value, str) else value
    if not isinstance(spelled, str | bool) or spelled not in _FLAGS:
        raise refused(path, "must be true or false", value)
    return _FLAGS[spelled]


def moment(value: Any, path: str) -> datetime:
    """A time."""
    try:
        found = _moment(value)
    except (TypeError, ValueError, OverflowError, OSError):
        found = None
    if found is None or found.year < 1970:
        raise refused(path, "must be a time such as 2024-01-01T00:00:00Z", value)
    return found


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
        return _moment(datetime.fromisoformat(value))
    return datetime.fromtimestamp(float(value), UTC)


def one_of(*values: str) -> Shape:
    """One of some texts."""

    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or value not in values:
            raise refused(path, f"must be one of {', '.join(values)}", value)
        return value

    return read


def many(shape: Shape, most: int, least: int = 0) -> Shape:
    """A list; an empty text is an empty one."""

    def read(value: Any, path: str) -> list[Any]:
        if value == "":
            value = []
        if not isinstance(value, list):
            raise refused(path, f"must be a list ({path}.member.1 and so on)", value)
        if not least <= len(value) <= most:
            raise QueryFault(
                VALUE, f"The parameter {path} must have {least} to {most} members; it has {len(value)}."
            )
        return [shape(each, f"{path}.member.{at}") for at, each in enumerate(value, 1)]

    return read


@dataclass(frozen=True, slots=True)
class Required:
    """A member that has to be given."""

    shape: Shape


def structure(**members: Shape | Required) -> Shape:
    """A structure of members by their names. What is null is not given."""
    required = {name for name, member in members.items() if isinstance(member, Required)}
    shapes = {name: each.shape if isinstance(each, Required) else each for name, each in members.items()}

    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise refused(path, "must be a structure", value)
        for name in required:
            if value.get(name) is None:
                raise QueryFault(MISSING, f"The parameter {_joined(path, name)} is required.")
        return {
            name: shape(value[name], _joined(path, name))
            for name, shape in shapes.items()
            if value.get(name) is not None
        }

    return read


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
