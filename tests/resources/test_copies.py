"""A copy is made once, whatever is lost or interrupted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.resources.copies import copied, first_of, known_id, snapshot_name, without_copies
from tests.support.context import FakeContext

SNAPSHOT = "60ddf012-8229-4667-a978-50c803ae1558"


class Service:
    """Makes copies, and loses some of the answers; ``calls`` are what it was asked."""

    def __init__(self, *there: str, lost: int = 0, works: bool = True) -> None:
        self.there = list(there)
        self.lost = lost
        self.works = works
        self.calls: list[str] = []

    async def find(self, name: str) -> str | None:
        self.calls.append(f"find {name}")
        return self.there[0] if self.there else None

    async def make(self) -> str:
        self.calls.append("make")
        if self.works:
            self.there.append("id")
        if self.lost > 0:
            self.lost -= 1
            raise AnswerLost("lost")
        return "id"


def context(**stored: Any) -> FakeContext:
    return FakeContext("OS::Heat::None", stored=stored)


@pytest.mark.parametrize(
    ("stored", "service", "calls"),
    [
        ({}, Service(), ["make"]),
        ({"id": "id"}, Service(), []),
        ({"copy": "another"}, Service("another"), ["make"]),
        ({"copy": "n"}, Service("id"), ["find n"]),
        ({"copy": "n"}, Service(), ["find n", "make"]),
        ({}, Service(lost=1), ["make", "find n"]),
        ({}, Service(lost=1, works=False), ["make", "find n", "make"]),
        ({"copy": "n"}, Service(lost=1), ["find n", "make", "find n"]),
    ],
)
async def test_copy_is_looked_for_before_it_is_made_again(
    stored: dict[str, Any], service: Service, calls: list[str]
) -> None:
    ctx = context(**stored)
    assert await copied(ctx, "id", "n", service.find, service.make) == "id"
    assert service.calls == calls
    assert ctx.data["id"] == "id"
    assert stored.get("id") or ctx.data["copy"] == "n"


async def test_service_that_loses_every_answer_fails_the_copy_and_leaves_its_name() -> None:
    ctx, service = context(), Service(lost=9, works=False)
    with pytest.raises(AnswerLost):
        await copied(ctx, "id", "n", service.find, service.make)
    assert ctx.data == {"copy": "n"}
    assert service.calls == ["make", "find n", "make", "find n"]


async def test_copy_that_is_to_be_removed_is_known_by_its_id_or_found_by_its_name() -> None:
    service = Service("found")
    assert await known_id({"id": "i", "copy": "n"}, "id", service.find) == "i"
    assert service.calls == []
    assert await known_id({"copy": "n"}, "id", service.find) == "found"
    assert await known_id({"other": 1}, "id", service.find) is None


def test_each_snapshot_has_its_own_name_which_is_not_too_long() -> None:
    ctx = context(snapshot=SNAPSHOT)
    assert snapshot_name(ctx) == f"{ctx.physical_name}-50c803ae1558"
    long = FakeContext("OS::Heat::None", name="x" * 300, stored={"snapshot": SNAPSHOT})
    assert len(snapshot_name(long)) <= 255
    assert snapshot_name(long).endswith(f"{long.physical_name[-12:]}-50c803ae1558")


def test_first_is_what_has_the_values_and_is_not_too_old() -> None:
    old = {"id": 1, "name": "n", "created_at": "2026-01-01T00:00:00Z"}
    new = {"id": 2, "name": "n", "volume_id": "v", "created_at": "2026-02-01T00:00:00.000000"}
    assert first_of([old, new], name="n") == "1"
    assert first_of([old, new], datetime(2026, 1, 31, tzinfo=UTC), name="n") == "2"
    assert first_of([old, new], datetime(2026, 3, 1, tzinfo=UTC), name="n") is None
    assert first_of([old, new], name="n", volume_id="w") == "1"  # it does not say of which volume it is
    assert first_of([new], name="n", volume_id="w") is None


def test_earlier_copies_are_forgotten() -> None:
    assert without_copies({"a": 1, "id": 2, "copy": "n"}, ("id",)) == {"a": 1}
