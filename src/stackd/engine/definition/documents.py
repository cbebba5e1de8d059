"""Stored definitions: a template, an environment and files, each a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.db import documents
from stackd.db.codec import from_json, to_json
from stackd.db.database import Database
from stackd.db.journal import Change, PutDocument
from stackd.engine.definition.desired import Source, load_source
from stackd.offload import YAML_WEIGHT, parsed
from stackd.records import Definition
from stackd.template.json_text import read_json

_LARGE = 64_000
"""Bytes of JSON above which the parser must let other threads in."""

_NO_DOCUMENT = 200
"""Bytes that a definition is taken to have even if there is nothing in it."""


def pack_definition(
    db: Database, project_id: str, template: Any, environment: Any, files: Mapping[str, str] | str
) -> tuple[Definition, list[Change]]:
    """The ids of the documents of a definition, and the changes that store them.

    ``files`` are texts by name, or the id of a stored manifest of them.
    """
    puts: list[Change] = []

    def put(body: bytes) -> str:
        identity = documents.document_id(db.document_key, project_id, body)
        puts.append(PutDocument(project_id, identity, body))
        return identity

    def manifest(texts: Mapping[str, str]) -> str:
        return put(to_json({name: put(text.encode()) for name, text in sorted(texts.items())}))

    definition = Definition(
        template=put(to_json(template)),
        environment=put(to_json(environment)),
        files=files if isinstance(files, str) else (manifest(files) if files else ""),
    )
    return definition, puts


async def load_files(db: Database, project_id: str, manifest_id: str) -> dict[str, str]:
    """The files of a definition by name."""
    if not manifest_id:
        return {}
    manifest = from_json(await documents.get(db, project_id, manifest_id))
    return {name: (await documents.get(db, project_id, each)).decode() for name, each in manifest.items()}


async def load_json(db: Database, project_id: str, document_id: str) -> Any:
    """The data of a template or environment document; None for none."""
    body = await documents.get(db, project_id, document_id)
    return from_json(body) if body else None


async def load_definition(db: Database, project_id: str, definition: Definition) -> Source:
    """The template, environment and files of a stored definition."""
    body = await documents.get(db, project_id, definition.template)
    around = await documents.get(db, project_id, definition.environment)
    files = await load_files(db, project_id, definition.files)

    def load() -> Source:
        return load_source(_data(body), _data(around), files)

    source: Source = await parsed(_weight(body) + _weight(around), load)
    return source


async def size_of(db: Database, project_id: str, definition: Definition) -> int:
    """Bytes of the documents of a stored definition, with files; a definition with none has a few."""
    texts = (definition.template, definition.environment, definition.files)
    bodies = [await documents.get(db, project_id, each) for each in texts]
    files = from_json(bodies.pop()) if definition.files else {}
    inside = [len(await documents.get(db, project_id, each)) for each in files.values()]
    return _NO_DOCUMENT + sum(map(len, bodies)) + sum(inside)


def _weight(body: bytes) -> int:
    """How much there is to parse: a template may be kept as its text, which is YAML inside JSON."""
    return len(body) * (YAML_WEIGHT if body.startswith(b'"') else 1)


def _data(body: bytes) -> Any:
    return read_json(body) if len(body) >= _LARGE else from_json(body or b"null")
