"""The services that a dev cloud can have. Each is imported when a cloud has it, and not before."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from stackd.devcloud.service import Service

_ALWAYS: Final = "keystone"


@dataclass(frozen=True, slots=True)
class Offer:
    """Where a service is declared, and the services that it asks: they are at work behind it."""

    module: str
    name: str
    needs: tuple[str, ...] = ()


SERVICES: Final[Mapping[str, Offer]] = {
    "keystone": Offer("keystone", "KEYSTONE"),
    "neutron": Offer("neutron", "NEUTRON"),
    "glance": Offer("glance", "GLANCE"),
    "nova": Offer("nova", "NOVA", ("neutron", "glance", "cinder")),
    "cinder": Offer("cinder", "CINDER", ("glance",)),
    "swift": Offer("swift", "SWIFT"),
    "zaqar": Offer("zaqar", "ZAQAR"),
    "aodh": Offer("aodh", "AODH", ("zaqar",)),
    "octavia": Offer("octavia", "OCTAVIA", ("neutron", "barbican")),
    "barbican": Offer("barbican", "BARBICAN"),
    "designate": Offer("designate", "DESIGNATE"),
    "ironic": Offer("ironic", "IRONIC"),
    "blazar": Offer("blazar", "BLAZAR", ("nova",)),
    "magnum": Offer("magnum", "MAGNUM", ("nova", "neutron", "glance")),
    "zun": Offer("zun", "ZUN", ("neutron", "cinder")),
    "manila": Offer("manila", "MANILA", ("neutron",)),
    "trove": Offer("trove", "TROVE", ("nova", "neutron", "cinder")),
    "mistral": Offer("mistral", "MISTRAL"),
}
"""By name, in the order in which they start."""


@dataclass(frozen=True, slots=True)
class Present:
    """A service of a cloud, and whether the catalog has it or others only use it."""

    service: Service
    is_listed: bool


def present(chosen: Collection[str]) -> list[Present]:
    """The chosen services, all if none is, with Keystone and those that they need; ValueError for others."""
    listed = {_ALWAYS, *(chosen or SERVICES)}
    if unknown := sorted(listed - SERVICES.keys()):
        raise ValueError(f"The dev cloud has no service {', '.join(unknown)}, but {', '.join(SERVICES)}.")
    working: set[str] = set()
    waiting = sorted(listed)
    while waiting:
        name = waiting.pop()
        if name not in working:
            working.add(name)
            waiting += SERVICES[name].needs
    return [Present(_declared(offer), name in listed) for name, offer in SERVICES.items() if name in working]


def _declared(offer: Offer) -> Service:
    service: Service = getattr(importlib.import_module(f"stackd.devcloud.{offer.module}"), offer.name)
    return service
