"""Which resource types a caller can use: what policy permits, and what their cloud offers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from stackd.clients.catalog import client_name, sought_type
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.types import ResolvedType
from stackd.engine.usecases.engine import Engine
from stackd.errors import Forbidden, ResourceTypeUnavailable, StackdError
from stackd.records import Caller

UNAVAILABLE: Final = "99001"
"""The only error code that a request may ignore: the service of a resource type is missing in the cloud."""


@dataclass(frozen=True, slots=True)
class Lack:
    """What a cloud lacks: the service, by the name of its client, and why it cannot be used."""

    client: str
    reason: str


def types_in(definitions: Iterable[Desired]) -> list[ResolvedType]:
    """The resource types in the definitions; many resources share one."""
    return list({id(kind): kind for each in definitions for kind in each.types.values()}.values())


async def unavailable_types(
    engine: Engine,
    caller: Caller,
    types: Iterable[ResolvedType],
    ignored: Collection[str] = (),
    *,
    by_policy: bool = True,
) -> list[StackdError]:
    """One error for each of the resource types that the caller cannot use.

    Unless ``by_policy``, what the policy forbids is left to the request that makes something.
    """
    problems: list[StackdError] = []
    kinds = {kind.name: kind for kind in types if not kind.is_template}
    known: dict[tuple[str | None, str | None], Lack | None] = {}  # many types need the same
    for name, kind in kinds.items():
        if by_policy and not engine.policy.allows_type(caller, name):
            problems.append(Forbidden(f"You are not authorized to use resource_types:{name}."))
        elif UNAVAILABLE not in ignored:
            needed = kind.handler.needed_service(), kind.handler.extension
            if needed not in known:
                known[needed] = await lack(engine, caller, *needed)
            if (why := known[needed]) is not None:
                problems.append(unavailable(name, why))
    return problems


async def lack(engine: Engine, caller: Caller, service: str | None, extension: str | None) -> Lack | None:
    """What the caller's cloud lacks of a service and of an extension of its API; None if both are there."""
    if service is None:
        return None
    cloud = engine.trusts.of_caller(caller)
    if not await cloud.has_service(service):
        client = client_name(service)
        return Lack(client, f"{client} {sought_type(service)} endpoint is not in service catalog.")
    if extension is None or extension in await cloud.service(service).extensions():
        return None
    client = client_name(service)
    return Lack(client, f"Required extension {extension} in {client} service is not available.")


def unavailable(name: str, why: Lack, reason: str = "") -> ResourceTypeUnavailable:
    """The error for a type that needs what the caller's cloud lacks."""
    return ResourceTypeUnavailable(
        f"HEAT-E{UNAVAILABLE} Service {why.client} is not available for resource type {name}, "
        f"reason: {reason or why.reason}"
    )
