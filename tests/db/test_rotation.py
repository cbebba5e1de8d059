from __future__ import annotations

from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy import insert

from stackd.db import credentials, documents, events, resources, stacks, tables
from stackd.db.codec import Codecs
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, PutDocument
from stackd.db.rotation import reseal, sealed_beginnings
from stackd.records import Hidden
from tests.support.records import a_credential, a_resource, a_stack, an_event


class FernetSealer:
    def __init__(self, *keys: Fernet) -> None:
        keyring = MultiFernet(keys)
        self.seal = keyring.encrypt
        self.unseal = keyring.decrypt


def use(database: Database, *keys: Fernet) -> None:
    database.sealer = FernetSealer(*keys)
    database.codecs = Codecs(database.sealer)
    database.documents.clear()


async def test_after_resealing_the_old_key_is_not_needed(database: Database, journal: Journal) -> None:
    old, new = (Fernet(Fernet.generate_key()) for _ in range(2))
    use(database, old)
    stack = a_stack(outputs={"ip": {"value": "10.0.0.1"}})
    made = [a_resource(stack, f"r{n:03}", data={"n": n}, physical_id=f"id{n}") for n in range(205)]
    made.append(a_resource(stack, "s", metadata={"n": 1}, physical_id=Hidden("hush")))
    credential = a_credential()
    await journal.write(Insert(stack), Insert(credential), *(Insert(resource) for resource in made))
    told = [an_event(stack, properties={"n": n}) for n in range(205)]
    await journal.write(*(Insert(event) for event in told), Insert(an_event(stack)))
    await journal.write(PutDocument("project", "id-1", b"body"), PutDocument("other", "id-1", b"body"))
    use(database, new, old)
    assert await reseal(database) == 1 + 1 + 2 + 2 * len(made) + 1 + len(told)
    use(database, new)
    assert await stacks.get(database, stack.id, None) == stack
    assert await resources.of_stack(database, stack.id) == made
    assert await credentials.get(database, credential.id) == credential
    last = await events.get(database, stack.id, told[-1].id)
    assert last is not None
    assert last.properties == {"n": 204}
    assert await documents.get(database, "other", "id-1") == b"body"


class MarkingSealer:
    """Encrypts nothing, but says with which key it would."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark

    def seal(self, plain: bytes) -> bytes:
        return self.mark + plain

    def unseal(self, sealed: bytes) -> bytes:
        return sealed.removeprefix(self.mark)


async def test_first_and_last_values_of_every_table_show_the_keys(
    database: Database, journal: Journal
) -> None:
    assert await sealed_beginnings(database, 4) == set()
    stack = a_stack()
    writes = (
        Insert(stack),
        Insert(a_credential()),
        Insert(an_event(stack, properties={"n": 1})),
        *(Insert(a_resource(stack, f"r{n:03}", properties={"n": n})) for n in range(3)),
        PutDocument("project", "id-1", b"body"),
    )
    for number, write in enumerate(writes):
        database.sealer = MarkingSealer(b"key%d" % number)
        database.codecs = Codecs(database.sealer)
        await journal.write(write)
    assert await sealed_beginnings(database, 4) == {b"key%d" % n for n in range(1, len(writes))}


async def test_value_that_an_older_version_did_not_encrypt_shows_no_key(database: Database) -> None:
    row = {"project_id": "p", "id": "d", "body": b'{"a": 1}', "created_at": 0}
    table = tables.documents
    await database.modify_once(insert(table).values(row).returning(table.c.id))
    assert await sealed_beginnings(database, 4) == set()
