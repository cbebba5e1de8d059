"""The resources of a tree against their limit."""

from __future__ import annotations

import pytest

from stackd.engine.room import Room
from stackd.errors import RequestLimitExceeded


def test_growing_beyond_the_limit_is_refused_and_changes_nothing() -> None:
    room = Room(10, {"root": 2, "a": 3})
    with pytest.raises(RequestLimitExceeded, match=r"Maximum resources per stack exceeded \(10\)"):
        room.take("b", 6)
    room.take("b", 5)
    with pytest.raises(RequestLimitExceeded):
        room.take("a", 4)


def test_what_shrinks_or_stays_is_never_refused() -> None:
    room = Room(4, {"a": 6, "b": 2})
    room.take("a", 6)
    room.take("a", 5)
    with pytest.raises(RequestLimitExceeded):
        room.take("b", 3)


def test_what_goes_makes_room() -> None:
    room = Room(4, {"a": 4})
    room.leave("a")
    room.leave("a")
    room.leave(None)
    room.take("b", 4)
    with pytest.raises(RequestLimitExceeded):
        room.take("c", 1)


@pytest.mark.parametrize("room", [Room(), Room(-1, {"a": 10**6})])
def test_without_a_limit_nothing_is_refused(room: Room) -> None:
    room.take("b", 10**6)
    room.take("b", 10**7)
    room.leave("b")
