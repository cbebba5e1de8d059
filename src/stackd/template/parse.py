"""Text to plain data: JSON, or YAML 1.1 the way Heat's loader types it, with every dimension bounded.

YAML is built from the event stream of the C parser, so that a document that is too deep or too large is left
in the middle instead of being composed first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from yaml.error import YAMLError

from stackd.errors import Place
from stackd.offload import charge_trial
from stackd.template.json_text import read_json
from stackd.template.limits import READING_CHARACTER, Limits, check_data, too_deep, too_large
from stackd.template.places import Index, PathPart, find_place, index_places
from stackd.template.scalars import key_text
from stackd.template.shown_values import shown_value
from stackd.template.syntax import syntax_error, unreadable
from stackd.template.yaml_events import Builder


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
    charge_trial(READING_CHARACTER * len(text))
    if text.lstrip()[:1] == "{":
        try:
            data = read_json(text)
        except RecursionError:
            raise too_deep(limits, Place(file)) from None
        except ValueError:
            pass  # a YAML flow mapping looks the same at first
        else:
            check_data(data, limits)
            return ParsedDocument(data, file, text)
    try:
        data = Builder(text, limits, file, versionless_tags=versionless_tags).build()
    except YAMLError as error:
        if getattr(error, "problem", None) == _SCANNER_TOO_DEEP:
            mark = getattr(error, "problem_mark", None)
            place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)
            raise too_deep(limits, place) from None
        raise syntax_error(file, text, error) from None
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise unreadable(file, f"is not valid Unicode: {reason}", Place(file)) from None
    return ParsedDocument(data, file, text)


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
            raise too_large(len(text), limits)
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = Place(file, error.object.count(b"\n", 0, error.start) + 1, 1)
            raise unreadable(file, "is not UTF-8 text", place, "Save it as UTF-8.") from None
    if len(text) > limits.max_bytes:
        raise too_large(len(text), limits)
    return text
