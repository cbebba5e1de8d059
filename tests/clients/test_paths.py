import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.clients.paths import encode_query, full_url, names_object, next_link, query_of


def test_path_cannot_smuggle_a_query() -> None:
    assert full_url("http://h/v2", "/ports/x?all=1#y", None) == "http://h/v2/ports/x%3Fall=1%23y"


@pytest.mark.parametrize("path", ["/ports/../networks", "/ports/..", "/./ports"])
def test_path_cannot_climb(path: str) -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        full_url("http://h", path, None)


@pytest.mark.parametrize(
    ("path", "nested", "named"),
    [
        ("/ports/1", False, True),
        ("/ports/", False, False),
        ("/routers//add", False, False),
        ("", False, False),
        ("/", True, False),
        ("", True, False),
        ("/box/folder/", True, True),
    ],
)
def test_empty_ids_are_noticed(path: str, nested: bool, named: bool) -> None:
    assert names_object(path, nested=nested) is named


def test_query_repeats_lists_and_leaves_none_out() -> None:
    query = encode_query({"fields": ["id", "name"], "shared": True, "marker": None, "limit": 2})
    assert query == "fields=id&fields=name&shared=true&limit=2"


@pytest.mark.parametrize(
    "page",
    [
        {"networks": [], "networks_links": [{"rel": "next", "href": "http://x/n?marker=7&limit=1"}]},
        {"networks": [], "links": {"next": "http://x/n?marker=7&limit=1", "self": "s"}},
        {"networks": [], "links": [{"rel": "next", "href": "http://x/n?marker=7&limit=1"}]},
        {
            "networks": [],
            "links": [{"rel": "self", "href": "s"}, {"rel": "next", "href": "/n?marker=7&limit=1"}],
        },
        {"networks": [], "next": "/v2/n?marker=7&limit=1"},
    ],
)
def test_next_page_is_found_in_every_form(page: object) -> None:
    link = next_link(page, "networks")
    assert link is not None
    assert query_of(link) == [("marker", "7"), ("limit", "1")]


@pytest.mark.parametrize("page", [[], {"networks": []}, {"links": {"next": None}}, {"links": []}, None])
def test_last_page_has_no_link(page: object) -> None:
    assert next_link(page, "networks") is None


@given(st.text())
def test_every_text_makes_a_url_below_its_base_or_none(text: str) -> None:
    try:
        url = full_url("http://h/v2", f"/ports/{text}", None)
    except (ValueError, UnicodeEncodeError):
        return
    assert url.startswith("http://h/v2/ports/")
    assert "?" not in url
    assert "#" not in url
