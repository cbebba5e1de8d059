"""What has to happen to one existing resource so that it becomes what the template says (pure)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from stackd.errors import NotSupported
from stackd.records import Action, Resource, Status
from stackd.resources.base import ResourceType
from stackd.resources.schema import IMMUTABLE, IN_PLACE, Properties
from stackd.template.unknown import Unknown


class Change(enum.Enum):
    """The kinds of step that an existing or wanted resource can need."""

    NONE = "unchanged"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Decision:
    """A kind of step, why, and which properties changed."""

    change: Change
    reason: str = ""
    changed: frozenset[str] = frozenset()


UNCHANGED = Decision(Change.NONE)


def decide(
    row: Resource,
    kind: ResourceType[Any],
    new: Properties,
    *,
    kind_name: str,
    broken: bool = True,
    metadata_changed: bool = False,
) -> Decision:
    """Compare a stored resource with its new properties.

    ``broken`` tells whether a FAILED resource's object is beyond repair. Raises ``NotSupported``
    when an immutable property changed.
    """
    if row.kind != kind_name and not _same_family(row.kind, kind_name):
        return Decision(Change.REPLACE, f"type changed: {row.kind} → {kind_name}")
    if row.external_id is not None:
        return UNCHANGED
    if row.action is Action.DELETE or (row.action is Action.INIT and row.physical_id is None):
        return Decision(Change.REPLACE, "it was deleted")
    if row.status is Status.FAILED and broken:
        return Decision(Change.REPLACE, f"its last {row.action} failed: {row.reason}")
    old = type(new).wrap(present(row, new))
    return _by_properties(row, kind, old, new, new.changed(old), metadata_changed)


def present(row: Resource, new: Properties) -> dict[str, Any]:
    """The properties that the object must be taken to have, as seen from the ``new`` ones.

    After an update that failed nobody knows which of its changes were made. A value that was sent
    counts only where it differs from the new one; else the one before it does. So whatever may not
    be as it should be shows as changed.
    """
    sent = dict(row.properties)
    if row.previous_properties is None:
        return sent
    before = dict(row.previous_properties)
    return {
        name: before.get(name) if sent.get(name) == new.data.get(name) else sent.get(name)
        for name in sent.keys() | before.keys()
    }


def _same_family(one: str, other: str) -> bool:
    """Template resources of different files update each other in place."""
    return all(name.endswith((".yaml", ".template")) for name in (one, other))


def _by_properties(
    row: Resource,
    kind: ResourceType[Any],
    old: Properties,
    new: Properties,
    changed: frozenset[str],
    metadata_changed: bool,
) -> Decision:
    if not changed:
        return Decision(Change.UPDATE, "metadata changed") if metadata_changed else UNCHANGED
    refused = sorted(name for name in changed if _update_of(new, name) is IMMUTABLE)
    if refused:
        names = ", ".join(refused)
        raise NotSupported(f"Update to properties {names} of {row.name} ({row.type}) is not supported.")
    why = kind.needs_replace(old, new, changed)
    if why:
        return Decision(Change.REPLACE, why, changed)
    fixed = sorted(name for name in changed if _update_of(new, name) is not IN_PLACE)
    if fixed:
        return Decision(Change.REPLACE, "; ".join(_difference(old, new, name) for name in fixed), changed)
    text = "; ".join(_difference(old, new, name) for name in sorted(changed))
    return Decision(Change.UPDATE, text, changed)


def _update_of(new: Properties, name: str) -> Any:
    schema = new.schema.get(name)
    return schema.update if schema is not None else IN_PLACE


def _difference(old: Properties, new: Properties, name: str) -> str:
    fixed = "" if _update_of(new, name) is IN_PLACE else "cannot be changed in place: "
    return f"`{name}` {fixed}{_short(old.data.get(name))} → {_short(new.data.get(name))}"


def _short(value: Any) -> str:
    """Only scalars that are no secrets by nature are worth showing; the rest by its kind."""
    if isinstance(value, Unknown):
        return "(known after apply)"
    text = str(value)
    return text if len(text) <= 60 and not isinstance(value, dict | list) else f"({type(value).__name__})"
