"""The tokens of a YAML text, seen from its lines: where each line begins and where its parts belong.

The tokens are those of ruamel.yaml's round-trip scanner, which knows places, styles and comments. Depth
decides the column: each collection stands two columns deeper than the one around it, a sequence too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

INDENT: Final = 2


class Level(NamedTuple):
    """A block collection that is open: the column it has, and the one it gets.

    ``implied`` is a sequence that stands in the column of its key.
    """

    old: int
    new: int
    is_map: bool
    implied: bool = False


class Pin(NamedTuple):
    """A part of a line: its column, and the one that it gets; None puts it ``gap`` spaces after the last."""

    old: int
    new: int | None
    gap: int = 0


class Span(NamedTuple):
    """A scalar or flow collection of several lines, first and last line, in the collection ``level``."""

    first: int
    last: int
    level: Level | None


class Block(NamedTuple):
    """A block scalar: the line of its ``|`` or ``>``, and what stands after that sign."""

    line: int
    header: str
    level: Level | None


@dataclass(slots=True)
class Marked:
    """Facts about the lines from the tokens, by line number.

    Lines in ``kept`` may end with blanks that are content. Those in ``inside`` are later lines of scalars,
    where an empty line is content.
    """

    pins: dict[int, list[Pin]] = field(default_factory=dict)
    levels: dict[int, list[Level]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    inside: set[int] = field(default_factory=set)


_OPENERS: Final = frozenset({"BlockMappingStartToken", "BlockSequenceStartToken"})
_INDICATORS: Final = frozenset({"BlockEntryToken", "KeyToken", "ValueToken"})
_UNPLACED: Final = frozenset(
    {"StreamStartToken", "StreamEndToken", "DirectiveToken", "DocumentStartToken", "DocumentEndToken"}
)
_FLOW: Final = {
    "FlowSequenceStartToken": 1,
    "FlowMappingStartToken": 1,
    "FlowSequenceEndToken": -1,
    "FlowMappingEndToken": -1,
}


def tokens_of(text: str) -> Iterator[Any]:
    """The tokens of the round-trip scanner; raises YAMLError of ruamel.yaml."""
    from ruamel.yaml import YAML

    return iter(YAML(typ="rt", pure=True).scan(text))


def mark(lines: Sequence[str]) -> Marked:
    """Read the tokens of a text and note what each of its lines is made of.

    Blank lines are read as empty ones, because the scanner refuses some before the text of a block scalar.
    """
    marker = _Marker(lines)
    for token in tokens_of("\n".join(line if line.strip(" \t") else "" for line in lines)):
        marker.take(type(token).__name__, token)
    return marker.marked


class _Marker:
    """Follows the tokens, keeping the collections that are open."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.marked = Marked()
        self._lines = lines
        self._stack: list[Level] = []
        self._flow = 0
        self._flow_start = 0
        self._last = ("", -1)
        """The last token that has a width: its kind and last line."""

    def take(self, kind: str, token: Any) -> None:
        """Note one token."""
        if self._flow or kind in _FLOW:
            self._in_flow(kind, token)
        elif kind in _OPENERS:
            self._open(token.start_mark.column, is_map=kind == "BlockMappingStartToken")
        elif kind == "BlockEndToken":
            self._leave_implied()
            self._stack.pop()
        elif kind not in _UNPLACED:
            self._place(kind, token)

    @property
    def _level(self) -> Level | None:
        return self._stack[-1] if self._stack else None

    def _open(self, column: int, *, is_map: bool, implied: bool = False) -> None:
        new = self._stack[-1].new + INDENT if self._stack else 0
        self._stack.append(Level(column, new, is_map, implied))

    def _leave_implied(self) -> None:
        if self._stack and self._stack[-1].implied:
            self._stack.pop()

    def _in_flow(self, kind: str, token: Any) -> None:
        if not self._flow:
            self._place(kind, token)
            self._flow_start = token.start_mark.line
        elif kind == "ScalarToken":
            self._scalar(token)
        self._flow += _FLOW.get(kind, 0)
        if not self._flow:
            self._ended(kind, self._flow_start, token.end_mark.line)

    def _place(self, kind: str, token: Any) -> None:
        """Note a token outside of flow collections."""
        start = token.start_mark
        if kind in ("KeyToken", "ValueToken"):
            self._leave_implied()
        elif kind == "BlockEntryToken" and self._stack and self._stack[-1].is_map:
            self._open(self._stack[-1].old, is_map=False, implied=True)
        self._pin(kind, start)
        if start.index == token.end_mark.index and kind == "KeyToken":
            return  # without a question mark: the key itself follows
        self.marked.levels[start.line] = list(self._stack)
        if kind == "ScalarToken" and token.style in ("|", ">"):
            header = self._lines[start.line][start.column + 1 :]
            self.marked.blocks.append(Block(start.line, header, self._level))
        else:
            if kind == "ScalarToken":
                self._scalar(token)
            self._ended(kind, start.line, token.end_mark.line)

    def _scalar(self, token: Any) -> None:
        """Note the lines of a scalar that has several."""
        first, last = token.start_mark.line, token.end_mark.line
        self.marked.inside.update(range(first + 1, last + 1))
        if token.style in ("'", '"'):
            self.marked.kept.update(range(first, last))

    def _ended(self, kind: str, first: int, last: int) -> None:
        self._last = (kind, last)
        if last > first and self._flow == 0:
            self.marked.spans.append(Span(first, last, self._level))

    def _pin(self, kind: str, start: Any) -> None:
        """Note the column of a token that begins a line or follows an indicator, or how far it is from it."""
        pins = self.marked.pins.setdefault(start.line, [])
        last, last_line = self._last
        if pins and pins[-1].old == start.column:
            return
        follows = last_line == start.line
        if not self._lines[start.line][: start.column].strip() or (
            follows and self._is_indicator(last, pins)
        ):
            if level := self._level:
                pins.append(Pin(start.column, level.new if kind in _INDICATORS else level.new + INDENT))
        elif follows and last == "ValueToken":
            pins.append(Pin(start.column, None, 1))
        elif follows and last == "ScalarToken" and kind == "ValueToken":
            pins.append(Pin(start.column, None, 0))

    @staticmethod
    def _is_indicator(last: str, pins: Sequence[Pin]) -> bool:
        """Whether the token before is a dash, a question mark, or a colon that begins its line."""
        return last in _INDICATORS and bool(pins) and (last != "ValueToken" or pins[-1].new is not None)
