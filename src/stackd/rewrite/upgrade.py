"""A template written for a newer version of the language: `upgrade`.

The newest version is taken in which everything can mean what it means now. What could not be rewritten is
left and remarked upon. All places are those of the text as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stackd.errors import Place, StackdError
from stackd.resources.registry import Registry
from stackd.rewrite.edits import Assign, Reshape, apply_edits
from stackd.rewrite.functions import CallWalk, Names
from stackd.rewrite.sameness import LIMITS, Unsafe
from stackd.rewrite.types import Found, old_names
from stackd.template.functions.base import TemplatePath, dotted
from stackd.template.template import Template, load_template, read_template
from stackd.template.versions import HOT_KEY, VERSIONS, Version

HOT_VERSIONS: Final = [version for version in VERSIONS.values() if version.key == HOT_KEY]
NEWEST: Final = HOT_VERSIONS[-1]
_EVALUATED: Final = (
    "properties",
    "metadata",
    "update_policy",
    "external_id",
    "deletion_policy",
    "depends_on",
)
_SHARED: Final = "; left, because it cannot be changed here without changing something else"


@dataclass(frozen=True, slots=True)
class Note:
    """A change that was made, or a remark about what was left, and the place in the text as it was."""

    kind: Literal["change", "remark"]
    path: str
    message: str
    place: Place


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The rewritten text, the versions before and after, and the notes.

    ``reached`` is whether it has the version that was asked for.
    """

    text: str
    before: str
    after: str
    reached: bool
    notes: Sequence[Note]


def upgrade(text: str, registry: Registry, to: Version | None = None, file: str = "") -> Upgraded:
    """The template in a newer version, at most ``to``; raises TemplateError for what is no template."""
    template = read_template(text, limits=LIMITS, file=file)
    names = Names(template, registry)
    blockers: list[Found] = []
    for version in _candidates(template.version, to or NEWEST):
        found = list(_found(names, version))
        done, made, left = _rewritten(text, found)
        blocking = [each for each in left if each.required]
        if not blocking or version is template.version:
            break
        blockers = blockers or [_keeping(each, version) for each in blocking]
    if not _is_as_valid(template, done):
        raise Unsafe("The template would not be valid any more.")
    notes = _notes(template, made, [*left, *blockers])
    return Upgraded(done, template.version.date, version.date, not blockers, notes)


def _rewritten(text: str, found: Sequence[Found]) -> tuple[str, list[Found], list[Found]]:
    """The text with all edits that can be made, what they are for, and what is left as it is."""
    unwritten = [each for each in found if each.edit is None]
    if any(each.required for each in unwritten):
        return text, [], unwritten
    done, failed = apply_edits(text, [each.edit for each in found if each.edit])
    made = [each for each in found if each.edit and each.edit not in failed]
    shared = [each._replace(reason=each.reason + _SHARED) for each in found if each.edit in failed]
    return done, made, [*unwritten, *shared]


def _keeping(found: Found, version: Version) -> Found:
    """The same with its consequence, without the edit that could not be made."""
    return found._replace(reason=f"{found.reason}; this keeps the template from {version.date}", edit=None)


def _candidates(source: Version, to: Version) -> Sequence[Version]:
    """The versions that a template may get, the newest first, and at last its own."""
    newer = [each for each in HOT_VERSIONS if source.date < each.date <= to.date]
    return [*reversed(newer), source] if source.key == HOT_KEY else [source]


def _found(names: Names, version: Version) -> Iterator[Found]:
    """What is written in another way in a version."""
    template = names.template
    if version is not template.version:
        path: TemplatePath = (HOT_KEY,)
        yield Found(path, f"{template.data[HOT_KEY]} → {version.date}", Assign(path, version.date), True)
    yield from _calls(names, version)
    keys = template.version.resource_keys
    for name, definition in template.resources.items():
        path = (template.version.sections["resources"], name)
        yield from old_names(definition.raw, path, keys, names.registry)


def _calls(names: Names, version: Version) -> list[Found]:
    """The calls in a template of HOT that are written in another way in a version."""
    template = names.template
    walk = CallWalk(names, version, [])
    if template.version.key == HOT_KEY:
        for name, definition in template.resources.items():
            for key, value in definition.raw.items():
                if key in _EVALUATED:
                    walk.value(value, ("resources", name, key))
        outputs = template.data.get("outputs")
        for name, output in outputs.items() if isinstance(outputs, dict) else ():
            if isinstance(output, dict) and "value" in output:
                walk.value(output["value"], ("outputs", name, "value"))
    return walk.found


def _is_as_valid(template: Template, text: str) -> bool:
    """Whether a text is a template without mistakes, if the one that it was made of is."""
    if template.mistakes.ordered():
        return True
    try:
        load_template(text, limits=LIMITS)
    except StackdError:
        return False
    return True


def _notes(template: Template, made: Sequence[Found], left: Sequence[Found]) -> list[Note]:
    """The notes, in the order of the text."""
    changes = [_note(template, "change", each) for each in made]
    remarks = [_note(template, "remark", each) for each in left]
    return sorted([*changes, *remarks], key=lambda note: (note.place.line, note.place.column, note.path))


def _note(template: Template, kind: Literal["change", "remark"], found: Found) -> Note:
    place = template.place(found.path, key=not isinstance(found.edit, Reshape))
    return Note(kind, dotted(found.path), found.reason, place)
