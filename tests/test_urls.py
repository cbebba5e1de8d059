"""What of a URL may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.urls import is_signed, is_url, query_of, shown, shown_name


def test_urls_are_told_from_other_names() -> None:
    assert [is_url(name) for name in ("http://a/t.yaml", "HTTPS://a/t.yaml")] == [True, True]
    assert [is_url(name) for name in ("t.yaml", "file:///t.yaml", "http:t.yaml", "")] == [False] * 4


def test_credentials_are_never_shown() -> None:
    assert shown("https://u:hush@h:1/p") == "https://h:1/p"
    assert shown("https://u:hu@sh@h:1/p?signature=hush#hush") == "https://h:1/p?******"


@pytest.mark.parametrize(
    "name", ["OS::Nova::Server", "dir/t.yaml", "t.yaml?x=y", "http://h/t.yaml", "ftp://h/t?x"]
)
def test_names_that_hide_nothing_are_shown_as_they_are(name: str) -> None:
    assert (shown_name(name), is_signed(name), query_of(name)) == (name, False, "")


def test_query_of_a_url_is_secret_unless_it_says_nothing() -> None:
    assert query_of("https://h/t.yaml?sig=hush#part") == "sig=hush"
    assert query_of("https://h/t.yaml?v=1") == ""
    assert shown_name("https://h/t.yaml?v=1") == "https://h/t.yaml?******"


@given(st.text(max_size=20), st.text("abc", min_size=4))
def test_no_url_shows_its_query(host: str, query: str) -> None:
    assert query not in shown_name(f"https://{host}?{query}").replace(host, "")
