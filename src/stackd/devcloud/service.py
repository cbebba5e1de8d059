"""A service of the cloud: its path prefix, catalog entry, error format and routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from stackd.devcloud.collection import Collection, Style, routes_of
from stackd.devcloud.wire import Call, Fault, Reply, Route, Router
from stackd.devcloud.world import Actor, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Microversions:
    """The range of versions within an API that callers choose from by a header."""

    name: str
    """The service's name in `OpenStack-API-Version`."""

    lowest: tuple[int, int]
    highest: tuple[int, int]
    legacy_header: str = ""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service, declared."""

    name: str
    prefix: str
    """First segment of its paths."""

    catalog: tuple[tuple[str, str, str], ...]
    """Type, name and URL path (with `$(project_id)s`) under which the catalog lists it."""

    fault: Callable[[Fault], Reply]
    collections: tuple[tuple[Collection, Style], ...] = ()
    routes: tuple[Route, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Objects that are not collections of their own, with their indexes."""

    microversions: Microversions | None = None
    request_id_headers: tuple[str, ...] = ("x-openstack-request-id",)
    api: str = ""
    """Path of the API version below the prefix, to which routes are relative."""

    split: Callable[[str], tuple[str, str]] | None = None
    """Splits a path below `api` into the part of the base URL and the routed rest."""

    versions: Callable[[Call], Reply] | None = None
    """Answers for paths above `api`: the list of versions."""

    sign_in: Callable[[Call], Actor | None] | None = None
    """Recognises callers without a token, such as those with a signed URL."""

    direct: Callable[[Call], Reply] | None = None
    """Handles every call itself, for services whose paths are not made of segments."""

    start: Callable[[World], None] | None = None
    """Creates the initial objects of the service."""

    @cached_property
    def router(self) -> Router:
        """All routes; special ones win over those of collections."""
        made = [route for collection, style in self.collections for route in routes_of(collection, style)]
        return Router([*self.routes, *made])
