"""Tags of alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stackd.db import alarms
from stackd.db.journal import Change
from stackd.engine.services.alarms.queries import VALUE
from stackd.engine.usecases.cloudwatch.alarms import arn_of, changed, written
from stackd.engine.usecases.engine import Engine
from stackd.errors import QueryFault
from stackd.records import Alarm, Caller

_MOST: Final = 50


async def _alarm(engine: Engine, caller: Caller, arn: str) -> Alarm:
    """The alarm of the caller's project with this ARN."""
    beginning = arn_of(engine, caller.project_id, "")
    name = arn.removeprefix(beginning) if arn.startswith(beginning) else ""
    found = await alarms.get(engine.services.db, caller.project_id, name)
    if found is None:
        raise QueryFault("ResourceNotFoundException", f"There is no alarm with the ARN {arn}.")
    return found


async def list_tags(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """The tags of an alarm."""
    alarm = await _alarm(engine, caller, request["ResourceARN"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(alarm.tags.items())]}


async def tag_resource(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Put tags on an alarm."""

    async def edit() -> Sequence[Change]:
        alarm = await _alarm(engine, caller, request["ResourceARN"])
        tags = {**alarm.tags, **{each["Key"]: each["Value"] for each in request["Tags"]}}
        if len(tags) > _MOST:
            raise QueryFault(VALUE, f"The parameter Tags makes {len(tags)} tags; the most are {_MOST}.")
        return (changed(alarm, tags=tags),)

    await written(engine, edit)
    return {}


async def untag_resource(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Take tags off an alarm."""

    async def edit() -> Sequence[Change]:
        alarm = await _alarm(engine, caller, request["ResourceARN"])
        left = {key: value for key, value in alarm.tags.items() if key not in request["TagKeys"]}
        return (changed(alarm, tags=left),)

    await written(engine, edit)
    return {}
