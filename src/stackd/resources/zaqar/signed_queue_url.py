"""OS::Zaqar::SignedQueueURL, which lets its holder use a queue for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from stackd.records import Resource, now
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.resources.zaqar.queue import SERVICE

_SIGNED: Final = "zaqar_queue_signed_url_data"


class SignedQueueURLProps(Properties):
    """Properties of a signed URL."""

    queue: str = prop("Name of the queue.", required=True)
    paths: list[Any] | None = prop(
        "What of the queue may be used, such as messages and subscriptions; messages if nothing is given."
    )
    ttl: int | None = prop("Seconds for which the URL is good; a day if nothing is given.")
    methods: list[str] | None = prop(
        "What may be done; GET if nothing is given.",
        element_constraints=[one_of("GET", "DELETE", "PATCH", "POST", "PUT")],
    )


def _part(name: str) -> Callable[[Resource], Any]:
    """A value of the signed URL."""
    return lambda resource: resource.data.get(_SIGNED, {}).get(name)


def _query(resource: Resource) -> str | None:
    signed = resource.data.get(_SIGNED)
    if signed is None:
        return None
    return urlencode(
        {
            "signature": signed["signature"],
            "expires": signed["expires"],
            "paths": ",".join(signed["paths"]),
            "methods": ",".join(signed["methods"]),
            "project_id": signed["project"],
            "queue_name": resource.properties.get("queue"),
        }
    )


@resource_type("OS::Zaqar::SignedQueueURL", since="8.0.0")
class SignedQueueURL(ResourceType[SignedQueueURLProps]):
    """What the service signs for everybody who is to use a queue without a token.

    The service keeps nothing of it, so that nothing is deleted: the URL is good until it expires.
    """

    service = SERVICE
    attributes: ClassVar = {
        "signature": attr("The signature.", "any", compute=_part("signature")),
        "expires": attr("When the URL expires.", "any", compute=_part("expires")),
        "paths": attr("What of the queue may be used.", "any", compute=_part("paths")),
        "methods": attr("What may be done.", "any", compute=_part("methods")),
        "project": attr("Id of the project that has the queue.", "any", compute=_part("project")),
        "query_str": attr("All of it as the query of a URL, with the queue's name.", "any", compute=_query),
    }

    async def create(self, ctx: Context, props: SignedQueueURLProps) -> None:
        """Have the URL signed; asking again makes another one that nobody has seen."""
        body: dict[str, Any] = props.body("paths", "methods")
        if props.ttl:
            body["expires"] = f"{now() + timedelta(seconds=props.ttl):%Y-%m-%dT%H:%M:%S}"
        path = f"/queues/{props.queue}/share"
        signed = await ctx.cloud.service(SERVICE).request("POST", path, json=body, idempotent=True)
        await ctx.put_data(**{_SIGNED: signed.body})
        await ctx.created(ctx.physical_name)

    async def delete(self, ctx: Context, props: SignedQueueURLProps) -> None:
        """Nothing to do."""
