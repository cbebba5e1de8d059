"""Paths are found segment by segment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.routers.tree import Tree


def _tree() -> Tree[str]:
    tree: Tree[str] = Tree()
    tree.insert("/v1/{project}/stacks", ["GET"], "index")
    tree.insert("/v1/{project}/stacks/detail", ["GET"], "detail")
    tree.insert("/v1/{project}/stacks/{name}", ["GET", "POST"], "lookup")
    tree.insert("/v1/{project}/stacks/{name:arn}", ["GET"], "arn")
    tree.insert("/v1/{project}/stacks/{name}/{id}", ["GET"], "show")
    return tree


@pytest.mark.parametrize(
    ("path", "target", "parts"),
    [
        ("/v1/p/stacks", "index", {"project": "p"}),
        ("/v1/p/stacks/detail", "detail", {"project": "p"}),
        ("/v1/p/stacks/n%C3%B6%20x", "lookup", {"project": "p", "name": "nö x"}),
        ("/v1/p/stacks/a%2Fb/c", "show", {"project": "p", "name": "a/b", "id": "c"}),
        ("/v1/p/stacks/arn:a:b/c/d", "arn", {"project": "p", "name": "arn:a:b/c/d"}),
        ("/v1/p/stacks/arn%3Aa%2Fb", "arn", {"project": "p", "name": "arn:a/b"}),
    ],
)
def test_path_is_found_with_its_parts(path: str, target: str, parts: dict[str, str]) -> None:
    found = _tree().find("GET", path)
    assert found is not None
    assert found.target == target
    assert found.parts == parts


@pytest.mark.parametrize("path", ["/", "/v1/p", "/v1/p/stacks/", "/v1//stacks", "/v1/p/stacks/a/b/c", "/x"])
def test_path_leads_nowhere(path: str) -> None:
    assert _tree().find("GET", path) is None


def test_reserved_word_is_a_name_for_other_methods() -> None:
    found = _tree().find("POST", "/v1/p/stacks/detail")
    assert found is not None
    assert found.parts == {"project": "p", "name": "detail"}


def test_methods_of_all_readings_of_a_path_are_allowed() -> None:
    found = _tree().find("DELETE", "/v1/p/stacks/detail")
    assert found is not None
    assert found.target is None
    assert found.allowed == ("GET", "POST")


SEGMENTS = st.sampled_from(["v1", "p", "stacks", "detail", "arn:a", "n", ""])


@given(st.sampled_from(["GET", "POST"]), st.lists(SEGMENTS, max_size=4))
def test_path_that_leads_to_one_place_is_found_there_however_it_is_searched(
    method: str, rest: list[str]
) -> None:
    tree, segments = _tree(), ["v1", "p", *rest]
    straight = tree._straight(method, segments)
    assert straight is None or straight == tree._searched(method, segments)
