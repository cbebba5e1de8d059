"""Names of objects in the cloud."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from stackd.engine.execution.physical_names import physical_name, short_id

words = st.text("abcXYZ019_.-", min_size=1, max_size=300)
ids = st.uuids(version=4).map(str)


@given(id_=ids)
def test_short_id_is_twelve_lower_case_letters_and_digits(id_: str) -> None:
    assert len(short_id(id_)) == 12
    assert set(short_id(id_)) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_short_id_is_the_one_that_clients_of_heat_know() -> None:
    assert short_id("00000000-0000-4000-8000-000000000000") == "aaaaaaaaaaaa"
    assert short_id("ffffffff-ffff-4fff-bfff-ffffffffffff") == "777777777777"
    assert short_id("01234567-89ab-4cde-8f01-23456789abcd") == "zxujvmasgrlh"


@given(one=ids, other=ids)
def test_each_random_bit_counts(one: str, other: str) -> None:
    same = uuid.UUID(one).time == uuid.UUID(other).time
    assert (short_id(one) == short_id(other)) is same


@given(stack=words, resource=words, id_=ids, limit=st.integers(20, 300))
def test_name_keeps_to_its_limit_and_its_end(stack: str, resource: str, id_: str, limit: int) -> None:
    name = physical_name(stack, resource, id_, limit)
    assert len(name) <= limit
    assert name.endswith(f"-{short_id(id_)}")
    assert name[:2] == f"{stack}-{resource}"[:2]
    assert name == physical_name(stack, resource, id_, limit)


def test_short_name_is_whole() -> None:
    id_ = "00000000-0000-4000-8000-000000000000"
    assert physical_name("web", "server", id_) == "web-server-aaaaaaaaaaaa"
    assert physical_name("web", "server", id_, 20) == "we-rver-aaaaaaaaaaaa"
