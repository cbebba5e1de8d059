"""Queries are read as their models declare, with Heat's tolerance and words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict

from stackd.errors import BadRequest
from stackd.routers.queries import (
    Filter,
    Flag,
    Names,
    Number,
    PageQuery,
    QueryModel,
    Text,
    Words,
    allowed,
    read_query,
)


class Everything(PageQuery):
    """One parameter of each type."""

    flag: Flag = False
    number: Number = None
    text: Text = None
    words: Words = ()
    names: Names = ()
    old: Filter = ()
    new: Filter = ()


class Strict(QueryModel):
    """A query that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")

    flag: Flag = False


def read(query: str) -> Everything:
    return read_query(Everything, query.encode())


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("", "flag", False),
        ("flag=TRUE", "flag", True),
        ("flag=", "flag", False),
        ("flag=x&flag=false", "flag", False),
        ("number=7", "number", 7),
        ("number=0", "number", 0),
        ("number=" + "9" * 40, "number", 2**62),
        ("text=a&text=b", "text", "b"),
        ("text=%00", "text", "\N{REPLACEMENT CHARACTER}"),
        ("text=%ff", "text", "\N{REPLACEMENT CHARACTER}"),
        ("words=a,b", "words", ("a", "b")),
        ("names=a&names=&names=b", "names", ("a", "b")),
        ("unknown=1", "text", None),
    ],
)
def test_value_is_read(query: str, name: str, value: Any) -> None:
    assert getattr(read(query), name) == value


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("flag=x", 'Unrecognized value "x" for "flag", acceptable values are: true, false.'),
        ("number=x", "Only integer is acceptable by 'number'."),
        ("limit=-1", "Value '-1' is invalid for 'limit' which only accepts non-negative integer."),
        ("sort_dir=up", "Unknown sort direction: up, must be one of asc, desc."),
    ],
)
def test_wrong_value_is_refused_in_heats_words(query: str, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(query)
    assert refused.value.message == message


@pytest.mark.parametrize("query", ["other=1", "other=", "flag=true&other=1"])
def test_strict_query_refuses_what_it_does_not_know(query: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_query(Strict, query.encode())
    assert refused.value.message == "Invalid filter parameters ['other']"


def test_names_of_one_filter_are_alternatives() -> None:
    names = {"old": "field", "new": "field", "names": "other"}
    assert allowed(read("old=a&new=b&old=c"), names) == {"field": ("a", "c", "b")}
    assert allowed(read(""), names) == {}


def test_page_maps_sort_keys_and_drops_others() -> None:
    page = read("limit=5&marker=m&sort_dir=asc&sort_keys=a,%20b&sort_keys=c").page({"b": "x", "c": "y"})
    assert (page.limit, page.marker, page.sort_keys, page.descending) == (5, "m", ("x", "y"), False)
    plain = read("").page({})
    assert (plain.limit, plain.marker, plain.sort_keys, plain.descending) == (None, "", (), None)


_NAMES = st.sampled_from(sorted(Everything.model_fields))


@given(st.lists(st.tuples(_NAMES, st.text(max_size=5)), max_size=6))
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        read(urlencode(pairs, errors="replace"))
    except BadRequest:
        return
