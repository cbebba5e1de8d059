"""What a property's value must satisfy, declared once: checked here, shown by the API.

Each constraint answers ``check(value)`` with a complaint or None, and ``shown()`` with the form in
which the resource-type API publishes it. ``Custom`` constraints that ask the cloud or the clock are collected
and checked together by the engine, never here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any, Protocol

from stackd.template.named import ON_REQUEST, items_of, named_problem


class Constraint(Protocol):
    """A rule for one value."""

    def check(self, value: Any) -> str | None:
        """A complaint that names the value, or None when it is acceptable."""
        ...

    def shown(self) -> dict[str, Any]:
        """The constraint as the resource-type API shows it."""
        ...


def _bounds(low: float | None, high: float | None) -> dict[str, Any]:
    return {key: bound for key, bound in (("min", low), ("max", high)) if bound is not None}


def _bounds_text(low: float | None, high: float | None) -> str:
    return f"min: {low}, max: {high}"


def _outside(number: float, low: float | None, high: float | None) -> bool:
    return (low is not None and number < low) or (high is not None and number > high)


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds, both included."""

    min: float | None = None
    max: float | None = None

    def check(self, value: Any) -> str | None:
        """See ``Constraint``."""
        if _outside(value, self.min, self.max):
            return f"{value} is out of range ({_bounds_text(self.min, self.max)})"
        return None

    def shown(self) -> dict[str, Any]:
        """See ``Constraint``."""
        return {"range": _bounds(self.min, self.max)}


@dataclass(frozen=True, slots=True)
class Length:
    """A text, list or map with a number of elements between two bounds, both included."""

    min: int | None = None
    max: int | None = None

    def check(self, value: Sized) -> str | None:
        """See ``Constraint``."""
        if _outside(len(value), self.min, self.max):
            return f"length ({len(value)}) is out of range ({_bounds_text(self.min, self.max)})"
        return None

    def shown(self) -> dict[str, Any]:
        """See ``Constraint``."""
        return {"length": _bounds(self.min, self.max)}


@dataclass(frozen=True, slots=True)
class Modulo:
    """A number that leaves ``offset`` when divided by ``step``."""

    step: int
    offset: int = 0

    def check(self, value: float) -> str | None:
        """See ``Constraint``."""
        if value % self.step != self.offset:
            return f"{value} is not a multiple of {self.step} with an offset of {self.offset}"
        return None

    def shown(self) -> dict[str, Any]:
        """See ``Constraint``."""
        return {"modulo": {"step": self.step, "offset": self.offset}}


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """One of a few values; of a list, each element."""

    values: tuple[Any, ...]

    def check(self, value: Any) -> str | None:
        """See ``Constraint``."""
        if all(each in self.values for each in (value if isinstance(value, list) else [value])):
            return None
        return f"{json.dumps(value)} is not an allowed value {json.dumps(self.values)}"

    def shown(self) -> dict[str, Any]:
        """See ``Constraint``."""
        return {"allowed_values": list(self.values)}


@dataclass(frozen=True, slots=True)
class AllowedPattern:
    """A text that a regular expression of ours (so one that ends in time) matches from the start."""

    pattern: str

    def check(self, value: str) -> str | None:
        """See ``Constraint``."""
        match = re.match(self.pattern, value)
        if match is None or match.end() != len(value):
            return f'"{value}" does not match pattern "{self.pattern}"'
        return None

    def shown(self) -> dict[str, Any]:
        """See ``Constraint``."""
        return {"allowed_pattern": self.pattern}


@dataclass(frozen=True, slots=True)
class Custom:
    """A rule by name (``neutron.network``, ``ip_addr``) whose check may need the cloud.

    Of a list each element is judged. A ``description`` replaces the complaint.
    """

    name: str
    description: str = ""

    def check(self, value: Any) -> str | None:
        """A complaint about the form of a value; the engine judges all else with the request."""
        if self.name in ON_REQUEST:
            return None
        complaints = filter(None, (named_problem(self.name, each) for each in items_of(value)))
        complaint = next(complaints, None)
        return (self.description or complaint) if complaint else None

    def shown(self) -> dict[str, Any]:
        """See ``Constraint``."""
        return {"custom_constraint": self.name}


def length(low: int | None = None, high: int | None = None) -> Length:
    """``Length`` in the words of a declaration: ``length(1, 255)``."""
    return Length(low, high)


def between(low: float | None = None, high: float | None = None) -> Range:
    """``Range`` in the words of a declaration: ``between(0, 65535)``."""
    return Range(low, high)


def one_of(*values: Any) -> AllowedValues:
    """``AllowedValues`` in the words of a declaration: ``one_of("tcp", "udp")``."""
    return AllowedValues(values)


def matches(pattern: str) -> AllowedPattern:
    """``AllowedPattern`` in the words of a declaration."""
    return AllowedPattern(pattern)


def custom(name: str) -> Custom:
    """``Custom`` in the words of a declaration: ``custom("neutron.network")``."""
    return Custom(name)
