"""Enrollment: credentials that are kept for users also while no stack uses them.

They serve requests that can delegate nothing, being signed with an EC2 key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stackd.auth.trusts import TrustKey, require_delegation, trust_key
from stackd.clients.credentials import ApplicationCredential
from stackd.clients.pool import Clouds
from stackd.db import credentials
from stackd.db.credentials import STANDING
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Update
from stackd.engine.services.trusts import Trusts
from stackd.errors import BadRequest, CloudForbidden, CloudNotFound, CloudUnauthorized, Fenced
from stackd.records import Caller, Credential, new_id, now


class Enrollments:
    """Keeps credentials of callers, or no longer."""

    def __init__(self, db: Database, journal: Journal, clouds: Clouds, trusts: Trusts) -> None:
        self._db = db
        self._journal = journal
        self._clouds = clouds
        self._trusts = trusts

    async def enroll(self, caller: Caller) -> Credential:
        """Make a trust of the caller that is kept also while no stack uses it; what is enrolled stays so."""
        token = await self._trusts.of_caller(caller).token()
        require_delegation(token)
        key = trust_key(token, self._trusts.roles)
        async with self._trusts.lock(key):
            try:
                return await self._kept_enrolled(await self._trusts.serving(key, token))
            except Fenced:  # another process has just retired it
                return await self._kept_enrolled(await self._trusts.serving(key, token))

    async def enroll_application(self, caller: Caller, application: ApplicationCredential) -> Credential:
        """Keep an application credential of the caller; it replaces one that was kept before.

        ``BadRequest`` if Keystone does not accept it, or it is not of the caller and the project.
        """
        try:
            token = await self._clouds.cloud(application).token()
        except (CloudUnauthorized, CloudForbidden, CloudNotFound) as refusal:
            raise BadRequest(f"Keystone does not accept the application credential: {refusal}") from refusal
        if (token.user_id, token.project_id) != (caller.user_id, caller.project_id):
            raise BadRequest("The application credential is not one of the caller in this project.")
        key = TrustKey(token.user_id, token.project_id, tuple(sorted(token.roles)))
        sealed = f"{application.id}:{application.secret}"
        async with self._trusts.lock(key):
            stored = await credentials.of_user(self._db, key.user_id, key.project_id)
            kept = next((one for one in stored if one.application), None) or Credential(
                id="",
                user_id=key.user_id,
                project_id=key.project_id,
                roles=key.roles,
                trust_id="",
                created_at=now(),
            )
            return await self._keep_application(kept, key.roles, sealed)

    async def _keep_application(
        self, kept: Credential, roles: tuple[str, ...], application: str
    ) -> Credential:
        """Store an application credential in the place of another one; the id is empty if there is none."""
        values: dict[str, Any] = {
            "state": STANDING,
            "roles": roles,
            "application": application,
            "enrolled": True,
        }
        if kept.id:
            await self._journal.write(Update(Credential, kept.id, values))
            return replace(kept, **values)
        made = replace(kept, id=new_id(), **values)
        await self._journal.write(Insert(made))
        return made

    async def _kept_enrolled(self, serving: Credential) -> Credential:
        """The credential, enrolled."""
        if not serving.enrolled:
            await self._journal.write(
                Update(Credential, serving.id, {"enrolled": True}, where={"roles": serving.roles})
            )
        return replace(serving, enrolled=True)

    async def enrolled(self, caller: Caller) -> list[Credential]:
        """The credentials that are kept for the caller in the project."""
        stored = await credentials.of_user(self._db, caller.user_id, caller.project_id)
        return [one for one in stored if one.enrolled]

    async def withdraw(self, caller: Caller) -> None:
        """Keep the caller's credentials no longer than stacks use them."""
        for one in await self.enrolled(caller):
            await self._journal.write(Update(Credential, one.id, {"enrolled": False}))
