"""What was measured, as a statistic needs it, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackd.db import metrics
from stackd.db.database import Database
from stackd.db.metrics import Bucket
from stackd.engine.services.alarms.queries import VALIDATION
from stackd.engine.services.alarms.statistics import is_extended
from stackd.errors import QueryFault

MOST_VALUES: Final = 8_000_000
"""Characters of values of which a percentile is computed: some hundred thousand values."""


async def buckets_for(
    db: Database, metric_ids: Sequence[int], window: tuple[int, int], period: int, stat: str
) -> list[Bucket]:
    """The samples of some metrics in each period of a window, one by one where a statistic needs that.

    Raises ``QueryFault`` for more values than may be in memory.
    """
    if not metric_ids:
        return []
    is_spread = is_extended(stat)
    if is_spread and await metrics.spread_size(db, metric_ids, *window) > MOST_VALUES:
        raise QueryFault(
            VALIDATION,
            f"There are too many values for the statistic {stat} of so long a time. Use a shorter time, or a "
            "statistic that is not a percentile.",
        )
    return await metrics.buckets(db, metric_ids, *window, period, spread=is_spread)
