"""OS::Zaqar::Subscription, which sends the messages of a queue to a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from stackd.errors import PropertyError
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, prop
from stackd.resources.zaqar.subscriptions import (
    SubscriptionProps,
    SubscriptionType,
    given_options,
    needs_trust,
)
from stackd.template.unknown import Unknown

_SCHEMES: Final = ("http", "https", "mailto", "trust+http", "trust+https")


class QueueSubscriptionProps(SubscriptionProps):
    """Properties of a subscription."""

    subscriber: str = prop(
        f"URL to which messages go; it begins with {', '.join(_SCHEMES[:-1])} or {_SCHEMES[-1]}.",
        required=True,
        update=IN_PLACE,
    )
    options: dict[str, Any] | None = prop(
        "How messages are sent, such as post_data and post_headers.", update=IN_PLACE
    )


@resource_type("OS::Zaqar::Subscription", since="8.0.0")
class Subscription(SubscriptionType[QueueSubscriptionProps]):
    """Posts each message of a queue to a URL, such as the alarm_url of a scaling policy.

    The service makes the trust that a subscriber may need for new subscriptions only.
    """

    fields: ClassVar = same("subscriber", "ttl")

    def validate(self, props: QueueSubscriptionProps) -> None:
        """The subscriber is reached in one of the ways that the service has."""
        subscriber = props.data["subscriber"]
        if not isinstance(subscriber, Unknown) and urlsplit(subscriber).scheme not in _SCHEMES:
            raise PropertyError(
                f"The subscriber {subscriber} does not begin with one of {', '.join(_SCHEMES)}.",
                path="properties.subscriber",
                remedy="Give a URL of one of these kinds.",
            )

    def needs_replace(
        self, old: QueueSubscriptionProps, new: QueueSubscriptionProps, changed: frozenset[str]
    ) -> str | None:
        """A subscriber that needs a trust takes the place of one that needed none."""
        if needs_trust(new.data.get("subscriber")) and not needs_trust(old.data.get("subscriber")):
            return "the service makes a trust for new subscriptions only"
        return None

    async def creation(self, ctx: Context, props: QueueSubscriptionProps) -> JSON:
        """The subscription, complete."""
        return {"subscriber": props.subscriber, "ttl": props.ttl, "options": props.options or {}}

    def observed(self, props: QueueSubscriptionProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """The fields, and the options as they were given."""
        wanted = props.options or {}
        return {**(super().observed(props, live) or {}), "options": (wanted, given_options(live, wanted))}
