"""How many members a scaling group may have and has: two bounds, and a capacity between them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.schema import Properties
from stackd.template.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Capacity:
    """Names of the properties by which a type says how large its groups are."""

    low: str
    high: str
    desired: str

    def check(self, props: Properties) -> None:
        """The bounds must be in order, and the capacity within them; nothing is compared while unknown."""
        low, high, desired = self._values(props)
        if any(isinstance(each, Unknown) for each in (low, high, desired)):
            return
        if high < low:
            raise PropertyError("MinSize can not be greater than MaxSize", path=f"properties.{self.low}")
        if desired is not None and not low <= desired <= high:
            raise PropertyError(
                "DesiredCapacity must be between MinSize and MaxSize", path=f"properties.{self.desired}"
            )

    def first(self, props: Properties) -> int | None:
        """The size of a new group, None while it is not known."""
        desired, low = props.data.get(self.desired), props.data[self.low]
        first = low if desired is None else desired
        return first if isinstance(first, int) else None

    def after(self, props: Properties, old: Mapping[str, Any], current: int | None) -> int:
        """The size that a group gets: the desired one when any of its ``old`` properties changes.

        So a change of the group undoes what policies have made of its size. Without a desired one, or
        without a change, the size stays as it is. ``current`` is None for a new group.
        """
        low, high, desired = self._values(props)
        stays = current is not None and not props.changed(type(props).wrap(dict(old)))
        if desired is None or stays:
            desired = low if current is None else current
        return int(max(low, min(desired, high)))

    def _values(self, props: Properties) -> tuple[Any, Any, Any]:
        return props.data[self.low], props.data[self.high], props.data.get(self.desired)
