"""OS::Designate::Zone, a part of the domain name system that the DNS service keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import between, length, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.designate.pending import LARGEST_PAGE, Pending
from stackd.resources.entity import Entity
from stackd.resources.follows import Follows, Key, Siblings, key_of
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_ZONE: Final = "OS::Designate::Zone"
_NEEDS: Final = {"PRIMARY": "email", "SECONDARY": "primaries"}
_OF_OTHERS: Final = {"PRIMARY": ("masters",), "SECONDARY": ("email", "ttl")}
"""The fields that the service refuses for zones of each type."""

_OLD_NAME: Final = Support("DEPRECATED", "15.0.0", message="Use primaries.")


class ZoneProps(Properties):
    """Properties of a zone."""

    name: str = prop("Name of the zone, with its final dot.", required=True, constraints=[length(None, 255)])
    type: str = prop(
        "Whether the zone is kept here or copied from other servers.",
        default="PRIMARY",
        constraints=[one_of(*_NEEDS)],
    )
    email: str | None = prop("Address of whoever is responsible; for primary zones.", update=IN_PLACE)
    ttl: int | None = prop(
        "Seconds that records without a time of their own may be remembered; for primary zones.",
        update=IN_PLACE,
        constraints=[between(1, 2147483647)],
    )
    description: str | None = prop("What the zone is for.", update=IN_PLACE, constraints=[length(None, 160)])
    primaries: list[Any] | None = prop("The servers to copy from; for secondary zones.", update=IN_PLACE)
    masters: list[Any] | None = prop(
        "The former name of primaries.", update=IN_PLACE, moved_to="primaries", support=_OLD_NAME
    )
    attributes: dict[str, Any] | None = prop("Pairs by which the service chooses servers.", since="24.0.0")


def _name(properties: Mapping[str, Any]) -> Key:
    return key_of(properties.get("name"))


def _parents(properties: Mapping[str, Any], siblings: Siblings) -> Sequence[Key]:
    """The names of all zones that a zone may be in."""
    name = properties.get("name")
    parts = name.split(".") if isinstance(name, str) else []
    return [".".join(parts[start:]) for start in range(1, len(parts) - 1)]


@resource_type(_ZONE, since="8.0.0")
class Zone(Pending[ZoneProps]):
    """A zone. One inside another zone of the stack is deleted first: the service demands it."""

    entity = Entity("dns", "/zones", "", "zones", update="PATCH", list_query=LARGEST_PAGE)
    lookups: ClassVar = {"designate.zone": Collection("Zone", "dns", "/zones", "zones")}
    fields: ClassVar = same("name", "type", "email", "ttl", "description", "attributes") | {
        "primaries": "masters"
    }
    follows = (Follows(_ZONE, key=_name, keys=_parents, guess=True),)
    shown_by: ClassVar = dict.fromkeys(("email", "ttl", "description", "primaries"), ("serial",))
    attributes: ClassVar = {"serial": attr("Number of the zone's state.", how=LIVE)}

    def validate(self, props: ZoneProps) -> None:
        """Primary zones need an address, and secondary ones servers."""
        needed = _NEEDS.get(props.type) if isinstance(props.type, str) else None
        if needed and not props.data[needed]:
            raise PropertyError(
                f"Property {needed} is required for zone type {props.type}",
                path="properties",
                remedy=f"Give {needed}.",
            )

    def body(self, ctx: Context, props: ZoneProps) -> JSON:
        """What the service would refuse for the type is left out."""
        body = super().body(ctx, props)
        return {name: value for name, value in body.items() if name not in _OF_OTHERS[props.type]}
