"""What all alarms have in common: requests to Aodh, actions, and a rest while their stack is suspended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.aodh.alarm_props import AlarmProps
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.follows import Named, Siblings
from stackd.resources.heat.scaling_policy import URL
from stackd.resources.rest import without_nulls

P = TypeVar("P", bound=AlarmProps)

STATES: Final = ("alarm", "ok", "insufficient_data")


class AlarmType(ResourceType[P]):
    """An alarm of one kind. ``rule_fields`` are the properties that its rule has under the same name."""

    entity = Entity("alarming", "/alarms", "", "", update="PUT", id_field="alarm_id", found_by=())
    checkable = True
    alarm_type: ClassVar[str] = ""
    rule_fields: ClassVar[Sequence[str]] = ()
    follows = (Named(lambda properties: (text for _, text in _named_actions(properties))),)

    async def rule(self, ctx: Context, props: P) -> JSON:
        """What the alarm is about, complete."""
        rule: JSON = without_nulls(props.body(*self.rule_fields))
        return rule

    def validate_among(self, props: P, siblings: Siblings) -> None:
        """An action is a URL or the name of another resource."""
        for place, text in _named_actions(props.data):
            if text not in siblings:
                raise PropertyError(
                    f'"{text}" is neither a URL nor the name of a resource of this template.',
                    path=f"properties.{place}",
                    remedy="Give a URL, such as the attribute alarm_url of a scaling policy.",
                )

    async def definition(self, ctx: Context, props: P) -> JSON:
        """The alarm as the service takes it, complete."""
        return {
            "name": ctx.physical_name,
            "type": self.alarm_type,
            "description": props.description or "",
            "severity": props.severity,
            "enabled": props.enabled,
            "repeat_actions": props.repeat_actions,
            "time_constraints": without_nulls(props.data["time_constraints"]),
            f"{self.alarm_type}_rule": await self.rule(ctx, props),
            **{f"{state}_actions": await _actions(ctx, props, state) for state in STATES},
        }

    async def create(self, ctx: Context, props: P) -> None:
        """Make the alarm."""
        body = await self.definition(ctx, props)
        cloud = await ctx.delegating() if _needs_trust(body) else ctx.cloud
        made = await cloud.service("alarming").post("/alarms", body)
        await ctx.created(made["alarm_id"], made)

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """The alarms with the deterministic name."""
        query = {"q.field": "name", "q.op": "eq", "q.value": ctx.physical_name}
        found: list[JSON] = await ctx.cloud.service("alarming").list_all("/alarms", "", query)
        return found

    async def update(self, ctx: Context, old: P, new: P) -> None:
        """Give the alarm its new definition; its state stays."""
        await _put(ctx, await self.definition(ctx, new))

    async def suspend(self, ctx: Context, props: P) -> None:
        """Nothing is evaluated until the alarm is resumed."""
        await _put(ctx, await self.definition(ctx, props) | {"enabled": False})

    async def resume(self, ctx: Context, props: P) -> None:
        """Evaluate again, unless the alarm is disabled by its properties."""
        await _put(ctx, await self.definition(ctx, props))


async def _put(ctx: Context, definition: JSON) -> None:
    """Replace the definition. The service would also reset what is not sent: the state, for one."""
    live = await ctx.live(fresh=True)
    lacks_trust = _needs_trust(definition) and not _needs_trust(live)
    cloud = await ctx.delegating() if lacks_trust else ctx.cloud
    await cloud.service("alarming").put(f"/alarms/{ctx.physical_id}", live | definition)


def _needs_trust(alarm: JSON) -> bool:
    """Whether the service makes, or has made, a trust of the user for the actions of an alarm."""
    actions = (each for state in STATES for each in alarm.get(f"{state}_actions") or ())
    return any(str(each).startswith("trust+") for each in actions)


async def _actions(ctx: Context, props: AlarmProps, state: str) -> list[str]:
    """The URLs to call in a state; those for queues have the service send by a trust of the user."""
    given: Iterable[Any] = props.data.get(f"{state}_actions") or ()
    queues: Iterable[str] = props.data.get(f"{state}_queues") or ()
    urls = [await _url(ctx, str(each)) for each in given if each is not None]
    return [*urls, *(f"trust+zaqar://?{urlencode({'queue_name': queue})}" for queue in queues)]


async def _url(ctx: Context, action: str) -> str:
    """The URL of an action: itself, or what the resource of that name is signalled by."""
    if _is_url(action):
        return action
    resource = await ctx.sibling(action)
    if resource is None or not resource.data.get(URL):
        raise ResourceFailure(f'The action "{action}" is neither a URL nor a resource that has one.')
    return str(resource.data[URL])


def _named_actions(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The actions that are names of resources, each with its place."""
    for state in STATES:
        actions = properties.get(f"{state}_actions")
        for index, each in enumerate(actions if isinstance(actions, list) else ()):
            if isinstance(each, str) and each and not _is_url(each):
                yield f"{state}_actions[{index}]", each


def _is_url(action: str) -> bool:
    return ":" in action
