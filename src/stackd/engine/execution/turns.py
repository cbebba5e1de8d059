"""Turns at something that only one step of an operation may change at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice

from stackd.clients.bulk import MOST, moment
from stackd.engine.execution.cancellation import Cancellation


@dataclass(slots=True, eq=False)
class _Place:
    """A step in a line; ``called`` is done when its turn begins, or when it does not want it any more."""

    group: str
    called: asyncio.Future[None]


@dataclass(slots=True)
class _Line:
    """Those who wait for their turns at one thing, and those whose turn it is; ``turn`` counts the turns."""

    waiting: deque[_Place] = field(default_factory=deque)
    working: set[_Place] = field(default_factory=set)
    turn: int = 0

    def call_next(self) -> None:
        """Begin the next turn, unless one goes on: of the first that waits, and of others of its group."""
        first = next((place for place in self.waiting if not place.called.done()), None)
        if self.working or first is None:
            return
        together = (place for place in self.waiting if place.group == first.group and not place.called.done())
        self.turn += 1
        for place in list(islice(together, MOST)) if first.group else (first,):
            self.waiting.remove(place)
            self.working.add(place)
            place.called.set_result(None)

    def leave(self, place: _Place) -> None:
        """Remove a step that waits or works."""
        if place in self.working:
            self.working.remove(place)
        else:
            self.waiting.remove(place)


class Turns:
    """The steps of one operation that wait for their turns, in order, by what they want to change."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def of(self, subject: str, cancellation: Cancellation, group: str = "") -> AsyncIterator[bool]:
        """Wait for the turn, which lasts as long as the block; whether another one had its turn meanwhile.

        Steps of one ``group`` have a turn together, as many as a bulk takes: their requests become one.
        """
        line = self._lines.setdefault(subject, _Line())
        mine = _Place(group, asyncio.get_running_loop().create_future())
        is_first, at_once = not (line.waiting or line.working), line.turn + (not line.working)
        line.waiting.append(mine)
        try:
            if is_first:
                if group:
                    await moment()
                line.call_next()
            if mine in line.waiting:
                await cancellation.hold(mine.called)
            yield line.turn > at_once
        finally:
            line.leave(mine)
            line.call_next()
            if not (line.waiting or line.working):
                self._lines.pop(subject, None)
