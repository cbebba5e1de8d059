"""Evaluates the alarms that are due, and stores what follows: state, history and actions in one write.

A process takes an alarm by putting off when it is due; what it finds is stored only if nobody has taken the
alarm since. So several processes share the work, and one that dies leaves it to the next time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog
from cachetools import TTLCache

from stackd.db import alarms, metrics
from stackd.db.database import Database
from stackd.db.journal import Journal
from stackd.db.metrics import KnownMetric
from stackd.engine.services.alarms.evaluation import INSUFFICIENT
from stackd.engine.services.alarms.matching import has_among_others
from stackd.engine.services.alarms.queries import MetricStat, combined, computed_values
from stackd.engine.services.alarms.rules import (
    TEMPLATE,
    Rule,
    Verdict,
    reason_data_of,
    reason_of,
    rule_of,
    verdict,
)
from stackd.engine.services.alarms.samples import buckets_for
from stackd.engine.services.alarms.states import Moved, data_text, moved, repeated, repeats, targets_of
from stackd.engine.services.alarms.statistics import Series, counts, series
from stackd.engine.services.alarms.targets import Targets
from stackd.errors import Fenced, QueryFault, ServiceUnavailable
from stackd.offload import in_thread
from stackd.records import Alarm

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
_KNOWN_SECONDS: Final = 30.0
_MOST_KNOWN: Final = 2_000
_MANY: Final = 500
"""Metrics, samples or values above which computing on them is left to a thread."""


@dataclass(slots=True)
class AlarmEvaluator:
    """Evaluates alarms. Samples may come late by ``lateness`` seconds."""

    db: Database
    journal: Journal
    targets: Targets
    lateness: float
    _matching: TTLCache[tuple[str, MetricStat], list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._matching = TTLCache(_MOST_KNOWN, _KNOWN_SECONDS, lambda: self.db.clock().timestamp())

    async def evaluate_due(self) -> int:
        """Evaluate some of the alarms that are due; returns how many there were."""
        due = await alarms.take_due(self.db, self.db.clock(), AT_ONCE)
        for alarm in due:
            await self._evaluate(alarm)
        return len(due)

    async def _evaluate(self, alarm: Alarm) -> None:
        """One alarm, whose trouble is not that of others."""
        moment = self.db.clock()
        try:
            change = await self._change(alarm, moment)
            if change is not None:
                await self.journal.write(*change.changes)
        except Fenced:
            log.debug("alarm_changed_meanwhile", alarm=alarm.name, project=alarm.project_id)
        except ServiceUnavailable:
            raise
        except Exception:
            log.exception("alarm_not_evaluated", alarm=alarm.name, project=alarm.project_id)

    async def _change(self, alarm: Alarm, moment: datetime) -> Moved | None:
        rule = rule_of(alarm)
        window = rule.window(moment, self.lateness)
        try:
            values, numbers = await self._measured(alarm, rule, window)
        except QueryFault as fault:  # more was measured than can be looked at
            return _unknown(alarm, fault.message, moment)
        found = verdict(rule, values, numbers, window)
        if found.state is not None and found.state != alarm.state:
            return _moved(alarm, rule, found, moment)
        if repeats(alarm, moment) and not await alarms.has_waiting(self.db, alarm):
            targets = await self._repeated(alarm)
            return repeated(alarm, moment, targets) if targets else None
        return None

    async def _repeated(self, alarm: Alarm) -> list[str]:
        """The actions that are begun once more while the state lasts."""
        targets = targets_of(alarm)
        if alarm.origin == TEMPLATE:
            return targets
        receivers = [(each, await self.targets.receiver(alarm, each)) for each in targets]
        return [each for each, receiver in receivers if receiver is not None and receiver.scales]

    # --- what was measured ------------------------------------------------------------------------

    async def _measured(self, alarm: Alarm, rule: Rule, window: tuple[int, int]) -> tuple[Series, Series]:
        """The values of the periods in a window, and the numbers of their samples."""
        values: dict[str, Series] = {}
        numbers: Series = {}
        for query in rule.queries:
            if query.stat is not None:
                ids = await self._metrics(alarm, rule, query.stat)
                found = await buckets_for(self.db, ids, window, rule.period, query.stat.stat)
                compute = partial(series, query.stat.stat, found)
                values[query.id] = await in_thread(compute) if len(found) > _MANY else compute()
                if rule.least and query.id == rule.shown:
                    numbers = counts(found)
        results = partial(combined, rule.queries, values)
        is_long = computed_values(rule.queries, rule.criteria.periods) > _MANY
        return (await in_thread(results) if is_long else results())[rule.shown], numbers

    async def _metrics(self, alarm: Alarm, rule: Rule, stat: MetricStat) -> list[int]:
        """The numbers of an alarm's metrics; of one in a template they are looked up now and then."""
        if not rule.among_others:
            exact = await metrics.named(self.db, alarm.project_id, stat.namespace, stat.name, stat.dimensions)
            return [each.id for each in exact if stat.unit in (None, each.metric.unit)]
        key = (alarm.id, stat)
        known = self._matching.get(key)
        if known is None:
            of_name = await metrics.named(self.db, alarm.project_id, stat.namespace, stat.name)
            args: Any = (of_name, stat, alarm.name)
            known = await in_thread(_matching, *args) if len(of_name) > _MANY else _matching(*args)
            self._matching[key] = known
        return known


def _matching(found: list[KnownMetric], stat: MetricStat, alarm_name: str) -> list[int]:
    """The numbers of the metrics that belong to an alarm in a template."""
    return [
        each.id
        for each in found
        if has_among_others(each.metric.dimensions, stat.dimensions, alarm_name)
        and stat.unit in (None, each.metric.unit)
    ]


def _unknown(alarm: Alarm, reason: str, moment: datetime) -> Moved | None:
    """The alarm, of which nothing can be said for a reason."""
    if (alarm.state, alarm.reason) == (INSUFFICIENT, reason):
        return None
    return moved(alarm, INSUFFICIENT, reason, "", moment)


def _moved(alarm: Alarm, rule: Rule, found: Verdict, moment: datetime) -> Moved:
    data = data_text(reason_data_of(rule, found, moment))
    return moved(alarm, found.state or INSUFFICIENT, reason_of(rule, found), data, moment)
