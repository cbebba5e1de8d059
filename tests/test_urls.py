"""What of a URL may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.urls import is_signed, is_url, mask_passwords, query_of, shown, shown_name


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


def test_only_the_password_is_masked() -> None:
    assert mask_passwords("postgresql://me:p%40ss@host/db") == "postgresql://me:***@host/db"
    assert mask_passwords("sqlite:///a.db") == "sqlite:///a.db"


@pytest.mark.parametrize("password", ["hu@sh", "@hush", "hush/hush", "hu:sh@", "hu sh", "hu?sh#", "h//u@s/h"])
def test_whole_password_is_masked_whatever_is_in_it(password: str) -> None:
    assert mask_passwords(f"is postgresql://u:{password}@h/n now") == "is postgresql://u:***@h/n now"


def test_passwords_in_queries_are_masked() -> None:
    text = "postgresql://h/n?user=u&password=hush&sslpassword=hush&port=1"
    assert mask_passwords(text) == "postgresql://h/n?user=u&password=***&sslpassword=***&port=1"
