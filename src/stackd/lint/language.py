"""Rules about the text itself: functions that are none, old versions, repeated keys, missing descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stackd.lint.subject import Problem, Subject
from stackd.template.remedies import remedy_for
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
    known = {*version.recognised, *version.recognised_in_conditions, *version.rule_functions}
    for use in subject.uses:
        looks_like = use.name.startswith(("Fn::", "get_", "str_", "list_", "map_"))
        if use.name in known or len(use.path) < 3:
            continue
        if (remedy := remedy_for(use.name, version)) or looks_like:
            message = f"{use.name} is not a function of {version.date}: it is taken for plain data."
            yield Problem(
                use.path, message, remedy or f"Functions are {', '.join(sorted(version.functions))}."
            )


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
