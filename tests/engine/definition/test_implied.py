"""Implied requirements among those of references: a guess never makes a template wrong."""

import pytest

from stackd.engine.definition.implied import with_implied
from stackd.resources.follows import Found, Index, Sibling
from stackd.template.unknown import Unknown

NOTHING: frozenset[str] = frozenset()


def graph(**needs: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(each.split()) for name, each in needs.items()}


def test_what_is_sure_and_what_is_guessed_is_required() -> None:
    found = {"c": Found(frozenset({"a"}), frozenset({"b"}))}
    assert with_implied(graph(a="", b="", c=""), found, pytest.fail) == graph(a="", b="", c="a b")


def test_a_guess_gives_way_where_it_would_close_a_circle() -> None:
    found = {
        "fip": Found(NOTHING, frozenset({"inside", "other"})),
        "late": Found(NOTHING, frozenset({"fip"})),
    }
    required = graph(inside="fip", fip="", other="", late="inside", before="")
    expected = graph(inside="fip", fip="other", other="", late="inside fip", before="")
    assert with_implied(required, found, pytest.fail) == expected


def test_guesses_that_circle_among_themselves_all_give_way() -> None:
    found = {"a": Found(NOTHING, frozenset({"b", "c"})), "b": Found(NOTHING, frozenset({"a"}))}
    assert with_implied(graph(a="", b="", c=""), found, pytest.fail) == graph(a="c", b="", c="")


def test_a_circle_of_what_is_sure_is_refused() -> None:
    circles: list[list[str]] = []
    found = {"port": Found(frozenset({"subnet"}), NOTHING)}
    assert with_implied(graph(port="", subnet="port"), found, circles.append) == graph(port="", subnet="")
    assert [sorted(circle) for circle in circles] == [["port", "subnet"]]


def test_many_who_may_mean_any_share_one_answer() -> None:
    many = [Sibling(f"s{number}", "K", {"key": Unknown(f"n{number}")}) for number in range(1000)]
    index = Index(many, lambda properties: properties["key"])
    unknown = Unknown("group", ("refs",))
    assert index.find((Unknown("n7"),)) == (frozenset({"s7"}), NOTHING)
    assert len(index.find((Unknown("", ("any",)), unknown)).guessed) == 1000
    assert index.find((Unknown("", ("any",)),)).guessed is index.find((Unknown("", ("any",)),)).guessed
