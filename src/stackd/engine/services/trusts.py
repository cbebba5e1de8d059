"""The trusts that operations act with: one per user, project and set of roles, shared by stacks.

A new credential is *pending*: the caller's token is stored with it, and serves until the trust stands. It is
*lost* once Keystone refuses it; the next caller of the same user and project replaces it, for all stacks that
share it, and operations wait for that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from cachetools import TTLCache

from stackd.auth.trusts import TrustKey, new_expiry, require_delegation, trust_key
from stackd.clients.cloud import Cloud
from stackd.clients.credentials import (
    ApplicationCredential,
    Credentials,
    PasswordCredentials,
    TokenCredentials,
    TrustCredentials,
)
from stackd.clients.keystone import Token
from stackd.clients.pool import Clouds
from stackd.db import credentials
from stackd.db.credentials import LOST, PENDING, STANDING
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Remove, Update
from stackd.engine.services.locks import Locks
from stackd.engine.services.trust_makings import TrustMakings
from stackd.errors import (
    CloudError,
    CloudForbidden,
    CloudNotFound,
    CloudUnauthorized,
    CredentialsLost,
    Fenced,
    MissingCredential,
    NotEnrolled,
    ServiceUnavailable,
    StackdError,
)
from stackd.records import Caller, Credential, Stack, new_id, now

log = structlog.get_logger(__name__)

KEPT = timedelta(minutes=5)
"""How long a trust is kept after the last stack that used it."""

_RECENT_CALLERS = 1000
_RECENT = 3600.0
"""Seconds for which callers are remembered: about as long as tokens live."""

_ENROLL = (
    "Keystone lets nobody delegate authority by a request that is signed with an EC2 key, and the user "
    "{user} is not enrolled in the project {project}. Enroll once: run `stackd enroll` with a password or "
    "by single sign-on, or `stackd enroll --application-credential`; then repeat the request."
)
_REMEDY = "any change of one of its stacks by this user, such as an update, replaces it"


class Trusts:
    """Finds or creates the trust of a caller, and returns the cloud that authenticates with it."""

    def __init__(
        self,
        db: Database,
        journal: Journal,
        clouds: Clouds,
        service: PasswordCredentials,
        roles: Sequence[str] = (),
        *,
        kept: timedelta = KEPT,
        redelegated: bool = False,
    ) -> None:
        self._db = db
        self._journal = journal
        self._clouds = clouds
        self._service = service
        self.roles = tuple(roles)
        self.kept = kept
        self._locks = Locks()
        self._borrowed: Counter[str] = Counter()
        self._redelegated = redelegated
        self._makings = TrustMakings(db, journal, clouds, service, redelegated=redelegated)
        self._callers: TTLCache[tuple[str, str], Caller] = TTLCache(_RECENT_CALLERS, _RECENT)

    async def resume(self) -> None:
        """Continue the making of trusts that an earlier process left unfinished."""
        for pending in await credentials.pending(self._db):
            self._makings.begin(pending, perhaps_made=True)

    async def close(self) -> None:
        """End the making of trusts; the next process continues it."""
        await self._makings.close()

    def of_caller(self, caller: Caller) -> Cloud:
        """The cloud as the caller's own token sees it."""
        return self._clouds.cloud(TokenCredentials(caller.token), region=caller.region)

    def of_service(self) -> Cloud:
        """The cloud as the service user sees it."""
        return self._clouds.cloud(self._service)

    async def of_stack(self, stack: Stack) -> Cloud:
        """The cloud that authenticates with a stack's credential, whatever that is at the moment."""
        credential = await credentials.get(self._db, stack.credential_id) if stack.credential_id else None
        if credential is None:
            raise MissingCredential(
                f"The stack {stack.name} has no stored credentials; update it once to store the caller's."
            )
        return self._clouds.delegated(credential.id, partial(self._sign_in, credential.id))

    async def delegating(self, stack: Stack) -> Cloud | None:
        """The cloud that authenticates so that services can make trusts of the stack's user themselves.

        That takes a token that did not come from a trust: the one with which the user has called lately. What
        is made from a trust goes with it, so the stack's own one is the second choice, where operators
        allow it.
        """
        credential = await credentials.get(self._db, stack.credential_id) if stack.credential_id else None
        caller = self._callers.get((credential.user_id, credential.project_id)) if credential else None
        if caller is not None:
            with contextlib.suppress(CloudUnauthorized, MissingCredential):
                cloud = self._clouds.cloud(TokenCredentials(caller.token))
                require_delegation(await cloud.token())
                return cloud
        return await self.of_stack(stack) if credential and self._redelegated else None

    # --- for requests -------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def borrowed(self, caller: Caller) -> AsyncIterator[Credential]:
        """The stored credential of this user, project and set of roles, new if there is none.

        It is not revoked inside the block, so that the stack that uses it can be stored. No service is called
        for it, unless the token of the caller is not yet known.
        """
        token = await self.of_caller(caller).token()
        key = trust_key(token, self.roles)
        if not caller.is_signed:
            self._callers[key.user_id, key.project_id] = caller
        async with self.lock(key):
            if caller.is_signed:
                credential = await self._enrolled(key, token)
            else:
                credential = await self.serving(key, token)
            self._borrowed[credential.id] += 1
        try:
            yield credential
        finally:
            self._borrowed[credential.id] -= 1
            self._borrowed += Counter()  # drops zero counts

    @contextlib.asynccontextmanager
    async def replaced(self, caller: Caller, stack: Stack) -> AsyncIterator[str | None]:
        """The id of the credential for a change of a stack that keeps its own unless that is lost.

        Then it is the caller's, if the caller is of the stack's project and can delegate.
        """
        if not caller.is_signed:
            self._callers[caller.user_id, caller.project_id] = caller
        if caller.project_id != stack.project_id or await self._works(stack.credential_id, caller):
            yield stack.credential_id
            return
        async with contextlib.AsyncExitStack() as block:
            credential_id = stack.credential_id
            with contextlib.suppress(MissingCredential, NotEnrolled):
                credential_id = (await block.enter_async_context(self.borrowed(caller))).id
            yield credential_id

    async def _works(self, credential_id: str | None, caller: Caller) -> bool:
        """Whether a stack can keep its credential. Keystone is asked about that of somebody else."""
        stored = await credentials.get(self._db, credential_id) if credential_id else None
        if stored is None or not self._serves(stored):
            return False
        if stored.state == PENDING or stored.user_id == caller.user_id:
            return True  # what is lost is replaced when that turns out
        session = self._clouds.cloud(self._standing(stored)).session
        try:
            await session.renew(await session.token())
        except (CloudUnauthorized, CloudForbidden, CloudNotFound) as refusal:
            await self._lose(stored, refusal)
            return False
        except CloudError as error:
            log.warning("credential_not_checked", credential=stored.id, error=str(error))
        return True

    def lock(self, of: TrustKey | Credential) -> asyncio.Lock:
        """The lock of a user and project, whose credentials one task changes at a time."""
        return self._locks.of(f"{of.user_id}/{of.project_id}")

    def _serves(self, credential: Credential) -> bool:
        return credential.state == STANDING or (credential.state == PENDING and credential in self._makings)

    async def serving(self, key: TrustKey, token: Token) -> Credential:
        """The credential with this key; all lost ones of the user and project are replaced on the way."""
        stored = await credentials.of_user(self._db, key.user_id, key.project_id)
        found = [one for one in stored if self._serves(one)]
        failing = [one for one in stored if not self._serves(one)]
        if failing and _can_delegate(token):
            found += [await self._replace(one, key, token) for one in failing]
        known = [one for one in found if not one.application and frozenset(one.roles) == frozenset(key.roles)]
        if known:
            return known[-1]
        require_delegation(token)
        return await self._new(key, token)

    async def _enrolled(self, key: TrustKey, token: Token) -> Credential:
        """A credential of the user and project that serves a caller who cannot delegate.

        It has the caller's roles, or else some of them.
        """
        stored = await credentials.of_user(self._db, key.user_id, key.project_id)
        found = [one for one in stored if one.state != LOST and set(one.roles) <= set(token.roles)]
        if not found:
            raise NotEnrolled(_ENROLL.format(user=token.user_name, project=token.project_name))
        return max(found, key=lambda one: len(one.roles))

    async def _new(self, key: TrustKey, token: Token) -> Credential:
        made = Credential(
            id=new_id(),
            user_id=key.user_id,
            project_id=key.project_id,
            roles=key.roles,
            trust_id="",
            created_at=now(),
            state=PENDING,
            token=token.id,
            expires_at=new_expiry(),
        )
        await self._journal.write(Insert(made))
        self._makings.begin(made, perhaps_made=False)
        return made

    async def _replace(self, failing: Credential, key: TrustKey, token: Token) -> Credential:
        """Store another token for a credential, and make a trust with it.

        A pending one keeps its expiry: its trust may have been made.
        """
        expiry = failing.expires_at if failing.state == PENDING else new_expiry()
        values: dict[str, Any] = {
            "state": PENDING,
            "token": token.id,
            "roles": key.roles,
            "expires_at": expiry,
            "application": None,
        }
        try:
            await self._journal.write(Update(Credential, failing.id, values, where={"state": failing.state}))
        except Fenced:  # another process was first
            return await credentials.get(self._db, failing.id) or failing
        replaced = replace(failing, **values)
        log.info("credential_replaced", credential=failing.id, user=key.user_id, project=key.project_id)
        self._makings.begin(replaced, perhaps_made=failing.state == PENDING)
        return replaced

    def _standing(self, stored: Credential) -> Credentials:
        """What a credential that stands signs in with."""
        if stored.application:
            identity, _, secret = stored.application.partition(":")
            return ApplicationCredential(secret, id=identity)
        return TrustCredentials(stored.trust_id, self._service)

    # --- for operations -----------------------------------------------------------------------------

    async def _sign_in(self, credential_id: str, refused: Token | None) -> Token:
        """A token of a credential as it is stored now, other than the ``refused`` one.

        ``CredentialsLost`` while there is none. Keystone is not asked again about what it refused once.
        """
        stored = await credentials.get(self._db, credential_id)
        if stored is None or stored.state == LOST:
            raise CredentialsLost
        try:
            return await self._token_of(stored, refused)
        except (CloudUnauthorized, CloudForbidden, CloudNotFound) as refusal:
            if stored not in self._makings:
                await self._lose(stored, refusal)
            raise CredentialsLost from refusal

    async def _token_of(self, stored: Credential, refused: Token | None) -> Token:
        if stored.state == STANDING:
            session = self._clouds.cloud(self._standing(stored)).session
        else:
            session = self._clouds.cloud(TokenCredentials(stored.token or "")).session
        token = await session.token()
        return token if refused is None or token.id != refused.id else await session.renew(token)

    async def _lose(self, refused: Credential, refusal: StackdError) -> None:
        """Note that Keystone does not accept a credential any more; a recent caller's token replaces it."""
        if refused.state == STANDING:
            await self._require_service()
        async with self.lock(refused):
            stored = await credentials.get(self._db, refused.id)
            if stored != refused:
                return  # replaced meanwhile
            if refused.state == PENDING and await self._makings.complete(refused):
                return  # the token is not needed any more
            with contextlib.suppress(Fenced):
                values = {"state": LOST, "token": None}
                where = {"state": refused.state, "expires_at": refused.expires_at}
                await self._journal.write(Update(Credential, refused.id, values, where))
            names = {"credential": refused.id, "user": refused.user_id, "project": refused.project_id}
            log.warning("credential_lost", **names, error=str(refusal), remedy=_REMEDY)
            await self._replace_by_recent(replace(refused, state=LOST, token=None), refused.token)

    async def _require_service(self) -> None:
        """A refusal proves nothing about a trust while the service user itself is refused."""
        service = self.of_service()
        try:
            await service.session.renew(await service.token())
        except (CloudUnauthorized, CloudForbidden) as error:
            log.error("service_user_refused", error=str(error))
            raise ServiceUnavailable("The Identity service refuses the service user.") from error

    async def _replace_by_recent(self, lost: Credential, refused: str | None) -> None:
        caller = self._callers.get((lost.user_id, lost.project_id))
        if caller is None or caller.token == refused:
            return
        with contextlib.suppress(CloudUnauthorized, MissingCredential):
            token = await self.of_caller(caller).token()
            require_delegation(token)
            await self._replace(lost, trust_key(token, self.roles), token)

    # --- the end of trusts --------------------------------------------------------------------------

    async def revoke_idle(self, kept: timedelta | None = None) -> None:
        """Revoke trusts that no stack has used for the time of ``kept``, by default the configured one."""
        since = now() - (self.kept if kept is None else kept)
        for credential in await credentials.idle(self._db, since):
            async with self.lock(credential):
                if self._borrowed[credential.id]:
                    continue
                if not await credentials.retire(self._db, credential.id, since):
                    continue
                try:
                    await self._revoke(credential)
                except StackdError as error:
                    log.warning("trust_not_revoked", credential=credential.id, error=str(error))

    async def _revoke(self, credential: Credential) -> None:
        await self._makings.stop(credential)
        stored = await credentials.get(self._db, credential.id) or credential
        for trust_id in {stored.trust_id, *await self._made_for(stored)} - {""}:
            await self._makings.delete(trust_id)
        await self._journal.write(Remove(Credential, stored.id))

    async def _made_for(self, stored: Credential) -> list[str]:
        """The trusts of a credential: Keystone may have gone on with a request that was given up."""
        try:
            return await self._makings.find(stored)
        except CloudForbidden:
            if stored.state == PENDING:
                raise
            return []  # the one that stands is known


def _can_delegate(token: Token) -> bool:
    try:
        require_delegation(token)
    except MissingCredential:
        return False
    return True
