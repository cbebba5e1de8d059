"""The layout: boxes apart, arrows downwards, the same every time."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.template.layout import Box, Graph, Layout, lay_out


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(0, 25))
    names = [f"n{number}" for number in range(count)]
    width = st.integers(40, 300).map(float)
    height = st.sampled_from([40.0, 40.0, 250.0])
    sizes = {name: (draw(width), draw(height)) for name in names}
    pairs = list(combinations(names, 2))
    arrows = draw(st.lists(st.sampled_from(pairs), max_size=40, unique=True)) if pairs else []
    return Graph(sizes, tuple(arrows))


def overlap(one: Box, other: Box) -> bool:
    apart = (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )
    return not apart


@given(graphs())
@settings(max_examples=60)
def test_boxes_stand_apart_within_the_picture(graph: Graph) -> None:
    made = lay_out(graph)
    assert {name: (box.width, box.height) for name, box in made.boxes.items()} == dict(graph.sizes)
    assert not any(overlap(one, other) for one, other in combinations(made.boxes.values(), 2))
    for box in made.boxes.values():
        assert -0.01 <= box.x <= box.x + box.width <= made.width + 0.01
        assert -0.01 <= box.y <= box.y + box.height <= made.height + 0.01


@given(graphs())
@settings(max_examples=60)
def test_arrows_lead_down_from_box_to_box(graph: Graph) -> None:
    made = lay_out(graph)
    assert set(made.routes) == set(graph.arrows)
    for (start, end), route in made.routes.items():
        upper, lower = made.boxes[start], made.boxes[end]
        assert route[0] == (upper.x + upper.width / 2, upper.y + upper.height)
        assert route[-1] == (lower.x + lower.width / 2, lower.y)
        heights = [y for _, y in route]
        assert heights == sorted(heights)


@given(graphs())
@settings(max_examples=20)
def test_layout_is_the_same_every_time(graph: Graph) -> None:
    assert lay_out(graph) == lay_out(graph)


def test_nothing_has_no_size() -> None:
    assert lay_out(Graph({}, ())) == Layout({}, {}, 0.0, 0.0)


def test_wide_generation_is_broken_into_rows() -> None:
    leaves = {f"leaf{number}": (150.0, 40.0) for number in range(60)}
    made = lay_out(Graph({"root": (100.0, 40.0), **leaves}, tuple(("root", name) for name in leaves)))
    assert made.width < 3000
    assert len({box.y for box in made.boxes.values()}) > 4


def test_arrow_passes_beside_the_boxes_between() -> None:
    size = (100.0, 40.0)
    arrows = (("a", "b"), ("b", "c"), ("a", "c"))
    made = lay_out(Graph(dict.fromkeys("abc", size), arrows))
    middle = made.boxes["b"]
    passing = made.routes["a", "c"][1]
    assert passing[1] == middle.y
    assert not middle.x <= passing[0] <= middle.x + middle.width
