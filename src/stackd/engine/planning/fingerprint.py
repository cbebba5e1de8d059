"""What a plan was made from, as a digest of each part, so that what has moved since can be named (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from stackd.db.codec import to_json
from stackd.engine.definition.desired import Source
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.resting import rests
from stackd.records import Action, Resource, Status
from stackd.resources.copies import RESTS
from stackd.urls import is_signed, shown_name

Digest = Callable[[bytes], str]
"""A keyed digest: parts may be secrets."""

_OF_ROW: Final = (
    "id",
    "kind",
    "physical_id",
    "replaced_by",
    "properties",
    "attributes",
    "metadata",
)
_IMPORTED: Final = "exports."
_PASSING: Final = frozenset({Action.INIT, Action.DELETE})
"""Actions that a plan goes on with, though they are complete."""


def fingerprint(
    source: Source | None, stored: StoredStack | None, missing: frozenset[str], digest: Digest
) -> dict[str, str]:
    """A digest of each part: the stored definition (``source``), its parameters and files, every resource.

    ``missing`` are the ids of rows whose objects no longer exist: they count as a change of the resource.
    """
    parts = dict(_of_source(source)) if source is not None else {}
    if stored is not None:
        parts |= dict(_of_rows(stored, "", missing))
    return {name: digest(to_json(value)) for name, value in parts.items()}


def of_imports(values: Mapping[str, Any], digest: Digest) -> dict[str, str]:
    """A digest of each value of another stack that a definition imports, by the part's name."""
    return {f"{_IMPORTED}{name}": digest(to_json(value)) for name, value in values.items()}


def imported_names(parts: Iterable[str]) -> list[str]:
    """The names under which other stacks export what is among the parts."""
    return [name.removeprefix(_IMPORTED) for name in parts if name.startswith(_IMPORTED)]


def _of_source(source: Source) -> Iterator[tuple[str, Any]]:
    environment = source.environment.to_data()
    parameters: Mapping[str, Any] = environment.pop("parameters", {})
    yield "template", source.template.data
    yield "environment", environment
    yield from ((f"parameters.{name}", value) for name, value in parameters.items())
    yield from ((f"files.{name}", texts) for name, texts in _of_files(source.files).items())


def _of_files(files: Mapping[str, str]) -> dict[str, Any]:
    """The texts of files by the name that may be shown, which several signed URLs may have in common."""
    found: dict[str, Any] = {name: text for name, text in files.items() if not is_signed(name)}
    for name in sorted(files.keys() - found.keys()):
        found.setdefault(shown_name(name), []).append([name, files[name]])
    return found


def _of_rows(stored: StoredStack, around: str, missing: frozenset[str]) -> Iterator[tuple[str, Any]]:
    for row in stored.rows:
        path = f"{around}resources.{row.name}"
        yield (f"{path}#{row.id}" if row.replaced_by else path), _row(row, missing)
        if (inside := stored.inside(row)) is not None:
            yield from _of_rows(inside, f"{path}.", missing)


def _row(row: Resource, missing: frozenset[str]) -> list[Any]:
    """What a plan depends on: not by which action a resource has come to a good end, such as a check."""
    is_well = row.status is Status.COMPLETE and row.action not in _PASSING
    state = [] if is_well else [row.action, row.status]
    data = {key: value for key, value in row.data.items() if key != RESTS}
    return [*(getattr(row, name) for name in _OF_ROW), data, state, rests(row), row.id in missing]


def moved(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The parts that differ, each with what became of it; none when nothing has moved."""
    said = []
    for name in sorted({*before, *now}):
        shown = name.partition("#")[0]
        if name not in now:
            said.append(f"{shown} is gone")
        elif name not in before:
            said.append(f"{shown} is new")
        elif before[name] != now[name]:
            said.append(f"{shown} changed")
    return tuple(dict.fromkeys(said))


def combined(parts: Mapping[str, str]) -> str:
    """One digest for all parts, to show."""
    text = "\n".join(f"{name} {value}" for name, value in sorted(parts.items()))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
