"""A small layered layout: boxes in rows, each below all that it needs, arrows with few crossings.

Boxes of one generation stand in one row, or in several when the row would be too wide. Arrows that pass a row
are given room in it. Boxes without arrows stand in a grid below the others. Deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

Name = str | tuple[str, str, int]
"""A box, or the point at which an arrow from one box to another passes a row."""

_GAP: Final = 22.0
_ROW_GAP: Final = 46.0
_PASS: Final = 2.0
_PASS_GAP: Final = 9.0
_WIDEST: Final = 1700.0
_SWEEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Graph:
    """The sizes of boxes by name, and arrows between them."""

    sizes: Mapping[str, tuple[float, float]]
    arrows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box stands."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, left: float, top: float) -> Box:
        """The same box elsewhere."""
        return replace(self, x=self.x + left, y=self.y + top)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands; each route leads from the lower edge of a box to the upper edge of another."""

    boxes: Mapping[str, Box]
    routes: Mapping[tuple[str, str], list[tuple[float, float]]]
    width: float
    height: float


def lay_out(graph: Graph) -> Layout:
    """Find a place for every box; the arrows must not lead in a circle."""
    linked = {name for arrow in graph.arrows for name in arrow}
    single = [name for name in graph.sizes if name not in linked]
    rows = _wrapped(_rows(graph, linked), graph)
    paths = _passing(graph, rows)
    _order(rows, paths)
    boxes, height = _placed(rows, paths, graph)
    grid, bottom = _grid(single, graph, max((box.x + box.width for box in boxes.values()), default=0.0))
    top = height + _ROW_GAP if boxes and grid else height
    named: dict[str, Box] = {name: box for name, box in boxes.items() if isinstance(name, str)}
    named |= {name: box.moved(0, top) for name, box in grid.items()}
    routes = {ends: _route(ends, path, boxes) for ends, path in paths.items()}
    width = max((box.x + box.width for box in (*boxes.values(), *named.values())), default=0.0)
    return Layout(named, routes, width, top + bottom if grid else height)


def _rows(graph: Graph, linked: set[str]) -> list[list[Name]]:
    """The linked boxes by generation; those that need nothing stand just above what needs them first."""
    import networkx as nx

    order: nx.DiGraph[str] = nx.DiGraph()
    order.add_nodes_from(name for name in graph.sizes if name in linked)
    order.add_edges_from(graph.arrows)
    row = {name: number for number, names in enumerate(nx.topological_generations(order)) for name in names}
    for name in order:
        if not order.pred[name]:
            row[name] = min(row[user] for user in order.succ[name]) - 1
    rows: list[list[Name]] = [[] for _ in range(max(row.values(), default=-1) + 1)]
    for name in order:
        rows[row[name]].append(name)
    return rows


def _passing(graph: Graph, rows: list[list[Name]]) -> dict[tuple[str, str], list[Name]]:
    """The stations of each arrow; points for those that pass rows are added to these."""
    row_of = {name: number for number, names in enumerate(rows) for name in names}
    paths: dict[tuple[str, str], list[Name]] = {}
    for start, end in graph.arrows:
        points: list[Name] = [(start, end, number) for number in range(row_of[start] + 1, row_of[end])]
        for number, point in enumerate(points, row_of[start] + 1):
            rows[number].append(point)
        paths[start, end] = [start, *points, end]
    return paths


def _neighbours(paths: Mapping[tuple[str, str], list[Name]]) -> tuple[dict[Name, list[Name]], ...]:
    """What stands above, and what below, each station."""
    above: dict[Name, list[Name]] = {}
    below: dict[Name, list[Name]] = {}
    for path in paths.values():
        for upper, lower in pairwise(path):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    return above, below


