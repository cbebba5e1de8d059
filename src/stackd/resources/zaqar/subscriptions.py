"""What all subscriptions have in common: the service knows them by their queue and subscriber.

A subscriber whose URL begins with ``trust+`` is called with a token of the stack's user, by a trust that the
service makes once, when the subscription is made. The trust is an option of the subscription from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar

from stackd.records import now
from stackd.resources.constraints import between, custom
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.resources.zaqar.queue import PAGE, SERVICE
from stackd.template.unknown import Unknown

_FOR_EVER: Final = 220367260800
_TRUST: Final = "trust+"
_TRUST_OPTION: Final = "trust_id"


class SubscriptionProps(Properties):
    """Properties of every subscription."""

    queue_name: str = prop("Name of the queue.", required=True, constraints=[custom("zaqar.queue")])
    ttl: int = prop(
        "Seconds for which the subscription lasts.",
        default=_FOR_EVER,
        update=IN_PLACE,
        constraints=[between(60)],
    )


S = TypeVar("S", bound=SubscriptionProps)


class SubscriptionType(RestResource[S]):
    """A subscription to a queue. ``creation`` has all that is known of it."""

    properties = SubscriptionProps
    entity = Entity(
        SERVICE,
        "/queues/{queue_name}/subscriptions",
        "",
        "subscriptions",
        update="PATCH",
        list_query=PAGE,
        name_field="",
    )
    fields: ClassVar = {"ttl": "ttl"}

    async def create(self, ctx: Context, props: S) -> None:
        """Make the subscription; all that the service returns is its id."""
        body = await self.creation(ctx, props)
        cloud = await ctx.delegating() if needs_trust(body["subscriber"]) else ctx.cloud
        path = self.entity.of(ctx.resource).path
        made = await cloud.service(SERVICE).post(path, body)
        await ctx.created(made["subscription_id"])

    async def find(self, ctx: Context, props: S) -> Sequence[JSON]:
        """The queue's subscription of this subscriber, which is the only one; with the time it was made."""
        subscriber = (await self.creation(ctx, props))["subscriber"]
        path = self.entity.of(ctx.resource).path
        listed = await ctx.cloud.service(SERVICE).list_all(path, self.entity.plural, PAGE)
        return [
            {**each, "created_at": (now() - timedelta(seconds=each["age"])).isoformat()}
            for each in listed
            if each["subscriber"] == subscriber
        ]

    async def change(self, ctx: Context, old: S, new: S) -> JSON:
        """What differs. New options keep the trust."""
        before, after = await self.creation(ctx, old), await self.creation(ctx, new)
        body = {key: value for key, value in after.items() if value != before[key]}
        if "options" in body:
            live = await ctx.live(fresh=True)
            body["options"] = _trust_of(live) | body["options"]
        return body


def needs_trust(subscriber: Any) -> bool:
    """Whether the service makes a trust for a subscriber; not for one that is not known yet."""
    return not isinstance(subscriber, Unknown) and str(subscriber).startswith(_TRUST)


def _trust_of(live: Mapping[str, Any]) -> JSON:
    options = live.get("options") or {}
    return {_TRUST_OPTION: options[_TRUST_OPTION]} if _TRUST_OPTION in options else {}


def given_options(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> JSON:
    """The options that a subscription shows, without a trust that nobody gave."""
    options: Mapping[str, Any] = live.get("options") or {}
    return {key: value for key, value in options.items() if key != _TRUST_OPTION or key in wanted}
