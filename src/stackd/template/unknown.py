"""Values that are not known yet, and how to find them.

Validation and planning evaluate a template before its resources exist. A value of a resource is then an
`Unknown`, which flows through every function instead of failing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True, repr=False)
class Unknown:
    """The future value of ``resource`` at ``path``: empty for its reference id, else attribute name and path.

    A parameter without a value is unknown too: its ``resource`` is empty and its ``path`` is
    ``("parameters", name)``.
    """

    resource: str
    path: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<unknown {'.'.join(map(str, (self.resource, *self.path)))}>"


def find_unknown(value: Any) -> Unknown | None:
    """The first `Unknown` inside plain data, or None."""
    if type(value) is Unknown:
        return value
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return None
    for item in value:
        if type(item) in _SCALARS:
            continue
        if isinstance(item, Unknown):
            return item
        if isinstance(item, dict | list) and (found := find_unknown(item)) is not None:
            return found
    return None


def has_unknown(value: Any) -> bool:
    """Whether plain data has an `Unknown` anywhere inside."""
    return find_unknown(value) is not None
