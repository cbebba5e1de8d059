"""Attributes of resource types, and the three ways in which their values are had."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from stackd.records import Resource
from stackd.resources.context import Reading
from stackd.resources.schema import Support


class How(enum.Enum):
    """How the value of an attribute is had.

    STORED ones are read when the resource completes. COMPUTED ones are worked out, whenever they are
    asked for, from what is stored. LIVE ones are stored or computed like these, and read again when outputs
    or the resource are shown; that value stands in when the cloud does not answer in time.
    """

    STORED = "stored"
    COMPUTED = "computed"
    LIVE = "live"


STORED, COMPUTED, LIVE = How.STORED, How.COMPUTED, How.LIVE
SHOW = "show"
"""The attribute of every type with an entity: the object as the cloud shows it. It is live."""

Reader = Callable[[Reading], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute's description and wire type (string, integer, number, boolean, map, list, any).

    The value is the field of the object that is called like the attribute, or ``source``. One with a
    ``read`` costs calls of its own, which are made only where something refers to it. ``compute`` works
    it out from the stored resource. One that ``is_stored_here`` is read from the database each time: what was
    written is shown at once, whereas the answers of a cloud are good for some seconds.
    """

    description: str
    type: str = "string"
    how: How = STORED
    source: str | None = None
    read: Reader | None = None
    compute: Callable[[Resource], Any] | None = None
    support: Support = field(default_factory=Support)
    is_stored_here: bool = False

    @property
    def is_field(self) -> bool:
        """Whether the value is a field of the object."""
        return self.read is None and self.compute is None

    def computed(self, name: str, resource: Resource) -> Any:
        """The value worked out from the stored resource; of a live attribute what was read now, if it was."""
        if self.how is LIVE and name in resource.attributes:
            return resource.attributes[name]
        return self.compute(resource) if self.compute is not None else None


def attr(
    description: str,
    kind: str = "string",
    how: How = STORED,
    *,
    source: str | None = None,
    read: Reader | None = None,
    compute: Callable[[Resource], Any] | None = None,
    since: str | None = None,
    support: Support | None = None,
    is_stored_here: bool = False,
) -> Attribute:
    """Declare an attribute; one with ``compute`` is a computed one, unless it is live."""
    had = how if compute is None or how is LIVE else COMPUTED
    supported = support or Support(version=since)
    return Attribute(description, kind, had, source, read, compute, supported, is_stored_here)
