"""Alarms: made, changed, shown and deleted."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from stackd.db import alarms, stacks
from stackd.db.alarms import alarm_id
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.services.alarms.configuration import ACTION_LISTS, checked_configuration, interval_of
from stackd.engine.services.alarms.queries import VALUE, dimensions_of, weight_of_expressions
from stackd.engine.services.alarms.rules import API, TEMPLATE
from stackd.engine.services.alarms.states import CONFIGURATION, first_state, history, moved
from stackd.engine.services.alarms.store import LIMIT
from stackd.engine.usecases.cloudwatch import paging
from stackd.engine.usecases.cloudwatch.paging import place_in, token_of
from stackd.engine.usecases.engine import Engine
from stackd.errors import Fenced, QueryFault
from stackd.offload import parsed
from stackd.records import Alarm, Caller
from stackd.template.masking import NOTHING, Secrets, concealed
from stackd.urls import shown_name

NOT_FOUND: Final = "ResourceNotFound"
_ATTEMPTS: Final = 5
_PAGE: Final = 50
_METRIC_ALARM: Final = "MetricAlarm"

Edit = Callable[[], Awaitable[Sequence[Change]]]


async def written(engine: Engine, edit: Edit) -> None:
    """Write what ``edit`` makes of what is stored; once more when somebody else was first."""
    for attempt in itertools.count(1):
        changes = await edit()
        try:
            await engine.services.journal.write(*changes)
        except Fenced:
            if attempt == _ATTEMPTS:
                raise QueryFault(
                    "ConcurrentModificationException", "The alarm is being changed by others. Try again."
                ) from None
            continue
        engine.services.alarm_clock.ring()
        return


async def _existing(engine: Engine, caller: Caller, name: str) -> Alarm:
    found = await alarms.get(engine.services.db, caller.project_id, name)
    if found is None:
        raise QueryFault(NOT_FOUND, f"The alarm {name} does not exist.")
    return found


def changed(alarm: Alarm, **values: Any) -> Update:
    """A change that holds only if nobody else has changed the alarm meanwhile."""
    values["revision"] = alarm.revision + 1
    return Update(Alarm, alarm.id, values, where={"revision": alarm.revision})


# --- making and changing --------------------------------------------------------------------------


async def put_metric_alarm(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> None:
    """Make an alarm, or give the one of this name another configuration; its state stays."""
    name, weight = request["AlarmName"], weight_of_expressions(request.get("Metrics", ()))
    configuration = await parsed(weight, checked_configuration, request)

    async def edit() -> Sequence[Change]:
        existing = await alarms.get(engine.services.db, caller.project_id, name)
        if existing is None:
            await _refuse_too_many(engine, caller)
            return _created(engine, caller, name, configuration, request)
        _refuse_of_stack(existing)
        return _configured(engine, existing, configuration, request)

    await written(engine, edit)


async def _refuse_too_many(engine: Engine, caller: Caller) -> None:
    most = engine.metric_settings.max_alarms_per_project
    if 0 <= most <= await alarms.count(engine.services.db, caller.project_id):
        raise QueryFault(LIMIT, f"The project has {most} alarms, as many as it may have.")


def _refuse_of_stack(alarm: Alarm) -> None:
    if alarm.origin == TEMPLATE:
        raise QueryFault(VALUE, f"The alarm {alarm.name} is one of a stack: change it by its template.")


def _fields(configuration: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "namespace": configuration.get("Namespace"),
        "metric_name": configuration.get("MetricName"),
        "configuration": configuration,
        "actions_enabled": request.get("ActionsEnabled", True),
        "interval": interval_of(configuration),
    }


def _created(
    engine: Engine,
    caller: Caller,
    name: str,
    configuration: Mapping[str, Any],
    request: Mapping[str, Any],
) -> Sequence[Change]:
    moment = engine.services.db.clock()
    made = Alarm(
        id=alarm_id(caller.project_id, name),
        project_id=caller.project_id,
        name=name,
        origin=API,
        tags={each["Key"]: each["Value"] for each in request.get("Tags", ())},
        **first_state({"configured_at": moment, **_fields(configuration, request)}),
    )
    data = {"type": "Create", "createdAlarm": configuration}
    return Insert(made), history(made, CONFIGURATION, moment, f'Alarm "{name}" created', data)


def _configured(
    engine: Engine, alarm: Alarm, configuration: Mapping[str, Any], request: Mapping[str, Any]
) -> Sequence[Change]:
    moment = engine.services.db.clock()
    fields = _fields(configuration, request)
    data = {"type": "Update", "updatedAlarm": configuration}
    return (
        changed(alarm, **fields, configured_at=moment, due_at=moment),
        history(alarm, CONFIGURATION, moment, f'Alarm "{alarm.name}" updated', data),
    )


async def set_alarm_state(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> None:
    """Put an alarm into a state, with the actions of that, until it is evaluated next."""
    data = request.get("StateReasonData", "")
    if data:
        _refuse_bad_json(data)

    async def edit() -> Sequence[Change]:
        alarm = await _existing(engine, caller, request["AlarmName"])
        moment = engine.services.db.clock()
        return moved(alarm, request["StateValue"], request["StateReason"], data, moment).changes

    await written(engine, edit)


def _refuse_bad_json(text: str) -> None:
    try:
        is_object = isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        is_object = False
    if not is_object:
        raise QueryFault("InvalidFormat", "The parameter StateReasonData must be a JSON object.")


async def enable_alarm_actions(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> None:
    """Let alarms act; names of no alarm are ignored."""
    await _enable(engine, caller, request["AlarmNames"], enabled=True)


async def disable_alarm_actions(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> None:
    """Let alarms change their states without acting; names of no alarm are ignored."""
    await _enable(engine, caller, request["AlarmNames"], enabled=False)


async def _enable(engine: Engine, caller: Caller, names: Sequence[str], *, enabled: bool) -> None:
    for name in dict.fromkeys(names):

        async def edit(name: str = name) -> Sequence[Change]:
            alarm = await alarms.get(engine.services.db, caller.project_id, name)
            if alarm is None or alarm.actions_enabled is enabled:
                return ()
            word = "enabled" if enabled else "disabled"
            summary = f'Actions of alarm "{name}" {word}'
            data = {"type": "Update", "actionsEnabled": enabled}
            moment = engine.services.db.clock()
            change = changed(alarm, actions_enabled=enabled)
            return change, history(alarm, CONFIGURATION, moment, summary, data)

        await written(engine, edit)


async def delete_alarms(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> None:
    """Delete alarms; those that exist also if others do not."""
    names = list(dict.fromkeys(request["AlarmNames"]))
    found = await alarms.listed(engine.services.db, caller.project_id, names=names) if names else []
    moment = engine.services.db.clock()
    for alarm in found:
        _refuse_of_stack(alarm)
    for alarm in found:
        data = {"type": "Delete", "deletedAlarm": alarm.configuration}
        entry = history(alarm, CONFIGURATION, moment, f'Alarm "{alarm.name}" deleted', data)
        await engine.services.journal.write(Remove(Alarm, alarm.id), entry)
    if missing := set(names) - {alarm.name for alarm in found}:
        raise QueryFault(NOT_FOUND, f"The alarm {min(missing)} does not exist.")


# --- showing --------------------------------------------------------------------------------------


async def describe_alarms(engine: Engine, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Alarms of the project, in the order of their names."""
    nothing: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
    types = request.get("AlarmTypes") or [_METRIC_ALARM]
    if _METRIC_ALARM not in types or "ChildrenOfAlarmName" in request or "ParentsOfAlarmName" in request:
        return nothing
    place = place_in(request.get("NextToken"), paging.name)
    most, prefix = request.get("MaxRecords", _PAGE), request.get("ActionPrefix")
    found = await alarms.listed(
        engine.services.db,
        caller.project_id,
        names=request.get("AlarmNames", ()),
        prefix=request.get("AlarmNamePrefix", ""),
        state=request.get("StateValue", ""),
        after=place[0] if place else "",
        limit=None if prefix else most + 1,
    )
    if prefix:
        found = [each for each in found if _acts_on(each, prefix)]
    answer: dict[str, Any] = nothing | {"MetricAlarms": await views(engine, found[:most])}
    return answer | ({"NextToken": token_of(found[most - 1].name)} if len(found) > most else {})


