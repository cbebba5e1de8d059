"""The words in which resource types declare what the values of their properties must satisfy.

They make the same constraints as templates do for their parameters. Those that ask the cloud or the clock are
collected and checked together by the engine, never here.
"""

from __future__ import annotations

from typing import Any

from stackd.template.constraints import AllowedPattern, AllowedValues, CustomConstraint, Length, Range
from stackd.template.named import FORMS, QUEUE, declare_kind


def length(low: int | None = None, high: int | None = None) -> Length:
    """The length of a text, list or map, both bounds included: ``length(1, 255)``."""
    return Length(low, high)


def between(low: float | None = None, high: float | None = None) -> Range:
    """A number between two bounds, both included: ``between(0, 65535)``."""
    return Range(low, high)


def one_of(*values: Any) -> AllowedValues:
    """One of a few values; of a list, each element: ``one_of("tcp", "udp")``."""
    return AllowedValues(values)


def matches(pattern: str) -> AllowedPattern:
    """A text that a regular expression matches as a whole."""
    return AllowedPattern(pattern)


def custom(name: str) -> CustomConstraint:
    """Something known by name that a value must be or name: ``custom("neutron.network")``.

    What is not the name of a format is a kind of object in the cloud.
    """
    if name not in FORMS and name != QUEUE:
        declare_kind(name)
    return CustomConstraint(name)
