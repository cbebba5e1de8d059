"""Optimistic writes to a row: a signal and a walk, or two signals, may change it at the same time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from stackd.db.journal import Change, Update
from stackd.engine.execution.run import Write
from stackd.records import Resource

ATTEMPTS: Final = 20
"""How often a change is worked out again because the row was changed meanwhile."""


class VersionedRow:
    """Writes to a row that hold only if nobody has changed it since it was read.

    The time of the row's last change is its version: a write makes it a microsecond later.
    """

    def __init__(self, write: Write, row: Resource) -> None:
        self._write = write
        self._row = row
        self._seen = row.updated_at

    async def write(self, *changes: Change) -> None:
        """Store the changes; ``Fenced`` if the row is no longer as it was."""
        later = (self._seen or self._row.created_at) + timedelta(microseconds=1)
        guarded = [self._guarded(change, later) for change in changes]
        await self._write(*guarded)
        if guarded != list(changes):
            self._seen = later

    def _guarded(self, change: Change, later: datetime) -> Change:
        if not isinstance(change, Update) or change.id != self._row.id:
            return change
        values = {**change.values, "updated_at": later}
        return replace(change, values=values, where={"updated_at": self._seen})
