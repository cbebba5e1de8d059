"""What happened to alarms, also to those that are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from stackd.db import alarms
from stackd.db.alarms import HistoryFilter
from stackd.engine.usecases.cloudwatch import paging
from stackd.engine.usecases.cloudwatch.paging import place_in, token_of
from stackd.engine.usecases.cloudwatch.requests import ORDERS
from stackd.engine.usecases.engine import Engine
from stackd.records import AlarmHistory, Caller

_PAGE: Final = 50


async def describe_alarm_history(
    engine: Engine, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Entries of the history of the project's alarms, newest first unless asked otherwise."""
    place = place_in(request.get("NextToken"), paging.moment, paging.name)
    most = request.get("MaxRecords", _PAGE)
    wanted = HistoryFilter(
        alarm_name=request.get("AlarmName", ""),
        kind=request.get("HistoryItemType", ""),
        start=request.get("StartDate"),
        end=request.get("EndDate"),
        newest_first=request.get("ScanBy", ORDERS[0]) == ORDERS[0],
        after=(place[0], place[1]) if place else None,
    )
    found = await alarms.history(engine.services.db, caller.project_id, wanted, most + 1)
    answer: dict[str, Any] = {"AlarmHistoryItems": [_shown(each) for each in found[:most]]}
    if len(found) > most:
        last = found[most - 1]
        answer["NextToken"] = token_of(last.time.isoformat(), last.id)
    return answer


def _shown(entry: AlarmHistory) -> dict[str, Any]:
    return {
        "AlarmName": entry.alarm_name,
        "AlarmType": "MetricAlarm",
        "Timestamp": entry.time,
        "HistoryItemType": entry.kind,
        "HistorySummary": entry.summary,
        "HistoryData": orjson.dumps(entry.data).decode(),
    }
