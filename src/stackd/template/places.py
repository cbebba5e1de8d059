"""Line and column of the value at a path, found by reading the text again.

Places are needed only when something is wrong, so parsing does not pay for them: the first question builds
the index from the same event stream, later ones are look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yaml._yaml import CParser
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stackd.errors import Place
from stackd.template.scalars import key_text, resolve_scalar
from stackd.template.tags import LONG_FORMS

PathPart = str | int
_FUNCTIONS = frozenset(LONG_FORMS.values())


@dataclass(slots=True)
class _Spot:
    """Where a value stands, and where each of its children does; ``key`` is where its key does.

    The place of a collection that begins below its key is that of the key.
    """

    line: int
    column: int
    key: tuple[int, int]
    children: dict[PathPart, _Spot] = field(default_factory=dict)
    merged: list[_Spot] = field(default_factory=list)


@dataclass(slots=True)
class Index:
    """The places of everything in a text, and the keys that a mapping has a second time."""

    root: _Spot | None = None
    repeated: list[tuple[tuple[PathPart, ...], int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read; ``key`` is None where a mapping expects its next key.

    ``part`` is the key or index of the value that was begun last.
    """

    spot: _Spot
    mapping: bool
    key: tuple[PathPart, int, int] | None = None
    count: int = 0
    part: PathPart = 0


def index_places(text: str) -> Index:
    """The places of everything in ``text``, as far as it can be read as YAML."""
    index = Index()
    stack: list[_Open] = []
    anchors: dict[str, _Spot] = {}
    parser = CParser(text)
    try:
        while (event := parser.get_event()) is not None:
            kind = type(event)
            if kind in (MappingEndEvent, SequenceEndEvent):
                stack.pop()
                continue
            if kind not in (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent):
                continue
            spot = _enter(event, kind, stack, anchors, index.repeated)
            index.root = index.root or spot
            if kind in (MappingStartEvent, SequenceStartEvent):
                stack.append(_Open(spot, kind is MappingStartEvent))
    except (YAMLError, UnicodeError, ValueError, KeyError):
        pass  # what comes after is not indexed
    return index


def _enter(
    event: Any,
    kind: type,
    stack: list[_Open],
    anchors: dict[str, _Spot],
    repeated: list[tuple[tuple[PathPart, ...], int, int]],
) -> _Spot:
    """Record one value (or key) under the collection that is open, and return its spot."""
    mark = event.start_mark
    line, column = mark.line + 1, mark.column + 1
    if kind is AliasEvent:
        spot = anchors[event.anchor]
    else:
        spot = _Spot(line, column, (line, column))
        if event.anchor:
            anchors[event.anchor] = spot
    if not stack:
        return spot
    parent = stack[-1]
    if not parent.mapping:
        parent.part = parent.count
        parent.spot.children[parent.count] = spot
        parent.count += 1
    elif parent.key is None:
        plain = kind is ScalarEvent and event.implicit[0]
        name = key_text(resolve_scalar(event.value)) if plain else getattr(event, "value", "")
        parent.key = (name or "", line, column)
    else:
        name, key_line, key_column = parent.key
        parent.key, parent.part = None, name
        if name == "<<":
            parent.spot.merged.append(spot)
        elif name in parent.spot.children:
            repeated.append((tuple(each.part for each in stack), key_line, key_column))
        key = (key_line, key_column)
        if line != key_line:
            line, column = key
        parent.spot.children[name] = _Spot(line, column, key, spot.children, spot.merged)
    return spot


def find_place(index: Index, path: tuple[PathPart, ...], file: str, *, key: bool = False) -> Place:
    """The place of ``path`` (of its last key if ``key``), or of its nearest ancestor that is in the text."""
    if index.root is None:
        return Place(file)
    spot = index.root
    for part in path:
        child = spot.children.get(part) or _in_merged(spot, part)
        if child is None and part in _FUNCTIONS:
            continue  # it is written as a tag of what follows
        if child is None:
            break
        spot = child
    return Place(file, *spot.key) if key else Place(file, spot.line, spot.column)


def _in_merged(spot: _Spot, part: PathPart) -> _Spot | None:
    for source in spot.merged:
        if part in source.children:
            return source.children[part]
        for listed in source.children.values():
            if part in listed.children and isinstance(part, str):
                return listed.children[part]
    return None
