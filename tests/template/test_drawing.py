"""Pictures of templates as text."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from stackd.template.drawing import FORMATS, Edge, Need, Node, Picture, dot, mermaid, svg

INNER = Picture(
    (Node("port", "OS::Neutron::Port"), Node("server", "OS::Nova::Server")), (Edge("port", "server"),)
)
PICTURE = Picture(
    (Node("net", "OS::Neutron::Net"), Node("web", "tier.yaml", INNER), Node("late", 'My "odd" <&> #type')),
    (Edge("net", "web"), Edge("web", "late", Need.EXPLICIT), Edge("net", "late", Need.IMPLIED)),
)
SPACE = "{http://www.w3.org/2000/svg}"


def drawn(picture: Picture) -> Any:
    return ElementTree.fromstring(svg(picture))


def test_mermaid_has_nested_stacks_as_subgraphs_and_kinds_of_arrows() -> None:
    assert mermaid(PICTURE).splitlines() == [
        "flowchart TD",
        '  r0["net<br><small>OS::Neutron::Net</small>"]',
        '  subgraph r1["web<br><small>tier.yaml</small>"]',
        '    r1_0["port<br><small>OS::Neutron::Port</small>"]',
        '    r1_1["server<br><small>OS::Nova::Server</small>"]',
        "    r1_0 --> r1_1",
        "  end",
        '  r2["late<br><small>My #quot;odd#quot; &lt;&amp;&gt; #35;type</small>"]',
        "  r0 --> r1",
        "  r1 -.-> r2",
        "  r0 -. types .-> r2",
    ]


def test_dot_cuts_arrows_at_the_clusters() -> None:
    lines = [line.strip() for line in dot(PICTURE).splitlines()]
    assert lines[0] == "digraph stack {"
    assert "subgraph cluster_r1 {" in lines
    assert r'r2 [label="late\nMy \"odd\" <&> #type"];' in lines
    assert lines[-4:] == [
        "r0 -> r1_0 [style=solid, lhead=cluster_r1];",
        "r1_0 -> r2 [style=dashed, ltail=cluster_r1];",
        "r0 -> r2 [style=dotted];",
        "}",
    ]


def test_dot_finds_a_node_in_the_deepest_cluster() -> None:
    deep = Picture(
        (Node("a", "t.yaml", Picture((Node("b", "u.yaml", INNER),))), Node("c", "X")), (Edge("a", "c"),)
    )
    assert "r0_0_0 -> r1 [style=solid, ltail=cluster_r0];" in dot(deep)


def test_svg_shows_every_resource_and_every_need() -> None:
    root = drawn(PICTURE)
    texts = [each.text for each in root.iter(f"{SPACE}text")]
    for name in ("net", "port", "server", "late", "web (tier.yaml)", 'My "odd" <&> #type'):
        assert name in texts
    titles = {each.text for each in root.iter(f"{SPACE}title")}
    assert {"web refers to net", "late depends_on web", "late follows from the types net"} <= titles
    assert len([each for each in root.iter(f"{SPACE}path") if each.get("stroke-dasharray") == "7 4"]) == 2


def test_svg_of_a_nested_stack_stands_inside_its_resource() -> None:
    boxes = {}
    for each in drawn(PICTURE).iter(f"{SPACE}rect"):
        title = each.find(f"{SPACE}title")
        if title is not None:
            boxes[title.text.split(" ")[0]] = [float(each.get(key)) for key in ("x", "y", "width", "height")]
    x, y, width, height = boxes["web"]
    for name in ("port", "server"):
        left, top, wide, high = boxes[name]
        assert x < left < left + wide < x + width
        assert y < top < top + high < y + height


def test_everything_is_within_the_sheet() -> None:
    root = drawn(PICTURE)
    width, height = float(root.get("width")), float(root.get("height"))
    for each in root.iter(f"{SPACE}rect"):
        assert float(each.get("x", 0)) + float(each.get("width")) <= width
        assert float(each.get("y", 0)) + float(each.get("height")) <= height
    for each in root.iter(f"{SPACE}path"):
        numbers = [float(number) for number in re.findall(r"[\d.]+(?=,)", each.get("d"))]
        assert all(number <= width for number in numbers)


def test_long_names_are_cut_and_told_in_full() -> None:
    name = "a" * 60
    root = drawn(Picture((Node(name, "OS::Heat::None"),)))
    assert f"{'a' * 29}…" in [each.text for each in root.iter(f"{SPACE}text")]
    assert f"{name} (OS::Heat::None)" in [each.text for each in root.iter(f"{SPACE}title")]


@pytest.mark.parametrize("form", FORMATS)
def test_empty_stack_can_be_drawn(form: str) -> None:
    text = FORMATS[form](Picture((Node("empty", "t.yaml", Picture(())),)))
    assert "empty" in text
    assert FORMATS[form](Picture(())).endswith("\n")
