"""Enrollment: by what stackd may act for a user whose requests delegate nothing, being signed with a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from cachetools import TTLCache

from stackd.clients.credentials import ApplicationCredential
from stackd.engine.usecases.access import GUEST, enforce
from stackd.engine.usecases.engine import Engine
from stackd.errors import BadRequest, MissingCredential, StackdError
from stackd.records import Caller, Credential

log = structlog.get_logger(__name__)

_REMEMBERED = 20_000
_FOR = 600.0


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One credential that is kept: of which kind, with which roles, and how it stands."""

    kind: str
    roles: Sequence[str]
    state: str


async def enroll(engine: Engine, caller: Caller, *, rule: str = "enrollment:create") -> Enrollment:
    """Keep a trust of the caller in the project."""
    enforce(engine, caller, rule)
    return _shown(await engine.enrollments.enroll(caller))


async def enroll_application(
    engine: Engine, caller: Caller, identity: str, secret: str, *, rule: str = "enrollment:create"
) -> Enrollment:
    """Keep an application credential of the caller in the project."""
    enforce(engine, caller, rule)
    if not identity or not secret or ":" in identity:
        raise BadRequest("The application credential needs its id and its secret.")
    return _shown(
        await engine.enrollments.enroll_application(caller, ApplicationCredential(secret, id=identity))
    )


async def enrolled(engine: Engine, caller: Caller, *, rule: str = "enrollment:show") -> list[Enrollment]:
    """What is kept for the caller in the project."""
    enforce(engine, caller, rule)
    return [_shown(each) for each in await engine.enrollments.enrolled(caller)]


async def withdraw(engine: Engine, caller: Caller, *, rule: str = "enrollment:delete") -> None:
    """Keep nothing for the caller once no stack needs it."""
    enforce(engine, caller, rule)
    await engine.enrollments.withdraw(caller)


def _shown(credential: Credential) -> Enrollment:
    kind = "application_credential" if credential.application else "trust"
    return Enrollment(kind, credential.roles, credential.state)


class FirstUses:
    """Enrolls users when they first use the native API."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: TTLCache[tuple[str, str], bool] = TTLCache(_REMEMBERED, _FOR)

    async def note(self, caller: Caller) -> None:
        """Enroll a caller who can delegate, unless that was done lately."""
        who = (caller.user_id, caller.project_id)
        if not caller.project_id or GUEST in caller.roles or caller.is_signed or who in self._seen:
            return
        self._seen[who] = True
        try:
            await self._engine.enrollments.enroll(caller)
        except MissingCredential:
            return  # a token that delegates nothing
        except StackdError as error:
            log.warning("user_not_enrolled", user=caller.user_id, error=str(error))
            self._seen.pop(who, None)
