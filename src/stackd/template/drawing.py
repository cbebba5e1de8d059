"""Pictures of what needs what: a graph of resources with nested stacks inside, as Mermaid, DOT or SVG text.

Arrows lead from what is made first to what needs it. All that is drawn depends on the graph alone: the same
template gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from stackd.template.layout import Box, Graph, Layout, lay_out


class Need(Enum):
    """Why a resource needs another one."""

    REFERENCE = "refers to"
    EXPLICIT = "depends_on"
    IMPLIED = "follows from the types"


@dataclass(frozen=True, slots=True)
class Edge:
    """``user`` needs ``needed``."""

    needed: str
    user: str
    need: Need = Need.REFERENCE


@dataclass(frozen=True, slots=True)
class Node:
    """A resource; ``inner`` is the stack that it contains."""

    name: str
    type: str
    inner: Picture | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The resources of one stack and what they need from each other."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()


# --- text for other programs ----------------------------------------------------------------------

_ARROWS: Final = {Need.REFERENCE: "-->", Need.EXPLICIT: "-.->", Need.IMPLIED: "-. types .->"}
_STYLES: Final = {Need.REFERENCE: "solid", Need.EXPLICIT: "dashed", Need.IMPLIED: "dotted"}


def mermaid(picture: Picture) -> str:
    """A Mermaid flowchart, as Markdown renderers show it."""
    return "\n".join(["flowchart TD", *_mermaid(picture, "r", "  ")]) + "\n"


def _mermaid(picture: Picture, prefix: str, indent: str) -> Iterator[str]:
    ids = _ids(picture, prefix)
    for node in picture.nodes:
        identity = ids[node.name]
        if node.inner is not None and node.inner.nodes:
            yield f'{indent}subgraph {identity}["{_mermaid_text(node)}"]'
            yield from _mermaid(node.inner, f"{identity}_", indent + "  ")
            yield f"{indent}end"
        else:
            yield f'{indent}{identity}["{_mermaid_text(node)}"]'
    for edge in picture.edges:
        yield f"{indent}{ids[edge.needed]} {_ARROWS[edge.need]} {ids[edge.user]}"


def _mermaid_text(node: Node) -> str:
    plain = (node.name, node.type)
    name, kind = (text.replace("#", "#35;").replace('"', "#quot;") for text in plain)
    return f"{escape(name)}<br><small>{escape(kind)}</small>"


def dot(picture: Picture) -> str:
    """A graph for Graphviz."""
    head = [
        "digraph stack {",
        "  compound=true;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ]
    return "\n".join([*head, *_dot(picture, "r", "  "), "}"]) + "\n"


def _dot(picture: Picture, prefix: str, indent: str) -> Iterator[str]:
    ids = _ids(picture, prefix)
    anchors: dict[str, str] = {}
    for node in picture.nodes:
        identity = ids[node.name]
        label = _dot_text(node.name) + "\\n" + _dot_text(node.type)
        if node.inner is not None and node.inner.nodes:
            anchors[node.name] = _anchor(node.inner, f"{identity}_")
            yield f"{indent}subgraph cluster_{identity} {{"
            yield f'{indent}  label="{label}"; style=rounded; fontname="sans-serif";'
            yield from _dot(node.inner, f"{identity}_", indent + "  ")
            yield f"{indent}}}"
        else:
            yield f'{indent}{identity} [label="{label}"];'
    for edge in picture.edges:
        options = [f"style={_STYLES[edge.need]}"]
        if edge.needed in anchors:
            options.append(f"ltail=cluster_{ids[edge.needed]}")
        if edge.user in anchors:
            options.append(f"lhead=cluster_{ids[edge.user]}")
        ends = [anchors.get(name, ids[name]) for name in (edge.needed, edge.user)]
        yield f"{indent}{ends[0]} -> {ends[1]} [{', '.join(options)}];"


def _anchor(picture: Picture, prefix: str) -> str:
    """A node inside a cluster: Graphviz draws edges between nodes only, and cuts them at the clusters."""
    node = picture.nodes[0]
    identity = _ids(picture, prefix)[node.name]
    if node.inner is None or not node.inner.nodes:
        return identity
    return _anchor(node.inner, f"{identity}_")


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _ids(picture: Picture, prefix: str) -> Mapping[str, str]:
    return {node.name: f"{prefix}{number}" for number, node in enumerate(picture.nodes)}


# --- SVG ------------------------------------------------------------------------------------------

_DASHES: Final = {Need.REFERENCE: "", Need.EXPLICIT: "7 4", Need.IMPLIED: "2 4"}
_FILLS: Final = {
    "Nova": "#fde2cf",
    "Neutron": "#d3e5f7",
    "Cinder": "#e2d8f3",
    "Keystone": "#f7d6de",
    "Glance": "#fbeec2",
    "Swift": "#d6efe4",
    "Heat": "#e6e6e6",
}
_OTHER: Final = "#f4f4f4"
_LETTER: Final = 7.1
_BOLD_LETTER: Final = 7.9
_LONGEST: Final = 30
_HEIGHT: Final = 40.0
_TITLE: Final = 30.0
_MARGIN: Final = 16.0
_LEGEND: Final = 36.0
_FONT: Final = 'font-family="sans-serif" font-size="12"'


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A picture that has been laid out, with those inside it by the name of the node around each."""

    picture: Picture
    layout: Layout
    inner: Mapping[str, _Drawn]


