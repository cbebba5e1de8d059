from __future__ import annotations

from datetime import timedelta

from stackd.db import credentials
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Update
from stackd.records import Credential
from tests.support.records import START, a_credential, a_stack


async def test_credentials_of_a_user_are_found_in_the_order_of_their_making(
    database: Database, journal: Journal
) -> None:
    old, new = (a_credential(roles=("member", "reader")) for _ in range(2))
    other = a_credential(roles=("member",))
    await journal.write(Insert(old), Insert(new), Insert(other))
    assert await credentials.of_user(database, "user", "project") == [old, new, other]
    assert await credentials.of_user(database, "another", "project") == []
    assert await credentials.get(database, old.id) == old
    assert await credentials.get(database, "none") is None


async def test_a_credential_is_retired_once_no_live_stack_has_used_it_for_a_time(
    database: Database, journal: Journal
) -> None:
    used, free = a_credential(), a_credential()
    gone = free.created_at + timedelta(seconds=1)
    await journal.write(
        Insert(used),
        Insert(free),
        Insert(a_stack(credential_id=used.id)),
        Insert(a_stack(credential_id=free.id, deleted_at=gone)),
        Insert(a_stack()),
    )
    for early in (START, gone - timedelta(milliseconds=1)):
        assert await credentials.idle(database, early) == []
        assert not await credentials.retire(database, free.id, early)
    assert await credentials.idle(database, gone) == [free]
    assert not await credentials.retire(database, used.id, gone)
    assert await credentials.retire(database, free.id, gone)
    assert await credentials.of_user(database, "user", "project") == [used]
    left = await credentials.get(database, free.id)
    assert left is not None
    assert (left.roles, left.trust_id) == ((), free.trust_id)


async def test_pending_credentials_are_found_until_they_are_retired(
    database: Database, journal: Journal
) -> None:
    pending = a_credential(state=credentials.PENDING, token="sealed", trust_id="")
    await journal.write(Insert(a_credential()), Insert(pending))
    assert await credentials.pending(database) == [pending]
    assert await credentials.retire(database, pending.id, pending.created_at)
    assert await credentials.pending(database) == []


async def test_what_is_enrolled_is_never_idle(database: Database, journal: Journal) -> None:
    kept = a_credential(enrolled=True, application="id:secret")
    await journal.write(Insert(kept))
    late = kept.created_at + timedelta(days=1)
    assert await credentials.idle(database, late) == []
    assert not await credentials.retire(database, kept.id, late)
    await journal.write(Update(Credential, kept.id, {"enrolled": False}))
    assert [each.id for each in await credentials.idle(database, late)] == [kept.id]
    assert await credentials.retire(database, kept.id, late)
