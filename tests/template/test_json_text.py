"""JSON is read as the standard library reads it, and others may work meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.template.json_text import read_json
from tests.support.counting import counted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(JSON)
def test_whatever_was_written_is_read(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("text", ["", "{", '{"a": 1,}', "[1] 2", '{"a": "\x01"}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"char \d"):
        read_json(text)


def test_another_thread_may_have_its_turn_at_each_object_of_a_large_text() -> None:
    """The interpreter may change threads where a function of Python is called."""
    text = json.dumps([{"name": f"server{number}", "size": {"gb": number}} for number in range(1000)])
    with counted() as steps:
        read_json(text)
    assert steps.count >= 2000
