"""Leases: the right of one engine to write to a tree of stacks for a limited time.

A claim raises the epoch of the root stack. Every journal write of a traversal carries the epoch as its
fence, so a process that lost its lease without noticing can change nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import bindparam, or_, select, update

from stackd.db.codec import to_micros
from stackd.db.database import Database
from stackd.db.tables import stacks

_C = stacks.c
_FREE = or_(
    _C.engine_id.is_(None),
    _C.engine_id == bindparam("mine"),
    _C.lease_until.is_(None),
    _C.lease_until <= bindparam("now"),
)
_CLAIM = (
    update(stacks)
    .where(_C.id == bindparam("root"), _C.id == _C.root_id, _FREE)
    .values(epoch=_C.epoch + 1, engine_id=bindparam("owner"), lease_until=bindparam("until"))
    .returning(_C.epoch)
)
_RELEASE = (
    update(stacks)
    .where(_C.id == bindparam("root"), _C.engine_id == bindparam("mine"), _C.epoch == bindparam("held"))
    .values(engine_id=None, lease_until=None)
    .returning(_C.id)
)


async def claim(db: Database, root_id: str, engine_id: str, ttl: timedelta) -> int | None:
    """Claim a tree for ``engine_id``; returns the new epoch, or None if another engine has the lease.

    An engine that claims its own tree again gets a new epoch too: its earlier writes are fenced.
    """
    now = db.clock()
    params = {
        "root": root_id,
        "mine": engine_id,
        "owner": engine_id,
        "now": to_micros(now),
        "until": to_micros(now + ttl),
    }
    rows = await db.modify(_CLAIM, params)
    return int(rows[0][0]) if rows else None


async def renew(db: Database, engine_id: str, root_ids: Collection[str], ttl: timedelta) -> set[str]:
    """Extend the leases of ``engine_id``; returns the roots whose lease it still has."""
    if not root_ids:
        return set()
    # Locked in the order in which journal batches lock roots, so that the two never wait for each other.
    held = (
        select(_C.id)
        .where(_C.engine_id == engine_id, _C.id.in_(sorted(root_ids)))
        .order_by(_C.id)
        .with_for_update()
    )
    statement = (
        update(stacks)
        .where(_C.id.in_(held.scalar_subquery()))
        .values(lease_until=to_micros(db.clock() + ttl))
        .returning(_C.id)
    )
    return {row[0] for row in await db.modify_once(statement)}


async def release(db: Database, root_id: str, engine_id: str, epoch: int) -> bool:
    """Release the lease of a tree; returns whether it was still valid with ``epoch``."""
    return bool(await db.modify(_RELEASE, {"root": root_id, "mine": engine_id, "held": epoch}))