def svg(picture: Picture) -> str:
    """A drawing that needs no other program to be laid out."""
    drawn = _drawn(picture)
    width = max(drawn.layout.width, 430.0) + 2 * _MARGIN
    height = drawn.layout.height + 2 * _MARGIN + _LEGEND
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">'
    )
    arrow = (
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L10,5 L0,10 z" fill="#555"/></marker></defs>'
    )
    paper = f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>'
    lines = [head, arrow, paper, *_svg(drawn, _MARGIN, _MARGIN), *_legend(height - _LEGEND / 2), "</svg>"]
    return "\n".join(lines) + "\n"


def _drawn(picture: Picture) -> _Drawn:
    inner = {node.name: _drawn(node.inner) for node in picture.nodes if node.inner and node.inner.nodes}
    sizes = {node.name: _size(node, inner.get(node.name)) for node in picture.nodes}
    graph = Graph(sizes, tuple((edge.needed, edge.user) for edge in picture.edges))
    return _Drawn(picture, lay_out(graph), inner)


def _size(node: Node, inner: _Drawn | None) -> tuple[float, float]:
    if inner is None:
        return max(len(_cut(node.name)), len(_cut(node.type)), 8) * _LETTER + 16, _HEIGHT
    width = len(_title(node)) * _BOLD_LETTER + 20
    return max(width, inner.layout.width + 2 * _MARGIN), inner.layout.height + _TITLE + _MARGIN


def _svg(drawn: _Drawn, left: float, top: float) -> Iterator[str]:
    """Clusters, then arrows, then what stands on them."""
    boxes = {name: box.moved(left, top) for name, box in drawn.layout.boxes.items()}
    nodes = {node.name: node for node in drawn.picture.nodes}
    for name in drawn.inner:
        yield _rectangle(boxes[name], "#fbfbfb", "#999", nodes[name])
    for edge in drawn.picture.edges:
        points = [(x + left, y + top) for x, y in drawn.layout.routes[edge.needed, edge.user]]
        dashes = f' stroke-dasharray="{_DASHES[edge.need]}"' if _DASHES[edge.need] else ""
        yield (
            f'<path d="{_curve(points)}" fill="none" stroke="#555"{dashes} marker-end="url(#arrow)">'
            f"<title>{escape(f'{edge.user} {edge.need.value} {edge.needed}')}</title></path>"
        )
    for name, node in nodes.items():
        box = boxes[name]
        if name in drawn.inner:
            yield _text(box.x + 10, box.y + 19, _title(node), bold=True, anchor="start")
            inner = drawn.inner[name]
            indent = (box.width - inner.layout.width) / 2
            yield from _svg(inner, box.x + indent, box.y + _TITLE)
        else:
            yield _rectangle(box, _fill(node.type), "#555", node)
            middle = box.x + box.width / 2
            yield _text(middle, box.y + 17, _cut(name), bold=True)
            yield _text(middle, box.y + 32, _cut(node.type))


def _rectangle(box: Box, fill: str, stroke: str, node: Node) -> str:
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"><title>{escape(f"{node.name} ({node.type})")}</title></rect>'
    )


def _text(x: float, y: float, text: str, *, bold: bool = False, anchor: str = "middle") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {_FONT}{weight}>{escape(text)}</text>'


def _curve(points: list[tuple[float, float]]) -> str:
    """A line that leaves and arrives vertically, through all points."""
    path = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = (y2 - y1) / 2
        path.append(f"C{x1:.1f},{y1 + bend:.1f} {x2:.1f},{y2 - bend:.1f} {x2:.1f},{y2:.1f}")
    return " ".join(path)


def _fill(kind: str) -> str:
    parts = kind.split("::")
    return _FILLS.get(parts[1], _OTHER) if len(parts) > 2 else _OTHER


def _title(node: Node) -> str:
    return f"{_cut(node.name)} ({_cut(node.type)})"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _legend(y: float) -> Iterator[str]:
    x = _MARGIN
    for need, dashes in _DASHES.items():
        style = f" stroke-dasharray={quoteattr(dashes)}" if dashes else ""
        line = f'<path d="M{x:.1f},{y:.1f} h34" stroke="#555"{style} marker-end="url(#arrow)"/>'
        yield line + _text(x + 42, y + 4, need.value, anchor="start")
        x += 42 + len(need.value) * _LETTER + 24


FORMATS: Final = {"mermaid": mermaid, "dot": dot, "svg": svg}
