"""Rules about the text itself: functions that are none, old versions, repeated keys, missing descriptions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from stackd.lint.subject import Problem, Subject
from stackd.template.versions import HOT_KEY, VERSIONS

_OLDEST: Final = "2016-10-14"
_NEWEST: Final = next(version for version in reversed(list(VERSIONS.values())) if version.key == HOT_KEY)
_INSTEAD: Final = {
    "Fn::Join": "list_join",
    "Fn::Split": "str_split",
    "Fn::Replace": "str_replace",
    "Fn::Select": "the path of get_param or get_attr",
    "Fn::ResourceFacade": "resource_facade",
    "Ref": "get_param or get_resource",
}


def literal_function(subject: Subject) -> Iterator[Problem]:
    """What looks like a function is plain data to this version of the language."""
    version = subject.template.version
    everywhere = {name for each in VERSIONS.values() for name in (*each.functions, *each.condition_functions)}
    mine = {*version.recognised, *version.recognised_in_conditions}
    for use in subject.uses:
        if use.name in mine or len(use.path) < 3:
            continue
        if use.name in everywhere and (use.name.startswith("Fn::") or version.dialect == "hot"):
            yield Problem(
                use.path, f"{version.date} has no function {use.name}: this is plain data.", _later(use.name)
            )
        elif use.name.startswith(("Fn::", "get_", "str_", "list_", "map_")):
            close = difflib.get_close_matches(use.name, mine, n=1)
            remedy = f"Did you mean {close[0]}?" if close else f"Functions are {', '.join(sorted(mine))}."
            yield Problem(use.path, f"There is no function {use.name}: this is plain data.", remedy)


def _later(name: str) -> str:
    """The first version that has a function, if one of HOT's does."""
    found = [each.date for each in VERSIONS.values() if each.key == HOT_KEY and name in each.functions]
    return f"heat_template_version {min(found)} has it." if found else ""


def old_function(subject: Subject) -> Iterator[Problem]:
    """Later versions of the language have given a function up."""
    version = subject.template.version
    if version.dialect != "hot":
        return
    for use in subject.calls:
        if use.name in version.functions and use.name not in _NEWEST.functions:
            instead = f"Use {_INSTEAD[use.name]}." if use.name in _INSTEAD else ""
            yield Problem(use.path, f"Later versions have no {use.name} any more.", instead)


def old_version(subject: Subject) -> Iterator[Problem]:
    """The version of the language is from before 2016-10-14, when conditions came."""
    version = subject.template.version
    if version.dialect == "hot" and version.date < _OLDEST:
        remedy = f"Set {version.key} to {_NEWEST.date}."
        yield Problem((version.key,), f"{version.date} is an old version of the language.", remedy)


def repeated_key(subject: Subject) -> Iterator[Problem]:
    """A mapping has a key twice, of which only the last counts."""
    for warning in subject.template.warnings:
        yield Problem((), warning.message, "Remove one of them.", warning.place)


def no_description(subject: Subject) -> Iterator[Problem]:
    """The template, a parameter or an output does not say what it is for."""
    names, version = subject.names, subject.template.version
    if not subject.data.get(names["description"]):
        yield Problem((), "The template has no description.")
    for name, schema in subject.template.parameter_schemas.items():
        if not schema.description:
            yield Problem((names["parameters"], name), f"The parameter {name} has no description.")
    for name, body in (subject.data.get(names["outputs"]) or {}).items():
        if isinstance(body, dict) and not body.get(version.output_keys["description"]):
            yield Problem((names["outputs"], name), f"The output {name} has no description.")
