"""How a network or a part of it is realised: which facts each type of network has. Pure."""

from __future__ import annotations

from typing import Any, Final

from stackd.errors import PropertyError
from stackd.resources.constraints import one_of
from stackd.resources.rules import is_set, known
from stackd.resources.schema import Properties

NETWORK_TYPES: Final = one_of("local", "vlan", "vxlan", "gre", "geneve", "flat")
_TUNNELS = ("vxlan", "gre", "geneve")
_WITHOUT: Final = {
    "physical_network": ("local", *_TUNNELS),
    "segmentation_id": ("local", "flat"),
}
_MOST_VLANS = 4094


def check_unfit(props: Properties) -> None:
    """Refuse what networks of the type do not have."""
    kind = known(props.data.get("network_type"))
    for name, kinds in _WITHOUT.items():
        if kind in kinds and is_set(props.data.get(name)):
            raise PropertyError(
                f"{name} is prohibited for {kind} networks.",
                path=f"properties.{name}",
                remedy="Leave it out, or choose another network_type.",
            )


def check_complete(props: Properties) -> None:
    """Refuse a flat network or a VLAN without its physical network, and VLAN ids that cannot be."""
    kind, number = known(props.data.get("network_type")), known(props.data.get("segmentation_id"))
    if kind in ("flat", "vlan") and not is_set(props.data.get("physical_network")):
        raise PropertyError(
            f"physical_network is required for {kind} networks.",
            path="properties",
            remedy="Name the physical network.",
        )
    if kind == "vlan" and number is not None and number > _MOST_VLANS:
        raise PropertyError(
            f"segmentation_id {number} is out of range for vlan networks, whose ids go up to {_MOST_VLANS}.",
            path="properties.segmentation_id",
            remedy=f"Choose one from 1 to {_MOST_VLANS}.",
        )


def segmentation(value: Any) -> Any:
    """A segmentation id as the API has it: a number, though a template may have it as a text."""
    return int(value) if str(value).isdecimal() else value
