"""Removes the values of hidden parameters from answers, events and status reasons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from cachetools import LRUCache

from stackd.db import events, stacks
from stackd.db.database import Database
from stackd.engine.definition.desired import stored_secrets
from stackd.engine.definition.documents import load_definition
from stackd.records import Definition, Event, Stack
from stackd.template.masking import NOTHING, Secrets, concealed

_KEPT = 1024


class Redaction:
    """Collects the secret values of stored stacks and caches them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: LRUCache[tuple[Definition, str], Secrets] = LRUCache(_KEPT)

    async def of(self, stack: Stack) -> Secrets:
        """The values of the hidden parameters of a stack and of its parent stacks, which pass theirs down."""
        found = NOTHING
        async for each in self._outwards(stack):
            found |= await self._own(each)
        return found

    async def _outwards(self, stack: Stack) -> AsyncIterator[Stack]:
        inner: Stack | None = stack
        while inner is not None:
            yield inner
            inner = await stacks.get(self._db, inner.parent_id, None) if inner.parent_id else None

    async def _own(self, stack: Stack) -> Secrets:
        key = (stack.definition, stack.id)
        known = self._known.get(key)
        if known is None:
            source = await load_definition(self._db, stack.project_id, stack.definition)
            known = self._known[key] = stored_secrets(source, stack)
        return known

    async def properties_at(self, stack: Stack, event: Event) -> Mapping[str, Any]:
        """The properties of a resource at the time of an event, without secrets; empty when not known."""
        found = await events.properties_at(self._db, event)
        return concealed(dict(found), await self.of(stack)) if found else {}
