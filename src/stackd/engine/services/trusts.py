"""The trusts that operations act with: one per user, project and set of roles, shared by stacks."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from stackd.auth.trusts import TrustKey, create_trust, delete_trust, find_trust, trust_key
from stackd.clients.cloud import Cloud
from stackd.clients.credentials import PasswordCredentials, TokenCredentials, TrustCredentials
from stackd.clients.failures import AnswerLost
from stackd.clients.pool import Clouds
from stackd.db import credentials
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Remove
from stackd.engine.services.locks import Locks
from stackd.errors import MissingCredential
from stackd.records import Caller, Credential, Stack, new_id, now


class Trusts:
    """Finds or creates the trust of a caller, and returns the cloud that authenticates with it."""

    def __init__(
        self,
        db: Database,
        journal: Journal,
        clouds: Clouds,
        service: PasswordCredentials,
        roles: Sequence[str] = (),
    ) -> None:
        self._db = db
        self._journal = journal
        self._clouds = clouds
        self._service = service
        self._roles = tuple(roles)
        self._locks = Locks()
        self._borrowed: Counter[str] = Counter()

    def of_caller(self, caller: Caller) -> Cloud:
        """The cloud as the caller's own token sees it."""
        return self._clouds.cloud(TokenCredentials(caller.token), region=caller.region)

    def of_service(self) -> Cloud:
        """The cloud as the service user sees it."""
        return self._clouds.cloud(self._service)

    @contextlib.asynccontextmanager
    async def borrowed(self, caller: Caller) -> AsyncIterator[Credential]:
        """The stored trust of this user, project and set of roles; made with the caller's token if new.

        It is not revoked inside the block, so that the stack that uses it can be stored.
        """
        cloud = self.of_caller(caller)
        key = await trust_key(cloud, self._roles)
        async with self._lock(key):
            known = await credentials.matching(self._db, key.user_id, key.project_id, key.roles)
            credential = known or await self._new(cloud, key)
            self._borrowed[credential.id] += 1
        try:
            yield credential
        finally:
            self._borrowed[credential.id] -= 1
            self._borrowed += Counter()  # drops zero counts

    def _lock(self, of: TrustKey | Credential) -> asyncio.Lock:
        return self._locks.of(f"{of.user_id}/{of.project_id}")

    async def _new(self, caller: Cloud, key: TrustKey) -> Credential:
        made = Credential(
            id=new_id(),
            user_id=key.user_id,
            project_id=key.project_id,
            roles=key.roles,
            trust_id=await self._make(caller, key),
            created_at=now(),
        )
        await self._journal.write(Insert(made))
        return made

    async def _make(self, caller: Cloud, key: TrustKey) -> str:
        """Creates the trust, or adopts the one that an interrupted creation left."""
        trustee = (await self.of_service().token()).user_id
        known = await find_trust(caller, trustee, key.roles)
        if known is not None:
            return known
        try:
            return await create_trust(caller, trustee, key.roles)
        except AnswerLost:
            found = await find_trust(caller, trustee, key.roles)
            if found is None:
                raise
            return found

    async def of_stack(self, stack: Stack) -> Cloud:
        """The cloud that authenticates with a stack's trust."""
        credential = await credentials.get(self._db, stack.credential_id) if stack.credential_id else None
        if credential is None:
            raise MissingCredential(
                f"The stack {stack.name} has no stored credentials; update it once to store the caller's."
            )
        return self._clouds.cloud(TrustCredentials(credential.trust_id, self._service))

    async def release(self, stack: Stack) -> None:
        """Revoke the trust if no stack uses it any more."""
        credential = await credentials.get(self._db, stack.credential_id) if stack.credential_id else None
        if credential is not None:
            await self._revoke(credential)

    async def release_unused(self) -> None:
        """Revoke trusts that no stack uses: left by a crash, or by another user's update."""
        for credential in await credentials.unused(self._db):
            await self._revoke(credential)

    async def _revoke(self, credential: Credential) -> None:
        async with self._lock(credential):
            if self._borrowed[credential.id] or not await credentials.retire(self._db, credential.id):
                return
            trust = TrustCredentials(credential.trust_id, self._service)
            await delete_trust(credential.trust_id, self._clouds.cloud(trust), self.of_service())
            self._clouds.forget(trust)
            await self._journal.write(Remove(Credential, credential.id))
