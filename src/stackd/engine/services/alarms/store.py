"""Where samples go: the numbers of metrics are remembered, so that a sample costs one row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from cachetools import TTLCache

from stackd.db import metrics, stacks
from stackd.db.database import Database
from stackd.db.journal import Journal
from stackd.db.metrics import Metric, Sample, SeenMetric
from stackd.errors import QueryFault

LIMIT: Final = "LimitExceeded"
_SEEN_SECONDS: Final = 900.0
"""How long it is remembered that a metric is being measured, before that is stored again."""
_MOST_KNOWN: Final = 50_000
_OWNER_SECONDS: Final = 60.0
_MOST_OWNERS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a metric in the second or minute from ``at`` on."""

    at: int
    count: float
    total: float
    lowest: float
    highest: float
    spread: str | None = None


@dataclass(slots=True)
class MetricStore:
    """Stores what is measured; a project has at most so many metrics, any number if that is negative."""

    db: Database
    journal: Journal
    most: int
    _numbers: TTLCache[tuple[str, str], int] = field(init=False)
    _owners: TTLCache[str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = TTLCache(_MOST_KNOWN, _SEEN_SECONDS, self._time)
        self._owners = TTLCache(_MOST_OWNERS, _OWNER_SECONDS, self._time)

    def _time(self) -> float:
        return self.db.clock().timestamp()

    async def add(self, project_id: str, measured: Mapping[Metric, Collection[Measured]]) -> None:
        """Store samples of a project; returns when they are durable, all of them."""
        numbers = await self._known(project_id, list(measured))
        samples = [
            Sample(numbers[metric], each.at, each.count, each.total, each.lowest, each.highest, each.spread)
            for metric, some in measured.items()
            for each in some
        ]
        # In one order, so that two processes that write the same samples do not wait for each other.
        await self.journal.write(*sorted(samples, key=lambda each: (each.metric_id, each.at)))

    async def _known(self, project_id: str, wanted: list[Metric]) -> dict[Metric, int]:
        """The numbers of metrics, which new ones get now."""
        known = {each: self._numbers.get((project_id, each.identity)) for each in wanted}
        unseen = [metric for metric, number in known.items() if number is None]
        found = {metric: number for metric, number in known.items() if number is not None}
        if not unseen:
            return found
        await self._refuse_too_many(project_id, unseen)
        moment = self.db.clock()
        await self.journal.write(*(SeenMetric(project_id, each, moment) for each in unseen))
        numbers = await metrics.numbers(self.db, project_id, unseen)
        self._numbers.update(((project_id, each.identity), number) for each, number in numbers.items())
        return found | numbers

    async def _refuse_too_many(self, project_id: str, unseen: list[Metric]) -> None:
        if self.most < 0:
            return
        new = len(unseen) - len(await metrics.numbers(self.db, project_id, unseen))
        if new and await metrics.count(self.db, project_id) + new > self.most:
            raise QueryFault(LIMIT, f"The project has {self.most} metrics, as many as it may have.")

    async def owner(self, users_project: str) -> str | None:
        """The project for whose stacks there are users in a project of the stack domain."""
        if users_project not in self._owners:
            self._owners[users_project] = await stacks.owner_of_users(self.db, users_project)
        return self._owners[users_project]
