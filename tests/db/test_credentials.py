from __future__ import annotations

from stackd.db import credentials
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from tests.support.records import START, a_credential, a_stack


async def test_a_credential_is_found_by_its_roles_in_any_order(database: Database, journal: Journal) -> None:
    old, new = (a_credential(roles=("member", "reader")) for _ in range(2))
    other = a_credential(roles=("member",))
    await journal.write(Insert(old), Insert(new), Insert(other))
    assert await credentials.matching(database, "user", "project", ("reader", "member")) == new
    assert await credentials.matching(database, "user", "project", ("member",)) == other
    assert await credentials.matching(database, "user", "project", ()) is None
    assert await credentials.matching(database, "another", "project", ("member",)) is None
    assert await credentials.get(database, old.id) == old
    assert await credentials.get(database, "none") is None


async def test_a_credential_is_retired_once_no_live_stack_uses_it(
    database: Database, journal: Journal
) -> None:
    used, free = a_credential(), a_credential()
    await journal.write(
        Insert(used),
        Insert(free),
        Insert(a_stack(credential_id=used.id)),
        Insert(a_stack(credential_id=free.id, deleted_at=START)),
        Insert(a_stack()),
    )
    assert await credentials.unused(database) == [free]
    assert not await credentials.retire(database, used.id)
    assert await credentials.retire(database, free.id)
    assert await credentials.matching(database, "user", "project", free.roles) == used
    left = await credentials.get(database, free.id)
    assert left is not None
    assert (left.roles, left.trust_id) == ((), free.trust_id)
