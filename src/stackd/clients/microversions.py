"""The microversion of each API that stackd requests, and the versions that services report. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stackd.clients.catalog import official_name


@dataclass(frozen=True, slots=True)
class Microversion:
    """The header that carries the version, the prefix of the number, and the default number."""

    header: str
    prefix: str
    default: str


_COMMON = "OpenStack-API-Version"
_KNOWN: Mapping[str, Microversion] = {
    "compute": Microversion(_COMMON, "compute ", "2.72"),
    "block-storage": Microversion(_COMMON, "volume ", "3.59"),
    "placement": Microversion(_COMMON, "placement ", "1.30"),
    "baremetal": Microversion("X-OpenStack-Ironic-API-Version", "", "1.72"),
    "shared-file-system": Microversion("X-OpenStack-Manila-API-Version", "", "2.65"),
    "application-container": Microversion(_COMMON, "container ", "1.40"),
    "container-infrastructure-management": Microversion(_COMMON, "container-infra ", "1.10"),
    "key-manager": Microversion(_COMMON, "key-manager ", ""),
}
_IN_PATH = re.compile(r"/v\d+(\.\d+)?$")
_ID = re.compile(r"v(\d+)\.(\d+)")
_MAXIMUM = re.compile(r"(?:maximum is |supported version range is: \[[\d.]+, )(\d+\.\d+)", re.IGNORECASE)


def default_version(service: str, chosen: Mapping[str, str]) -> str:
    """The microversion for a service: the operator's choice under any of its names, else the default."""
    name = official_name(service)
    for key, version in chosen.items():
        if official_name(key) == name:
            return version
    return _KNOWN[name].default if name in _KNOWN else ""


def version_headers(service: str, version: str) -> dict[str, str]:
    """The header that requests ``version``; empty for a service without microversions."""
    known = _KNOWN.get(official_name(service))
    return {known.header: known.prefix + version} if known and version else {}


def supported_maximum(message: str) -> str:
    """The highest supported version in a service's refusal (406) of the requested one."""
    found = _MAXIMUM.search(message)
    return found[1] if found else ""


def versions_url(endpoint: str) -> str:
    """The URL of a service's version document, above the endpoint of one version."""
    return f"{_IN_PATH.sub('', endpoint)}/"


def newest_version(document: Any) -> tuple[int, int]:
    """The newest version in a service's list of versions (ids as ``v2.11``); zeros if there is none."""
    listed = document.get("versions") if isinstance(document, Mapping) else None
    ids = [str(each.get("id")) for each in listed or () if isinstance(each, Mapping)]
    found = [(int(match[1]), int(match[2])) for each in ids if (match := _ID.fullmatch(each))]
    return max(found, default=(0, 0))
