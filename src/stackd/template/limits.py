"""How large a template may be, and the errors for one that is larger; data is checked as text is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from stackd.errors import Place, RequestLimitExceeded, TemplateError
from stackd.offload import running_trial
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


_READING_VALUE: Final = 2_400
READING_CHARACTER: Final = 600
"""Elementary steps for each key and value of a document and each character of a text, with what is then done
with them: a document that may be read on the event loop takes some milliseconds.
"""


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
            raise too_deep(limits, Place())
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
            raise too_many_nodes(limits, Place())
        if size > limits.max_bytes:
            raise too_large(size, limits)
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


def too_large(size: int, limits: Limits) -> RequestLimitExceeded:
    """The error for a template of so many bytes."""
    return RequestLimitExceeded(
        f"Template size ({size} bytes) exceeds maximum allowed size ({limits.max_bytes} bytes)."
    )


def too_deep(limits: Limits, place: Place) -> TemplateError:
    """The error for what is nested too deeply at a place."""
    return TemplateError(
        f"The template is nested more than {limits.max_depth} levels deep.",
        place=place,
        remedy="Flatten the structure, or move parts of it into nested templates.",
    )


def too_many_nodes(limits: Limits, place: Place) -> TemplateError:
    """The error for too many values, the first of which is at a place."""
    return TemplateError(
        f"The template has more than {limits.max_nodes} values, counting what aliases repeat.",
        place=place,
        remedy="Remove aliases that multiply each other, or split the template.",
    )
