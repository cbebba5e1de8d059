"""OS::Octavia::L7Policy, what a listener does with requests that match rules."""

from __future__ import annotations

from typing import ClassVar, Final

from stackd.errors import PropertyError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import between, one_of
from stackd.resources.octavia.balanced import Balanced, names, octavia
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, same
from stackd.resources.rules import is_set
from stackd.resources.schema import IN_PLACE, Properties, prop

_TARGETS: Final = {
    "REJECT": None,
    "REDIRECT_TO_POOL": "redirect_pool",
    "REDIRECT_TO_URL": "redirect_url",
}
"""The property that says where each action sends requests."""


class L7PolicyProps(Properties):
    """Properties of a policy."""

    name: str | None = prop("Name of the policy.", update=IN_PLACE)
    description: str | None = prop("What the policy is for.", update=IN_PLACE)
    admin_state_up: bool = prop("Whether the policy works.", default=True, update=IN_PLACE)
    action: str = prop(
        "What is done with requests that match all rules.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("REJECT", "REDIRECT_TO_POOL", "REDIRECT_TO_URL")],
    )
    redirect_pool: str | None = prop(
        "Name or id of the pool that gets the requests, for REDIRECT_TO_POOL.",
        update=IN_PLACE,
        find="octavia.pool",
    )
    redirect_url: str | None = prop(
        "URL to which requests are redirected, for REDIRECT_TO_URL.", update=IN_PLACE
    )
    position: float | None = prop(
        "Place of the policy among those of the listener, from 1.", update=IN_PLACE, constraints=[between(1)]
    )
    listener: str = prop("Name or id of the listener.", required=True, find="octavia.listener")


@resource_type("OS::Octavia::L7Policy", since="10.0.0")
class L7Policy(Balanced[L7PolicyProps]):
    """Rejects or redirects what a listener gets, as far as rules match."""

    entity = octavia("l7policy", "l7policies")
    lookups: ClassVar = {"octavia.l7policy": names("L7 policy", "l7policies")}
    fields: ClassVar = same("name", "admin_state_up", "action") | {
        "description": Field("description", cleared=""),
        "redirect_pool": Field("redirect_pool_id", cleared=None),
        "redirect_url": Field("redirect_url", cleared=None),
        "position": Field("position", cleared=KEEP, convert=int),
        "listener": "listener_id",
    }
    attributes: ClassVar = {"rules": attr("The rules of the policy.", "list", LIVE)}

    def validate(self, props: L7PolicyProps) -> None:
        """An action has what it needs to know, and nothing else."""
        super().validate(props)
        if props.action not in _TARGETS:
            return
        needed = _TARGETS[props.action]
        for name in filter(None, _TARGETS.values()):
            if is_set(props.data.get(name)) != (name == needed):
                raise _mismatch(name, props.action, missing=name == needed)


def _mismatch(name: str, action: str, *, missing: bool) -> PropertyError:
    rule, remedy = (
        ("is required", f"Give {name} a value.") if missing else ("must not be given", "Leave it out.")
    )
    message = f"The property {name} {rule} when action is {action}."
    return PropertyError(message, path="properties" if missing else f"properties.{name}", remedy=remedy)
