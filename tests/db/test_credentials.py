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


async def test_only_live_stacks_use_a_credential(database: Database, journal: Journal) -> None:
    credential = a_credential()
    await journal.write(
        Insert(credential),
        Insert(a_stack(credential_id=credential.id)),
        Insert(a_stack(credential_id=credential.id, deleted_at=START)),
        Insert(a_stack()),
    )
    assert await credentials.uses(database, credential.id) == 1
