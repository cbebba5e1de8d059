"""Text to plain data: JSON, or YAML 1.1 the way Heat's loader types it, with every dimension bounded.

YAML is built from the event stream of the C parser, so that a document that is too deep or too large is left
in the middle instead of being composed first. Mapping keys become the text that JSON would give them, because
templates are sent and stored as JSON.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Final

from yaml._yaml import CParser
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stackd.errors import Place, RequestLimitExceeded, TemplateError
from stackd.offload import charge_trial, running_trial
from stackd.template.json_text import read_json
from stackd.template.places import Index, PathPart, find_place, index_places
from stackd.template.scalars import key_text, resolve_scalar
from stackd.template.syntax import syntax_error, unreadable
from stackd.template.tags import LONG_FORMS, long_form, may_have_tags, tag_remedy
from stackd.template.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a template may be; results are bounded per evaluation.

    ``max_nodes`` counts mappings, sequences, keys and scalars with every alias expanded.
    """

    max_bytes: int = 524_288
    max_depth: int = 100
    max_nodes: int = 500_000
    max_result_nodes: int = 500_000
    max_result_bytes: int = 16_777_216
    max_work: int = 500_000_000


@dataclass(frozen=True, slots=True)
class ParseWarning:
    """Something that is allowed but probably not intended."""

    message: str
    path: tuple[PathPart, ...]
    place: Place


@dataclass(frozen=True)
class ParsedDocument:
    """Plain data (dict, list, str, int, float, bool, None) with the place of each part in the text.

    Parts may be shared where the text used aliases: treat ``data`` as read-only.
    """

    data: Any
    file: str = ""
    text: str = field(default="", repr=False)

    @cached_property
    def _index(self) -> Index:
        return index_places(self.text) if self.text else Index()

    @property
    def warnings(self) -> tuple[ParseWarning, ...]:
        """Keys that a mapping has twice."""
        if not self.text:
            return ()
        return tuple(
            ParseWarning(
                f"The key {str(path[-1])!r} is repeated; the last one counts.", path, Place(self.file, *place)
            )
            for path, *place in self._index.repeated
        )

    def place(self, path: tuple[PathPart, ...], *, key: bool = False) -> Place:
        """Where ``path`` (with ``key``, its last key) stands, or its nearest ancestor that does."""
        return find_place(self._index, path, self.file, key=key)

    def value(self, path: tuple[PathPart, ...], *, key: bool = False) -> Any:
        """What stands at ``path``, as far as it can be shown: None for what is long, secret or not there.

        With ``key`` it is the last key itself.
        """
        if key and path:
            return path[-1]
        value = self.data
        for part in path:
            try:
                value = value[part]
            except (LookupError, TypeError):
                return None
        return shown_value(value, path)


_READING_VALUE: Final = 2_400
_READING_CHARACTER: Final = 600
"""Elementary steps for each key and value of a document and each character of a text, with what is then done
with them: a document that may be read on the event loop takes some milliseconds.
"""

_SCANNER_TOO_DEEP: Final = "exceeded maximum nesting depth"
"""What libyaml's scanner reports, which reads ahead of the depth that is counted here."""


def parse_text(
    text: str | bytes, limits: Limits | None = None, file: str = "", *, versionless_tags: bool = False
) -> ParsedDocument:
    """Read one JSON or YAML document; raises TemplateError, or RequestLimitExceeded for its size.

    With ``versionless_tags`` a document without a version may have the tags of CloudFormation.
    """
    limits = limits or Limits()
    text = _decode(text, limits, file)
    charge_trial(_READING_CHARACTER * len(text))
    if text.lstrip()[:1] == "{":
        try:
            data = read_json(text)
        except RecursionError:
            raise _too_deep(limits, Place(file)) from None
        except ValueError:
            pass  # a YAML flow mapping looks the same at first
        else:
            check_data(data, limits)
            return ParsedDocument(data, file, text)
    try:
        data = _Builder(text, limits, file, versionless_tags=versionless_tags).build()
    except YAMLError as error:
        if getattr(error, "problem", None) == _SCANNER_TOO_DEEP:
            mark = getattr(error, "problem_mark", None)
            place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)
            raise _too_deep(limits, place) from None
        raise syntax_error(file, text, error) from None
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise unreadable(file, f"is not valid Unicode: {reason}", Place(file)) from None
    return ParsedDocument(data, file, text)


_SECRET: Final = re.compile(r"pass(word|wd|phrase)?$|secret|token|private_key|credential", re.IGNORECASE)
_UNSHOWN: Final = re.compile(rf"{_SECRET.pattern}|password|Unknown\(|\d{{19}}", re.IGNORECASE)
_SHOWN: Final = 160
MASK: Final = "******"


def names_secret(name: str) -> bool:
    """Whether a name indicates a secret value."""
    return _SECRET.search(name) is not None


