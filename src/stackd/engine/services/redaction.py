"""Removes the values of hidden parameters from answers, events and status reasons."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.db import documents, events, resources, stacks
from stackd.db.database import Database
from stackd.engine.definition.desired import Source, identity_of
from stackd.engine.definition.documents import load_definition, load_files
from stackd.engine.definition.nested_definitions import hidden_values
from stackd.errors import EntityNotFound, TemplateError
from stackd.offload import in_thread
from stackd.recent import Recent
from stackd.records import Definition, Event, Stack
from stackd.template.environment import Environment
from stackd.template.masking import (
    NOTHING,
    Secrets,
    concealed_fields,
    hidden_names,
    may_hide,
    queries_in,
    secrets_in,
    secrets_of,
    values_of,
    with_encodings,
)
from stackd.template.parameters import StackIdentity, bind_parameters
from stackd.template.template import Template

_KEPT = 4_000_000
"""Bytes in memory, of secrets and of names each."""

_ALONE = 1_000
"""Bytes in memory of an empty set with its key."""

_TEXT = 150
"""Bytes in memory of an empty text in two sets."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The secrets of one definition: all, and the values that somebody gave, which are not in a template."""

    all: Secrets = NOTHING
    given: Secrets = NOTHING


class Redaction:
    """Collects the secret values of stored stacks and caches them; ``base`` is the operator's environment."""

    def __init__(self, db: Database, base: Environment | None = None) -> None:
        self._db = db
        self._base = base
        self._known: Recent[tuple[Definition, str], _Known] = Recent(_KEPT)
        self._names: Recent[str, frozenset[str]] = Recent(_KEPT)

    async def of(self, stack: Stack) -> Secrets:
        """The secrets of a stack and of its parent stacks, which pass theirs down."""
        own = await self._own(stack)
        return own | await self.around(stack) if stack.parent_id else own

    async def around(self, stack: Stack) -> Secrets:
        """The secrets of the parent stacks, which a nested stack does not know to be some."""
        found = await self._kept(stack)
        async for each in self._outwards(stack):
            found |= await self._own(each) | await self._kept(each)
        return found

    async def _kept(self, stack: Stack) -> Secrets:
        """Former secrets of the parent stacks that resources of a nested stack still have."""
        row = await resources.of_nested_stack(self._db, stack.id) if stack.parent_id else None
        return hidden_values(row) if row is not None else NOTHING

    async def queries(self, stack: Stack) -> Secrets:
        """The queries of the URLs from which templates of a stack were fetched."""
        return queries_in(await load_files(self._db, stack.project_id, stack.definition.files))

    async def given(self, stack: Stack) -> Secrets:
        """The values of hidden parameters that stand in no template, of a stack and of its parent stacks."""
        found = NOTHING
        for definition in _definitions(stack):
            found |= (await self._of_definition(stack, definition)).given
        if stack.parent_id and (parent := await stacks.get(self._db, stack.parent_id, None)) is not None:
            found |= await self.given(parent)
        return found

    async def _outwards(self, stack: Stack) -> AsyncIterator[Stack]:
        """The parent stacks, the innermost first."""
        while stack.parent_id:
            parent = await stacks.get(self._db, stack.parent_id, None)
            if parent is None:
                return
            yield parent
            stack = parent

    async def _own(self, stack: Stack) -> Secrets:
        """Those of the definition and of the one before, which some resources may still have."""
        found = NOTHING
        for definition in _definitions(stack):
            found |= (await self._of_definition(stack, definition)).all
        return found

    async def _of_definition(self, stack: Stack, definition: Definition) -> _Known:
        key = (definition, stack.id)
        known = self._known.get(key)
        if known is None:
            try:
                known = await self._read(stack, definition)
            except EntityNotFound:
                # No reason to keep a stack from being deleted; but the same definition may be stored again.
                return _Known()
            self._known.put(key, known, _weight(known.all))
        return known

    async def _read(self, stack: Stack, definition: Definition) -> _Known:
        files = await load_files(self._db, stack.project_id, definition.files)
        try:
            source = await self._hiding(stack.project_id, definition, files)
        except TemplateError:
            return _Known()  # as above
        queries = queries_in(files)
        if source is None:
            return _Known(queries, queries)
        below = await self._hidden_below(definition, source.files)
        environment = source.environment.with_base(self._base)
        known: _Known = await in_thread(_known, source.template, environment, identity_of(stack), below)
        return _Known(known.all | queries, known.given | queries)

    async def _hiding(
        self, project_id: str, definition: Definition, files: Mapping[str, str]
    ) -> Source | None:
        """A definition that may have hidden parameters; None for most, which are not parsed once more."""
        body = await documents.get(self._db, project_id, definition.template)
        if not may_hide(body.decode("utf-8", "replace")) and not any(map(may_hide, files.values())):
            return None
        return await load_definition(self._db, project_id, definition)

    async def hidden_names(self, stack: Stack) -> frozenset[str]:
        """Names of the hidden parameters of the templates among a stack's files."""
        files = await load_files(self._db, stack.project_id, stack.definition.files)
        return await self._hidden_below(stack.definition, files)

    async def _hidden_below(self, definition: Definition, files: Mapping[str, str]) -> frozenset[str]:
        """The hidden names of files; all stacks of a tree have the same ones."""
        if not files:
            return frozenset()
        known = self._names.get(definition.files)
        if known is None:
            known = await in_thread(hidden_names, files)
            self._names.put(definition.files, known, _weight(known))
        return known

    async def properties_at(self, stack: Stack, event: Event) -> Mapping[str, Any]:
        """The properties of a resource at the time of an event, without secrets; empty when not known."""
        found = await events.properties_at(self._db, event)
        return concealed_fields(found, await self.of(stack)) if found else {}


def _weight(texts: frozenset[str]) -> int:
    """Bytes in memory of some texts."""
    return _ALONE + _TEXT * len(texts) + sum(map(len, texts))


def _definitions(stack: Stack) -> tuple[Definition, ...]:
    both = (stack.definition, stack.previous)
    return tuple(each for each in both if each is not None and each.template)


def _known(
    template: Template, environment: Environment, identity: StackIdentity, below: frozenset[str]
) -> _Known:
    """The secrets of a definition; ``below`` are names of parameters that nested stacks hide."""
    given = values_of(template, below, environment.parameters, environment.parameter_defaults)
    every = with_encodings(given)
    if any(schema.hidden for schema in template.parameter_schemas.values()):
        with contextlib.suppress(TemplateError):
            bound = bind_parameters(template, environment, identity, strict=False, allow_missing=True)
            every |= secrets_of(template, bound)
            given |= secrets_in(template, bound, given=True)
    return _Known(every, given)
