"""Documents: templates, environments, files and manifests, stored once per project by content."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from sqlalchemy import bindparam, select

from stackd.db.codec import unpack
from stackd.db.database import Database
from stackd.db.tables import documents
from stackd.errors import EntityNotFound

_BODY = select(documents.c.body).where(
    documents.c.project_id == bindparam("project"), documents.c.id == bindparam("id")
)

_ALONE: Final = 500
"""Bytes in memory of an empty document that is remembered."""


def document_id(key: bytes, project_id: str, body: bytes) -> str:
    """The content id of ``body`` in a project; keyed, so that guesses of a body cannot be tested."""
    return hmac.new(key, project_id.encode() + b"\0" + body, hashlib.sha256).hexdigest()


async def get(db: Database, project_id: str, id_: str) -> bytes:
    """The body of a document; the empty id is the empty document. ``EntityNotFound`` when there is none."""
    if not id_:
        return b""
    key = (project_id, id_)
    body = db.documents.get(key)
    if body is None:
        rows = await db.fetch(_BODY, {"project": project_id, "id": id_})
        if not rows:
            raise EntityNotFound("Document", id_)
        body = unpack(rows[0][0], db.sealer)
        db.documents.put(key, body, _ALONE + len(body))
    return body
