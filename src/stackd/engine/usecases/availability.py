"""Which resource types a caller can use: what policy permits, and what their cloud offers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from stackd.engine.definition.desired import Desired
from stackd.engine.usecases.engine import Engine
from stackd.errors import Forbidden, ResourceTypeUnavailable, StackdError
from stackd.records import Caller

UNAVAILABLE: Final = "99001"
"""The only error code that a request may ignore: the service of a resource type is missing in the cloud."""


async def unavailable_types(
    engine: Engine,
    caller: Caller,
    definitions: Iterable[Desired],
    ignored: Collection[str] = (),
    *,
    by_policy: bool = True,
) -> list[StackdError]:
    """One error for each resource type in the definitions that the caller cannot use.

    Unless ``by_policy``, what the policy forbids is left to the request that makes something.
    """
    problems: list[StackdError] = []
    kinds = {kind.name: kind for each in definitions for kind in each.types.values() if not kind.is_template}
    for name, kind in kinds.items():
        if by_policy and not engine.policy.allows_type(caller, name):
            problems.append(Forbidden(f"You are not authorized to use resource_types:{name}."))
        elif UNAVAILABLE not in ignored and (
            why := await unavailable(engine, caller, name, kind.handler.needed_service())
        ):
            problems.append(why)
    return problems


async def unavailable(
    engine: Engine, caller: Caller, name: str, service: str | None
) -> ResourceTypeUnavailable | None:
    """The error for a type whose service is not in the caller's cloud; None if it can be used."""
    if service is None:
        return None
    cloud = engine.trusts.of_caller(caller)
    if await cloud.has_service(service):
        return None
    return ResourceTypeUnavailable(
        f"HEAT-E99001 Service {service} is not available for resource type {name}, "
        "reason: Service endpoint not in service catalog."
    )
