"""New ids."""

from __future__ import annotations

import uuid

from stackd.records import new_id


def test_new_ids_are_those_of_uuid() -> None:
    for text in (new_id() for _ in range(1000)):
        read = uuid.UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)
