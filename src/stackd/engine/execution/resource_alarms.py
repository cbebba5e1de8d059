"""The alarm that a resource stands for, stored together with its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackd.db import alarms
from stackd.db.alarms import alarm_id
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.services.alarms.configuration import ACTION_LISTS, checked_configuration, interval_of
from stackd.engine.services.alarms.rules import API, TEMPLATE
from stackd.engine.services.alarms.states import CONFIGURATION, UNCHECKED, first_state, history
from stackd.engine.services.alarms.targets import addressed
from stackd.errors import QueryFault, ResourceFailure
from stackd.records import Alarm
from stackd.resources.context import Endpoints

if TYPE_CHECKING:
    from stackd.engine.execution.resource_context import ResourceContext


class ResourceAlarms:
    """Implements the types' ``Alarms``: the alarm and the id of its resource are one write."""

    def __init__(self, work: ResourceContext) -> None:
        self._work = work
        self._db = work.run.services.db

    async def put(self, name: str, request: Mapping[str, Any], *, enabled: bool = True) -> None:
        """See ``Alarms``."""
        work, moment = self._work, self._db.clock()
        fields = self._fields(request) | {"actions_enabled": enabled, "configured_at": moment}
        existing = await alarms.get(self._db, work.stack.project_id, name)
        if existing is None:
            made = self._new(name, fields)
            await self._store(self._told(made, "created"), Insert(made), physical_id=name)
            return
        if existing.resource_id != work.resource.id:
            raise ResourceFailure(
                f"The project has an alarm {name} already. Give this one another AlarmName."
            )
        values = {**fields, "due_at": moment, "revision": existing.revision + 1}
        change = Update(Alarm, existing.id, values)
        await self._store(self._told(existing, "updated"), change, physical_id=name)

    async def suspend(self, suspended: bool) -> None:
        """See ``Alarms``."""
        existing, moment = await self._existing(), self._db.clock()
        if existing is None:
            return
        state = {} if suspended else first_state({"configured_at": existing.configured_at})
        values = {**state, "suspended": suspended, "due_at": moment, "revision": existing.revision + 1}
        reason = {"reason": "The stack is suspended." if suspended else UNCHECKED}
        await self._store(Update(Alarm, existing.id, values | reason))

    async def delete(self) -> None:
        """See ``Alarms``."""
        if (existing := await self._existing()) is not None:
            await self._store(Remove(Alarm, existing.id), self._told(existing, "deleted"))

    async def release(self) -> None:
        """See ``Alarms``."""
        if (existing := await self._existing()) is not None:
            values = {"origin": API, "stack_id": None, "resource_id": None, "revision": existing.revision + 1}
            await self._store(Update(Alarm, existing.id, values), self._told(existing, "released"))

    async def _existing(self) -> Alarm | None:
        """The resource's alarm; None if there is none, or if its name is that of another's."""
        work = self._work
        if not work.resource.physical_id:
            return None
        found = await alarms.get(self._db, work.stack.project_id, work.resource.physical_id)
        return found if found is not None and found.resource_id == work.resource.id else None

    async def _store(self, *changes: Change, **values: Any) -> None:
        await self._work.store(*changes, **values)
        self._work.run.services.alarm_clock.ring()

    def _fields(self, request: Mapping[str, Any]) -> dict[str, Any]:
        endpoints = self._work.endpoints
        lists = {
            name: [_arn(str(each), endpoints) for each in request.get(name) or ()]
            for name in ACTION_LISTS.values()
        }
        try:
            configuration = checked_configuration({**request, **lists}, in_stack=True)
        except QueryFault as error:
            raise ResourceFailure(error.message) from None
        return {
            "namespace": configuration.get("Namespace"),
            "metric_name": configuration.get("MetricName"),
            "configuration": configuration,
            "interval": interval_of(configuration),
        }

    def _new(self, name: str, fields: Mapping[str, Any]) -> Alarm:
        work = self._work
        return Alarm(
            id=alarm_id(work.stack.project_id, name),
            project_id=work.stack.project_id,
            name=name,
            origin=TEMPLATE,
            stack_id=work.stack.id,
            resource_id=work.resource.id,
            **first_state(fields),
        )

    def _told(self, alarm: Alarm, verb: str) -> Change:
        place = f"by resource {self._work.resource.name} of stack {self._work.stack.name}"
        summary = f'Alarm "{alarm.name}" {verb} {place}'
        return history(alarm, CONFIGURATION, self._db.clock(), summary, {"type": verb})


def _arn(action: str, endpoints: Endpoints) -> str:
    """The ARN of the resource that an action's URL signals, without the signature; else the action."""
    found = addressed(action, endpoints)
    if found is None:
        return action
    names = (found.project_id, found.stack_name, found.stack_id, found.resource)
    project, stack, identity, resource = (quote(each, safe="") for each in names)
    return f"arn:openstack:heat::{project}:stacks/{stack}/{identity}/resources/{resource}"