def shown_value(value: Any, path: tuple[PathPart, ...]) -> Any:
    """A value as shown in messages: None if it is long, masked if its name indicates a secret."""
    if value is None:
        return None
    named = path[2:] if path[:1] in (("resources",), ("Resources",)) else path
    if any(isinstance(part, str) and _SECRET.search(part) for part in named):
        return MASK
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    if isinstance(value, dict | list):
        text = repr(value) if len(value) <= _SHOWN else ""
        return value if 0 < len(text) <= _SHOWN and not _UNSHOWN.search(text) else None
    if isinstance(value, int) and abs(value) >= 2**63:
        return None  # more than JSON can carry to every client
    return None if isinstance(value, Unknown) else value


def check_data(data: Any, limits: Limits) -> None:
    """Check data that was parsed elsewhere against the same limits as text.

    Raises TemplateError for depth, nodes or a value that JSON does not have, RequestLimitExceeded for size.
    """
    trial = running_trial()
    nodes = size = 0
    level = [data]
    depth = 0
    while level:
        depth += 1
        if depth > limits.max_depth + 1:
            raise _too_deep(limits, Place())
        kinds = set(map(type, level))
        if not kinds <= _PLAIN_KINDS:
            raise _not_plain(level)
        maps = [value for value in level if type(value) is dict] if dict in kinds else []
        lists = [value for value in level if type(value) is list] if list in kinds else []
        texts = [value for value in level if type(value) is str] if str in kinds else []
        count = sum(map(len, maps))
        if trial is not None:  # before more is done with what is below
            trial.spend(work=_READING_VALUE * (2 * count + sum(map(len, lists))))
        size += 2 * len(level) + 4 * count
        for each in (texts, list(chain.from_iterable(maps))):
            size += _length(each) if each else 0
        nodes += len(level) + count
        if nodes > limits.max_nodes:
            raise _too_many_nodes(limits, Place())
        if size > limits.max_bytes:
            raise _too_large(size, limits)
        level = list(chain.from_iterable([*map(dict.values, maps), *lists]))


_PLAIN_KINDS: Final = frozenset({dict, list, str, int, float, bool, type(None), Unknown})


def _not_plain(values: Iterable[Any]) -> TemplateError:
    """The error for the first of some values that is none of JSON's."""
    kind = next(type(value) for value in values if type(value) not in _PLAIN_KINDS)
    return TemplateError(
        f"A value of type {kind.__name__} is not valid in a template.",
        remedy="Use only maps, lists, strings, numbers, booleans and null.",
    )


def _length(texts: Sequence[Any]) -> int:
    """The length of texts together; raises TemplateError for what is no text or cannot be stored."""
    if set(map(type, texts)) != _ONLY_TEXTS:
        key = next(each for each in texts if type(each) is not str)
        raise TemplateError(f"The key {key!r} is not a string.", remedy="Write every key as a string.")
    if not all(map(str.isascii, texts)):
        for text in texts:
            _refuse_broken(text)
    return sum(map(len, texts))


_ONLY_TEXTS: Final = frozenset({str})


def _refuse_broken(text: str) -> None:
    """Raise TemplateError for a text that cannot be stored, such as half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TemplateError(f"The text {text[:40]!r} is not valid Unicode: {error.reason}.") from None


def plain(value: Any) -> Any:
    """Mappings and sequences of any kind as dicts with string keys and lists; other values unchanged."""
    if isinstance(value, Mapping):
        return {key_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _decode(text: str | bytes, limits: Limits, file: str) -> str:
    if isinstance(text, bytes):
        if len(text) > 4 * limits.max_bytes:
            raise _too_large(len(text), limits)
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = Place(file, error.object.count(b"\n", 0, error.start) + 1, 1)
            raise unreadable(file, "is not UTF-8 text", place, "Save it as UTF-8.") from None
    if len(text) > limits.max_bytes:
        raise _too_large(len(text), limits)
    return text


def _too_large(size: int, limits: Limits) -> RequestLimitExceeded:
    return RequestLimitExceeded(
        f"Template size ({size} bytes) exceeds maximum allowed size ({limits.max_bytes} bytes)."
    )


def _too_deep(limits: Limits, place: Place) -> TemplateError:
    return TemplateError(
        f"The template is nested more than {limits.max_depth} levels deep.",
        place=place,
        remedy="Flatten the structure, or move parts of it into nested templates.",
    )


def _too_many_nodes(limits: Limits, place: Place) -> TemplateError:
    return TemplateError(
        f"The template has more than {limits.max_nodes} values, counting what aliases repeat.",
        place=place,
        remedy="Remove aliases that multiply each other, or split the template.",
    )


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


class _Builder:
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
                raise _too_many_nodes(self.limits, self._place(event))
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
            raise _too_deep(self.limits, self._place(event))
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
            raise _too_deep(self.limits, self._place(event))
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