def _acts_on(alarm: Alarm, prefix: str) -> bool:
    lists = (alarm.configuration.get(name, ()) for name in ACTION_LISTS.values())
    return any(each.startswith(prefix) for each in itertools.chain(*lists))


async def describe_alarms_for_metric(
    engine: Engine, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """The alarms on a metric with exactly some dimensions."""
    namespace, name = request["Namespace"], request["MetricName"]
    found = await alarms.of_metric(engine.services.db, caller.project_id, namespace, name)
    return {"MetricAlarms": await views(engine, [each for each in found if _is_on(each, request)])}


def _is_on(alarm: Alarm, request: Mapping[str, Any]) -> bool:
    own = alarm.configuration
    names = ("Statistic", "ExtendedStatistic", "Period", "Unit")
    same = all(request[name] == own.get(name) for name in names if name in request)
    wanted, has = (dimensions_of(each.get("Dimensions", ())) for each in (request, own))
    return same and wanted == has


def arn_of(engine: Engine, project_id: str, name: str) -> str:
    """The ARN of an alarm."""
    return f"arn:openstack:cloudwatch:{engine.services.endpoints.region}:{project_id}:alarm:{name}"


async def views(engine: Engine, found: Sequence[Alarm]) -> list[dict[str, Any]]:
    """Alarms as they are shown: those in templates without what is hidden in their stacks."""
    secrets: dict[str, Secrets] = {}
    for stack_id in {alarm.stack_id for alarm in found if alarm.stack_id}:
        stack = await stacks.get(engine.services.db, stack_id, None)
        secrets[stack_id] = await engine.redaction.of(stack) if stack is not None else NOTHING
    return [_masked(_shown(engine, each), secrets.get(each.stack_id or "")) for each in found]


def _masked(view: dict[str, Any], secrets: Secrets | None) -> dict[str, Any]:
    """The view of an alarm, masked if it is one in a template; secrets are None for any other."""
    if secrets is None:
        return view
    lists = {name: [shown_name(each) for each in view[name]] for name in ACTION_LISTS.values()}
    told = {name: view[name] for name in ("AlarmDescription", "StateReason", "Dimensions") if name in view}
    masked: dict[str, Any] = concealed(lists | told, secrets)
    return view | masked


def _shown(engine: Engine, alarm: Alarm) -> dict[str, Any]:
    """An alarm as it is."""
    lists = {name: list(alarm.configuration.get(name, ())) for name in ACTION_LISTS.values()}
    fields = {
        "AlarmName": alarm.name,
        "AlarmArn": arn_of(engine, alarm.project_id, alarm.name),
        "AlarmConfigurationUpdatedTimestamp": alarm.configured_at,
        "ActionsEnabled": alarm.actions_enabled,
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.updated_at,
        "StateTransitionedTimestamp": alarm.transitioned_at,
        "Dimensions": [],
        **alarm.configuration,
        **lists,
    }
    return fields | ({"StateReasonData": alarm.reason_data} if alarm.reason_data else {})
