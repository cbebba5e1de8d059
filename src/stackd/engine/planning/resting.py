"""Whether a resource rests: what a suspension begins and a resumption ends, and nothing else (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.records import Action, Resource, Status
from stackd.resources.copies import RESTS

_NOTING: Final = frozenset({Action.CHECK, Action.SNAPSHOT})
"""Actions that leave a resource at rest or at work, and note with their beginning which it is."""


def rests(row: Resource) -> bool:
    """Whether a resource was suspended and is not resumed, though it may have been checked or copied since.

    So rests also what a suspension or a resumption has failed with: some of it may be at rest.
    """
    if row.action in _NOTING:
        return bool(row.data.get(RESTS))
    return row.action is Action.SUSPEND or (row.action is Action.RESUME and row.status is not Status.COMPLETE)


def rest_noted(row: Resource) -> Mapping[str, Any]:
    """What to store with the beginning of a check or a snapshot, so that ``rests`` is the same after it."""
    resting = rests(row)
    return {} if resting == bool(row.data.get(RESTS)) else {"data": {**row.data, RESTS: resting}}
