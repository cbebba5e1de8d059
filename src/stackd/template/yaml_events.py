"""Events of the YAML parser to plain data, counted while they come.

Mapping keys become the text that JSON would give them, because templates are sent and stored as JSON.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stackd.errors import Place, TemplateError
from stackd.template.limits import Limits, too_deep, too_many_nodes
from stackd.template.scalars import key_text, resolve_scalar
from stackd.template.syntax import unreadable
from stackd.template.tags import LONG_FORMS, long_form, may_have_tags, tag_remedy


def _pair(item: Any) -> Any:
    """A member of an ordered map: its key and value."""
    return list(next(iter(item.items()))) if isinstance(item, dict) and item else item


_NO_KEY: Final = object()
_STANDARD: Final = "tag:yaml.org,2002:"


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    value: Any
    anchor: str | None
    start: int
    tag: str | None
    key: Any = _NO_KEY
    height: int = 1
    merges: list[Any] | None = None
    is_map: bool = False
    wraps: bool = False
    """Whether it is the long form of a tag: a mapping that ends with its one value."""


class Builder:
    """Builds plain data from parser events, counting as it goes."""

    def __init__(self, text: str, limits: Limits, file: str, *, versionless_tags: bool = False) -> None:
        self.versionless_tags = versionless_tags
        self.limits = limits
        self.file = file
        self._parser = CParser(text)
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._open_anchors: set[str] = set()
        self._count = 0
        self._root: Any = None
        self._first_tag: Any = None

    def build(self) -> Any:
        """The document's data; None when there is no document."""
        get_event = self._parser.get_event
        max_nodes = self.limits.max_nodes
        documents = 0
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self._count += 1
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._count += 1
                self._open(event, kind is MappingStartEvent)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise self._error(event, "has more than one document", "Keep one document per file.")
            if self._count > max_nodes:
                raise too_many_nodes(self.limits, self._place(event))
        if self._first_tag is not None and not may_have_tags(self._root, versionless=self.versionless_tags):
            raise self._refused_tag(self._first_tag)
        return self._root

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    def _error(self, event: Any, problem: str, remedy: str) -> TemplateError:
        place = self._place(event)
        where = f"{problem}, line {place.line}, column {place.column}"
        return unreadable(self.file, where, place, remedy)

    def _scalar(self, event: Any) -> None:
        text = event.value
        tag = event.tag
        value: Any = text
        if tag in LONG_FORMS:
            self._short_form(event)
            return
        if tag is not None:
            value = self._tagged(event, tag, text)
        elif event.implicit[0]:
            try:
                value = resolve_scalar(text)
            except ValueError as error:
                raise self._error(event, str(error), "Quote it if it is text.") from None
            if value == "=" or (value == "<<" and not self._expects_key()):
                raise self._error(event, f"has a bare {value} where a value belongs", "Quote it.")
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._add(value, 0, event)

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_map and self._stack[-1].key is _NO_KEY

    def _tagged(self, event: Any, tag: str, text: str) -> Any:
        """A scalar with an explicit tag: the standard ones convert, any other is refused."""
        name = tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag
        try:
            if name in ("str", "timestamp", "!"):
                return text
            if name == "null":
                return None
            if name == "binary":
                return base64.b64decode("".join(text.split()), validate=True).decode()
            if name in ("int", "float", "bool"):
                value = resolve_scalar(text)
                if name == "float" and type(value) is int:
                    return float(value)
                if type(value).__name__ == name:
                    return value
                raise ValueError(f"not a valid {name}")
        except (ValueError, binascii.Error, OverflowError) as error:
            raise self._error(
                event, f"cannot read {text[:40]!r} as !!{name}: {error}", "Drop the tag."
            ) from None
        raise self._refused_tag(event)

    def _refused_tag(self, event: Any) -> TemplateError:
        problem = f"could not determine a constructor for the tag {event.tag!r}"
        return self._error(event, problem, tag_remedy(event.tag, self._root))

    def _short_form(self, event: Any) -> None:
        """A scalar with the tag of a function."""
        self._check_depth(event, 1)
        self._first_tag = self._first_tag or event
        start = self._count
        value = long_form(event.tag, event.value)
        inner = next(iter(value.values()))
        height = 2 if isinstance(inner, list) else 1
        self._count += 2 * height
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - start + 1, height)
        self._add(value, height, event)

    def _check_depth(self, event: Any, levels: int) -> None:
        if len(self._stack) + levels > self.limits.max_depth:
            raise too_deep(self.limits, self._place(event))
        if self._expects_key():
            raise self._error(event, "found unhashable key", "Use a simple text as the key.")

    def _open(self, event: Any, is_map: bool) -> None:
        tag, anchor = event.tag, event.anchor
        self._check_depth(event, 1)
        if anchor:
            self._open_anchors.add(anchor)
        if tag in LONG_FORMS:
            self._first_tag = self._first_tag or event
            wrapper = _Frame({}, anchor, self._count, None, LONG_FORMS[tag], is_map=True, wraps=True)
            self._stack.append(wrapper)
            self._check_depth(event, 1)
            self._count += 2
            tag = anchor = None
        elif tag is not None:
            known = ("map", "set") if is_map else ("seq", "omap", "pairs")
            name = tag.removeprefix(_STANDARD)
            if tag != "!" and name not in known:
                raise self._refused_tag(event)
            tag = name
        self._stack.append(_Frame({} if is_map else [], anchor, self._count, tag, is_map=is_map))

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        value = frame.value
        if frame.merges is not None:
            value = self._merged(frame, event)
        if frame.tag == "set":
            value = list(value)
        elif frame.tag in ("omap", "pairs"):
            value = [_pair(item) for item in value]
        if frame.anchor:
            self._open_anchors.discard(frame.anchor)
            self._anchors[frame.anchor] = (value, self._count - frame.start + 1, frame.height)
        self._add(value, frame.height, event)
        if self._stack and self._stack[-1].wraps:
            self._close(event)

    def _merged(self, frame: _Frame, event: Any) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for source in frame.merges or ():
            maps = source if isinstance(source, list) else [source]
            for item in reversed(maps):
                if not isinstance(item, dict):
                    raise self._error(
                        event, "expected a mapping or list of mappings for merging", "Merge only mappings."
                    )
                self._count += len(item)
                merged.update(item)
        merged.update(frame.value)
        return merged

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if name in self._open_anchors:
            raise self._error(
                event, f"found recursive anchor {name!r}", "An alias cannot stand inside its anchor."
            )
        if name not in self._anchors:
            raise self._error(event, f"found undefined alias {name!r}", "Define the anchor before its alias.")
        value, size, height = self._anchors[name]
        self._count += size
        if len(self._stack) + height > self.limits.max_depth:
            raise too_deep(self.limits, self._place(event))
        if height and self._expects_key():
            raise self._error(event, "found unhashable key", "Use a simple text as the key.")
        self._add(value, height, event)

    def _add(self, value: Any, height: int, event: Any) -> None:
        """Put a finished value into the collection that is open; ``height`` counts the levels inside it."""
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        if not frame.is_map:
            frame.value.append(value)
            return
        if frame.key is _NO_KEY:
            merge = value == "<<" and event.__class__ is ScalarEvent and event.implicit[0]
            frame.key = None if merge else key_text(value)
            return
        key, frame.key = frame.key, _NO_KEY
        if key is None:
            frame.merges = [*(frame.merges or ()), value]
            return
        frame.value[key] = value
