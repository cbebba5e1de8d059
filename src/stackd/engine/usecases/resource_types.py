"""Resource types: those a caller may use, their properties and attributes, and template skeletons."""

from __future__ import annotations

from typing import Any, Final

from stackd.clients.cloud import Cloud
from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.availability import lack, unavailable
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.type_templates import dialect, template
from stackd.engine.usecases.type_views import Json, schema
from stackd.errors import BadRequest, CloudError, Forbidden, NotSupported, StackdError
from stackd.offload import offloaded
from stackd.records import Caller
from stackd.resources.base import ResourceType
from stackd.resources.index import Listing
from stackd.resources.registry import Registry

SUPPORT_STATUSES = ("UNKNOWN", "SUPPORTED", "DEPRECATED", "UNSUPPORTED", "HIDDEN")
_ABSENT: Final = "Service endpoint not in service catalog."
"""Why a type cannot be shown, whatever it is that the cloud lacks."""


class Invalid(StackdError):
    """Data supplied was not valid."""

    code = 400


async def listed(
    engine: Engine,
    caller: Caller,
    *,
    pattern: str | None = None,
    status: str | None = None,
    version: str | None = None,
    rule: str = "stacks:list_resource_types",
) -> list[Listing]:
    """The types that the caller may use and whose service exists in the cloud."""
    enforce(engine, caller, rule)
    if status is not None and status not in SUPPORT_STATUSES:
        raise Invalid(
            f"Data supplied was not valid: Invalid support status and should be one of {SUPPORT_STATUSES}"
        )
    registry = engine.services.registry
    kinds = [registry.types.listing(name) for name in await _matching(registry, pattern, status)]
    wanted = [
        kind
        for kind in kinds
        if version in (None, kind.version) and engine.policy.allows_type(caller, kind.name)
    ]
    needs: dict[str, set[str | None]] = {}
    for kind in wanted:  # many of few services, so that each is asked once
        if kind.service is not None:
            needs.setdefault(kind.service, set()).add(kind.extension)
    cloud = engine.trusts.of_caller(caller)
    there = {service: await _offered(cloud, service, each) for service, each in needs.items()}
    return [kind for kind in wanted if kind.service is None or kind.extension in there[kind.service]]


async def _offered(cloud: Cloud, service: str, extensions: set[str | None]) -> set[str | None]:
    """Which of the extensions the service of the cloud has; None, for the service itself, is there with it.

    A service that does not say what it has has none of them.
    """
    offered: set[str | None] = set()
    try:
        if await cloud.has_service(service):
            offered = {None}
            if extensions - offered:
                offered |= await cloud.service(service).extensions()
    except CloudError:
        pass
    return extensions & offered


async def _matching(registry: Registry, pattern: str | None, status: str | None) -> list[str]:
    try:
        return list(await offloaded(_names, registry, pattern, status))
    except ValueError as error:
        raise BadRequest(f"The name cannot be used as a regular expression: {error}.") from None


def _names(registry: Registry, pattern: str | None, status: str | None) -> list[str]:
    return list(registry.matching(pattern, status))


async def show(
    engine: Engine,
    caller: Caller,
    name: str,
    *,
    described: bool = False,
    rule: str = "stacks:resource_schema",
) -> Json:
    """The properties and attributes of a type whose service exists in the cloud."""
    enforce(engine, caller, rule)
    kind = await _usable(engine, caller, name)
    why = await lack(engine, caller, kind.needed_service(), kind.extension)
    if why is not None:
        raise unavailable(name, why, _ABSENT)
    return {**schema(kind, described=described), "resource_type": name}


async def generate_template(
    engine: Engine,
    caller: Caller,
    name: str,
    *,
    template_type: str | None = None,
    rule: str = "stacks:generate_template",
) -> Json:
    """A template with one resource of a type, in the dialect ``cfn`` or ``hot``."""
    enforce(engine, caller, rule)
    chosen = dialect(template_type)
    return template(await _usable(engine, caller, name), chosen, name)


async def _usable(engine: Engine, caller: Caller, name: str) -> ResourceType[Any]:
    """The type with this name, which may be a former one, if the caller may use it."""
    registry = engine.services.registry
    target = registry.operator.environment.resolve_type(name, "", exists=registry.__contains__) or name
    if target not in registry:
        target = name
    await registry.ready([target])
    kind = registry.get(target)
    if not engine.policy.allows_type(caller, name):
        raise Forbidden(f"You are not authorized to use resource_types:{name}.")
    if kind.support.status == "HIDDEN":
        raise NotSupported(f"{name} is not supported.")
    return kind
