"""Trusts in the making: created beside the operations, which use the caller's own token until then.

What a crash interrupts is continued by the next process: the token, and the expiry by which the trust will
be recognised, are stored before anything is requested. A credential is completed only while it is pending
with the same expiry: of two processes that make its trust one succeeds, and the other deletes what it made.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import replace

import structlog

from stackd.auth.trusts import create_trust, delete_trust, find_trusts
from stackd.clients.cloud import Cloud
from stackd.clients.credentials import PasswordCredentials, TokenCredentials, TrustCredentials
from stackd.clients.pool import Clouds
from stackd.db import credentials
from stackd.db.credentials import PENDING, STANDING
from stackd.db.database import Database
from stackd.db.journal import Journal, Update
from stackd.errors import CloudError, CloudNotFound, Fenced, ServiceUnavailable, StackdError, Transient
from stackd.records import Credential

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class TrustMakings:
    """The tasks that make trusts for pending credentials."""

    def __init__(
        self,
        db: Database,
        journal: Journal,
        clouds: Clouds,
        service: PasswordCredentials,
        *,
        redelegated: bool = False,
    ) -> None:
        self._db = db
        self._journal = journal
        self._clouds = clouds
        self._service = service
        self._redelegated = redelegated
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._requests: dict[str, asyncio.Task[str]] = {}
        self._closed = False

    def __contains__(self, credential: Credential) -> bool:
        """Whether a trust for the credential is being made by this process."""
        return credential.id in self._tasks

    def begin(self, pending: Credential, *, perhaps_made: bool) -> None:
        """Make the trust of a credential; first look for one if an earlier attempt may have succeeded."""
        if pending.id in self._tasks or self._closed:
            return
        work = self._make(pending, perhaps_made)
        # In a context of its own: the id of the request that needed it first is not its own.
        task = asyncio.create_task(work, name=f"trust {pending.id}", context=Context())
        self._tasks[pending.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(pending.id, None))

    async def stop(self, credential: Credential) -> None:
        """End the making of a trust that is not needed any more; a request for it comes to its own end first.

        Otherwise Keystone might make the trust after it was looked for.
        """
        if (request := self._requests.get(credential.id)) is not None:
            await asyncio.wait({request})
        task = self._tasks.get(credential.id)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """End all makings; the next process continues them."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def find(self, credential: Credential) -> list[str]:
        """The trusts that were made for a credential since it last had none, also by interrupted makings."""
        if credential.expires_at is None:
            return []
        service = self._clouds.cloud(self._service)
        return await find_trusts(service, credential.user_id, credential.project_id, credential.expires_at)

    async def complete(self, pending: Credential) -> bool:
        """Whether an earlier making has left a trust, which the credential then has; others are deleted."""
        found = await self.find(pending)
        if not found:
            return False
        for surplus in found[1:]:
            await self.delete(surplus)
        await self._store(replace(pending, state=STANDING, trust_id=found[0], token=None))
        return True

    async def delete(self, trust_id: str) -> None:
        """Delete a trust with its own token. Idempotent: ignores 404."""
        trust = TrustCredentials(trust_id, self._service)
        await delete_trust(trust_id, self._clouds.cloud(trust), self._clouds.cloud(self._service))
        self._clouds.forget(trust)

    async def _make(self, pending: Credential, perhaps_made: bool) -> None:
        """Until the trust stands, or it is clear that this token cannot make one."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._attempt(pending, perhaps_made)
            except (Transient, ServiceUnavailable) as error:
                log.warning("trust_delayed", **_names(pending), error=str(error))
            except StackdError as error:
                log.warning("trust_not_made", **_names(pending), error=str(error))
                return None
            except Exception:
                log.exception("trust_not_made", **_names(pending))
                return None
            perhaps_made = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _attempt(self, pending: Credential, perhaps_made: bool) -> None:
        assert pending.token is not None
        assert pending.expires_at is not None
        caller = self._clouds.cloud(TokenCredentials(pending.token))
        if pending.trust_id:
            await self._delete_former(pending, caller)
        if perhaps_made and await self.complete(pending):
            return
        trustee = (await self._clouds.cloud(self._service).token()).user_id
        request = asyncio.create_task(
            create_trust(caller, trustee, pending.roles, pending.expires_at, redelegated=self._redelegated)
        )
        self._requests[pending.id] = request
        try:
            trust_id = await request
        finally:
            del self._requests[pending.id]
        await self._store(replace(pending, state=STANDING, trust_id=trust_id, token=None))

    async def _delete_former(self, pending: Credential, caller: Cloud) -> None:
        """Delete the trust that Keystone no longer accepts, as the user who made it."""
        self._clouds.forget(TrustCredentials(pending.trust_id, self._service))
        try:
            await caller.identity.delete(f"/OS-TRUST/trusts/{pending.trust_id}")
        except CloudNotFound:
            return
        except Transient:
            raise
        except CloudError as error:
            log.warning("trust_not_deleted", **_names(pending), trust=pending.trust_id, error=str(error))

    async def _store(self, made: Credential) -> None:
        """Store a trust, unless another process was first: then that one counts."""
        values = {"state": made.state, "trust_id": made.trust_id, "token": made.token}
        where = {"state": PENDING, "expires_at": made.expires_at}
        try:
            await self._journal.write(Update(Credential, made.id, values, where))
        except Fenced:
            current = await credentials.get(self._db, made.id)
            if current is None or current.trust_id != made.trust_id:
                await self.delete(made.trust_id)
            return
        log.info("trust_made", **_names(made))


def _names(credential: Credential) -> dict[str, str]:
    """What a line of the log says of a credential."""
    return {
        "credential": credential.id,
        "user": credential.user_id,
        "project": credential.project_id,
    }
