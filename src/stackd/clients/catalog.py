"""The service catalog of a token: the endpoints of the services. Pure.

A service is found by any name that it ever had in a catalog; an endpoint is completed with
the version of the API that stackd speaks where the catalog leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Every row: the names of one service, the preferred one first.
_NAMES: tuple[tuple[str, ...], ...] = (
    ("compute",),
    ("network",),
    ("block-storage", "block-store", "volumev3", "volume", "volumev2"),
    ("image",),
    ("object-store",),
    ("identity",),
    ("orchestration",),
    ("placement",),
    ("key-manager",),
    ("load-balancer",),
    ("dns",),
    ("alarm", "alarming"),
    ("metric",),
    ("message", "messaging"),
    ("shared-file-system", "sharev2", "share"),
    ("workflow", "workflowv2"),
    ("container-infrastructure-management", "container-infra"),
    ("application-container", "container"),
    ("baremetal", "bare-metal"),
    ("database",),
    ("reservation", "resource-reservation"),
    ("root-cause-analysis", "rca"),
    ("instance-ha", "ha"),
    ("clustering", "resource-cluster"),
)
_GROUP: Mapping[str, tuple[str, ...]] = {name: group for group in _NAMES for name in group}

# The names by which Heat's templates call the clients of services, each with the service.
_CLIENTS: Mapping[str, str] = {
    "aodh": "alarm",
    "barbican": "key-manager",
    "blazar": "reservation",
    "cinder": "block-storage",
    "designate": "dns",
    "glance": "image",
    "heat": "orchestration",
    "ironic": "baremetal",
    "keystone": "identity",
    "magnum": "container-infrastructure-management",
    "manila": "shared-file-system",
    "mistral": "workflow",
    "neutron": "network",
    "nova": "compute",
    "octavia": "load-balancer",
    "placement": "placement",
    "swift": "object-store",
    "trove": "database",
    "vitrage": "root-cause-analysis",
    "zaqar": "message",
    "zun": "application-container",
}

# The types by which Heat looks for the endpoints of services, where they are not the preferred names.
_SOUGHT: Mapping[str, str] = {
    "alarm": "alarming",
    "application-container": "container",
    "block-storage": "volumev3",
    "container-infrastructure-management": "container-infra",
    "message": "messaging",
    "shared-file-system": "sharev2",
    "workflow": "workflowv2",
}

# What is appended to an endpoint that names no version; {project} is the token's project id.
_VERSION: Mapping[str, str] = {
    "compute": "/v2.1",
    "network": "/v2.0",
    "block-storage": "/v3/{project}",
    "image": "/v2",
    "identity": "/v3",
    "key-manager": "/v1",
    "load-balancer": "/v2",
    "dns": "/v2",
    "alarm": "/v2",
    "metric": "/v1",
    "message": "/v2",
    "shared-file-system": "/v2",
    "workflow": "/v2",
    "container-infrastructure-management": "/v1",
    "application-container": "/v1",
    "baremetal": "/v1",
    "database": "/v1.0/{project}",
    "reservation": "/v1",
}
_VERSION_IN_PATH = re.compile(r"/v\d+(\.\d+)?(/|$)")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry of a catalog."""

    service: str
    interface: str
    region: str
    url: str


def official_name(service: str) -> str:
    """The preferred name of a service: ``block-storage`` for ``volumev3``; unknown ones are their own.

    A service may also be called by the name of its client, such as ``nova``.
    """
    service = _CLIENTS.get(service, service)
    return _GROUP.get(service, (service,))[0]


def client_name(service: str) -> str:
    """The name of a service's client in messages: ``cinder`` for ``volume``; unknown ones are their own."""
    name = official_name(service)
    return next((client for client, each in _CLIENTS.items() if each == name), name)


def sought_type(service: str) -> str:
    """The type by which Heat looks for a service in catalogs: ``volumev3`` for ``volume``."""
    name = official_name(service)
    return _SOUGHT.get(name, name)


def parse_catalog(catalog: Iterable[Mapping[str, Any]]) -> tuple[Endpoint, ...]:
    """The endpoints in the ``catalog`` of a token's body."""
    return tuple(
        Endpoint(
            service=entry.get("type", ""),
            interface=endpoint.get("interface", ""),
            region=endpoint.get("region_id") or endpoint.get("region") or "",
            url=endpoint.get("url", ""),
        )
        for entry in catalog
        for endpoint in entry.get("endpoints", ())
    )


def find_endpoint(
    catalog: Sequence[Endpoint], service: str, *, region: str, interface: str, project_id: str
) -> str | None:
    """The URL of a service, complete with version and without a slash at its end; None if there is none.

    Without a ``region`` the first endpoint of the right interface is taken.
    """
    names = _GROUP.get(official_name(service), (service,))
    offered = [endpoint for endpoint in catalog if endpoint.service in names]
    for name in names:
        for endpoint in offered:
            right = endpoint.service == name and endpoint.interface == interface
            if right and (not region or endpoint.region == region) and endpoint.url:
                return complete_url(official_name(service), endpoint.url, project_id)
    return None


def urls_of(catalog: Iterable[Endpoint], service: str) -> list[str]:
    """The URLs of all endpoints of a service, of every interface and region."""
    names = _GROUP.get(official_name(service), (service,))
    return [endpoint.url for endpoint in catalog if endpoint.service in names and endpoint.url]


def complete_url(service: str, url: str, project_id: str) -> str:
    """The endpoint with the version (and for Cinder the project) added."""
    base = url.rstrip("/")
    path = "/" + base.partition("://")[2].partition("/")[2]
    if service == "identity":
        return re.sub(r"/v\d+(\.\d+)?$", "", base) + "/v3"
    if not _VERSION_IN_PATH.search(path):
        return base + _VERSION.get(service, "").format(project=project_id)
    if service == "block-storage" and path.endswith("/v3"):
        return f"{base}/{project_id}"
    return base
