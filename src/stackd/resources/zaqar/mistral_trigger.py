"""OS::Zaqar::MistralTrigger, which executes a workflow for each message of a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, prop
from stackd.resources.zaqar.subscriptions import SubscriptionProps, SubscriptionType

_MESSAGE: Final = "$zaqar_message$"
"""What the service writes the message in place of."""


class MistralTriggerProps(SubscriptionProps):
    """Properties of a trigger."""

    workflow_id: str = prop(
        "Name or id of the workflow.",
        required=True,
        update=IN_PLACE,
        constraints=[custom("mistral.workflow")],
    )
    params: dict[str, Any] = prop(
        "Parameters of the executions, such as task_name and env.", default={}, update=IN_PLACE
    )
    input: dict[str, Any] = prop("Input of the executions.", default={}, update=IN_PLACE)


@resource_type("OS::Zaqar::MistralTrigger", since="8.0.0")
class MistralTrigger(SubscriptionType[MistralTriggerProps]):
    """Executes a workflow for each message of a queue, which its tasks find in ``env().notification``.

    A queue has one trigger at most: all of them are the same subscriber.
    """

    async def creation(self, ctx: Context, props: MistralTriggerProps) -> JSON:
        """A subscription that posts the request for an execution."""
        endpoint = await ctx.cloud.service("workflow").endpoint()
        return {
            "subscriber": f"trust+{endpoint}/executions",
            "ttl": props.ttl,
            "options": {"post_data": json.dumps(_request(props))},
        }

    def observed(self, props: MistralTriggerProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """What is asked of the workflow service."""
        wanted, asked = _request(props), _asked(live)
        shown = {name: (wanted[name], asked.get(name)) for name in ("workflow_id", "params", "input")}
        return {**(super().observed(props, live) or {}), **shown}


def _request(props: MistralTriggerProps) -> JSON:
    env = props.params.get("env")
    env = {**(env if isinstance(env, Mapping) else {}), "notification": _MESSAGE}
    return {"workflow_id": props.workflow_id, "params": {**props.params, "env": env}, "input": props.input}


def _asked(live: JSON) -> JSON:
    """The request in the options of a subscription; empty where there is none."""
    try:
        asked = json.loads((live.get("options") or {}).get("post_data") or "{}")
    except (TypeError, ValueError):
        return {}
    return asked if isinstance(asked, dict) else {}