def _order(rows: list[list[Name]], paths: Mapping[tuple[str, str], list[Name]]) -> None:
    """Sort each row by where its neighbours stand, downwards and upwards in turn."""
    above, below = _neighbours(paths)
    for sweep in range(_SWEEPS):
        sides, sequence = (above, rows[1:]) if sweep % 2 == 0 else (below, rows[-2::-1])
        at = {name: index / len(row) for row in rows for index, name in enumerate(row)}
        for row in sequence:
            middle = {name: _mean([at[other] for other in sides.get(name, ())], at[name]) for name in row}
            row.sort(key=middle.__getitem__)
            at |= {name: index / len(row) for index, name in enumerate(row)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _wrapped(rows: list[list[Name]], graph: Graph) -> list[list[Name]]:
    """The rows, of which those that are too wide are broken into several."""
    wrapped: list[list[Name]] = []
    for row in rows:
        total = sum(_width(name, graph) + _GAP for name in row)
        pieces = min(math.ceil(total / _WIDEST), len(row))
        size = math.ceil(len(row) / max(pieces, 1))
        wrapped += [row[number * size : (number + 1) * size] for number in range(pieces)]
    return [row for row in wrapped if row]


def _width(name: Name, graph: Graph) -> float:
    return graph.sizes[name][0] if isinstance(name, str) else _PASS


def _placed(
    rows: list[list[Name]], paths: Mapping[tuple[str, str], list[Name]], graph: Graph
) -> tuple[dict[Name, Box], float]:
    """A box for every station, and the height of all rows."""
    middles = _middles(rows, paths, graph)
    left = min((middles[name] - _width(name, graph) / 2 for row in rows for name in row), default=0.0)
    boxes: dict[Name, Box] = {}
    y = 0.0
    for row in rows:
        tallest = max((graph.sizes[name][1] for name in row if isinstance(name, str)), default=0.0)
        for name in row:
            width = _width(name, graph)
            height = graph.sizes[name][1] if isinstance(name, str) else tallest
            boxes[name] = Box(middles[name] - width / 2 - left, y + (tallest - height) / 2, width, height)
        y += tallest + _ROW_GAP
    return boxes, max(0.0, y - _ROW_GAP)


def _middles(
    rows: list[list[Name]], paths: Mapping[tuple[str, str], list[Name]], graph: Graph
) -> dict[Name, float]:
    """The horizontal middle of every station: near its neighbours, without overlaps."""
    above, below = _neighbours(paths)
    middles: dict[Name, float] = {}
    for row in rows:
        middles |= _apart(row, dict.fromkeys(row, 0.0), graph)
    for sweep in range(2 * _SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = {
                name: _mean(
                    [middles[other] for other in (*above.get(name, ()), *below.get(name, ()))], middles[name]
                )
                for name in row
            }
            middles |= _apart(row, wanted, graph)
    return middles


def _apart(row: Sequence[Name], wanted: Mapping[Name, float], graph: Graph) -> dict[Name, float]:
    """Places as near as possible to those wanted at which nothing overlaps; the order stays."""
    groups: list[list[tuple[Name, float]]] = []  # each with offsets from its own start
    starts: list[float] = []
    widths: list[float] = []
    for name in row:
        width = _width(name, graph) + (_GAP if isinstance(name, str) else _PASS_GAP)
        groups.append([(name, width / 2)])
        starts.append(wanted[name] - width / 2)
        widths.append(width)
        while len(groups) > 1 and starts[-2] + widths[-2] > starts[-1]:
            last, shift = groups.pop(), widths[-2]
            groups[-1] += [(each, offset + shift) for each, offset in last]
            starts.pop()
            widths[-2:] = [widths[-2] + widths[-1]]
            starts[-1] = _mean([wanted[each] - offset for each, offset in groups[-1]], 0.0)
    return {
        each: start + offset for start, group in zip(starts, groups, strict=True) for each, offset in group
    }


def _route(
    ends: tuple[str, str], path: Sequence[Name], boxes: Mapping[Name, Box]
) -> list[tuple[float, float]]:
    first, last = boxes[ends[0]], boxes[ends[1]]
    points = [(first.x + first.width / 2, first.y + first.height)]
    for station in path[1:-1]:
        box = boxes[station]
        middle = box.x + box.width / 2
        points += [(middle, box.y), (middle, box.y + box.height)]
    return [*points, (last.x + last.width / 2, last.y)]


def _grid(names: Sequence[str], graph: Graph, width: float) -> tuple[dict[str, Box], float]:
    """Boxes that nothing links, in rows about as wide as the rest, or as a square."""
    area = sum((graph.sizes[name][0] + _GAP) * (graph.sizes[name][1] + _GAP) for name in names)
    widest = min(_WIDEST, max(width, 1.5 * math.sqrt(area)))
    boxes: dict[str, Box] = {}
    x = y = tallest = 0.0
    for name in names:
        size = graph.sizes[name]
        if x and x + size[0] > widest:
            x, y, tallest = 0.0, y + tallest + _GAP, 0.0
        boxes[name] = Box(x, y, *size)
        x += size[0] + _GAP
        tallest = max(tallest, size[1])
    return boxes, y + tallest
