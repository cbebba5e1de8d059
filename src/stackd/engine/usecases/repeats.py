"""Repeated requests: what a client asks for twice under one token is done once.

The token is stored in the write that accepts the change. A request that comes again, also to another process
or after a crash, gets the stack of the first; one with other arguments is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from stackd.db import change_sets, documents, stacks
from stackd.db.codec import to_json
from stackd.db.journal import Change, Insert
from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.terms import Token
from stackd.errors import StackdError, TokenReused
from stackd.records import Caller, RequestToken, Stack, now


def token_of(engine: Engine, caller: Caller, value: str, action: str, arguments: Mapping[str, Any]) -> Token:
    """A client's token with the digest of what it is for; the digest tells nothing about the arguments."""
    body = to_json([action, arguments])
    return Token(
        value=value,
        digest=documents.document_id(engine.services.db.document_key, caller.project_id, body),
    )


def note(project_id: str, stack_id: str, token: Token | None) -> list[Change]:
    """The change that stores that a request was accepted."""
    if token is None:
        return []
    id_ = change_sets.request_token_id(project_id, token.value)
    return [
        Insert(
            RequestToken(
                id=id_, project_id=project_id, stack_id=stack_id, digest=token.digest, created_at=now()
            )
        )
    ]


async def once(
    engine: Engine, caller: Caller, rule: str, token: Token | None, act: Callable[[], Awaitable[Stack]]
) -> Stack:
    """Do what a request asks for, unless it was done for the same request before; the stack it is about.

    ``rule`` is the one that ``act`` asks policy for. Raises ``TokenReused`` if the request that had the token
    before had other arguments.
    """
    if token is None:
        return await act()
    enforce(engine, caller, rule)
    if (first := await known(engine, caller, token)) is not None:
        return first
    try:
        return await act()
    except StackdError:
        # The same request may have come twice at a time: the faster one has made the change.
        if (first := await known(engine, caller, token)) is not None:
            return first
        raise


async def known(engine: Engine, caller: Caller, token: Token) -> Stack | None:
    """The stack of the request that was accepted under this token."""
    found = await change_sets.request(engine.services.db, caller.project_id, token.value)
    if found is None:
        return None
    if found.digest != token.digest:
        raise TokenReused(token.value)
    return await stacks.get(engine.services.db, found.stack_id, caller.project_id)
