"""Findings: errors and warnings about a template as records with place, value and remedy (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, NamedTuple

from stackd.engine.definition.desired import Desired, Source
from stackd.engine.validation.inspection import Inspected, inspect
from stackd.engine.validation.tree import Expanded
from stackd.errors import (
    Place,
    StackdError,
    TemplateError,
    UserParameterMissing,
    headline,
)
from stackd.resources.heat.members import is_member_attribute
from stackd.resources.heat.template_resource import TemplateResource
from stackd.resources.registry import Registry, load_registry
from stackd.settings import Limits
from stackd.template.conditions import Conditions
from stackd.template.environment import Environment, load_environment
from stackd.template.evaluation import condition_value
from stackd.template.files import Files
from stackd.template.functions.base import Reference, dotted
from stackd.template.graph import Walker, incorrect_reference
from stackd.template.merge import merge_environments
from stackd.template.parameters import StackIdentity
from stackd.template.parse import ParseWarning
from stackd.template.problems import distinct, nearest
from stackd.template.remedies import remedy_for
from stackd.template.template import Template, read_template
from stackd.template.unknown import Unknown
from stackd.wording import Reason

MOST: Final = 100
"""Largest number of errors listed in one answer; the others are only counted."""

Json = dict[str, Any]
_MOST_NAMED: Final = 20
_VALIDATION: Final = "StackValidationFailed"
_FAILED_VALIDATIONS: Final = frozenset({"InvalidTemplateAttribute", "InvalidTemplateSection"})


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or a warning about a template.

    ``type`` is the name under which clients know the error, empty for a warning. ``file`` is empty for the
    template itself, ``line`` is 0 if no line is the cause, ``value`` None if there is nothing to show.
    """

    message: str
    type: str = ""
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    value: Any = None
    remedy: str = ""

    @classmethod
    def of(cls, error: StackdError) -> Finding:
        """The finding of an error."""
        if not isinstance(error, TemplateError):
            return cls(error.message, wire_type(error))
        place = error.place
        return cls(
            error.message,
            wire_type(error),
            error.path,
            place.file,
            place.line,
            place.column,
            error.value,
            error.remedy,
        )

    @classmethod
    def warning(cls, error: TemplateError) -> Finding:
        """The finding of something allowed but probably not intended."""
        return replace(cls.of(error), type="")

    def to_data(self) -> Json:
        """The finding as members of an API answer."""
        shown: Json = {
            "message": self.message,
            "path": self.path,
            **Place(self.file, self.line, self.column).to_data(),
            "remedy": self.remedy,
        }
        if self.type:
            shown = {"type": self.type, **shown}
        if self.value is not None:
            shown["value"] = self.value
        return shown


class Findings(NamedTuple):
    """All findings of a template; ``omitted`` is the number of errors that are not listed."""

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    omitted: int = 0


def as_findings(errors: Sequence[StackdError], warnings: Sequence[TemplateError] = ()) -> Findings:
    """The findings made of errors and warnings."""
    return Findings(
        tuple(map(Finding.of, errors[:MOST])),
        tuple(map(Finding.warning, warnings[:MOST])),
        max(0, len(errors) - MOST),
    )


def wire_type(error: StackdError) -> str:
    """The name under which clients know an error."""
    error = headline(error)
    if error.wire_type in _FAILED_VALIDATIONS:
        return _VALIDATION
    if isinstance(error, UserParameterMissing) and not error.path.startswith("parameters."):
        return _VALIDATION  # a template that uses a parameter which it does not declare
    return error.wire_type


def findings(
    template: str | bytes | Mapping[str, Any],
    environment: str | bytes | Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    environment_files: Sequence[str] = (),
    name: str = "",
    registry: Registry | None = None,
    complete: bool = False,
) -> Findings:
    """Everything that is wrong with a template, its environment and its nested templates.

    ``files`` are the texts that they refer to, in which ``environment_files`` name environments that are
    merged in this order instead of ``environment``. ``name`` is the template's file. Parameters need a value
    only if the template is to be ``complete``.
    """
    errors: list[StackdError] = []
    texts = Files(files or {})
    try:
        read = read_template(template, file=name)
    except StackdError as error:
        errors.append(error)
        read = None
    try:
        given = _environment(environment, texts, environment_files, parameters or {}, read)
    except StackdError as error:
        errors.append(error)
        given = Environment(parameters=dict(parameters or {}))
        complete = False
    if read is None:
        return as_findings(errors)
    source = Source(read, given, texts)
    try:
        found = checked(source, registry or load_registry(), Limits(), complete=complete)
    except StackdError as error:
        return as_findings([*errors, error], warnings_of(source))
    warnings = warnings_of(source, found.expanded)
    return as_findings([*errors, *found.errors], without_repeated(warnings, found.errors))


def _environment(
    environment: str | bytes | Mapping[str, Any] | None,
    files: Mapping[str, str],
    names: Sequence[str],
    parameters: Mapping[str, Any],
    template: Template | None,
) -> Environment:
    if not names:
        made = load_environment(environment)
        return replace(made, parameters={**made.parameters, **parameters})
    for name in names:
        if name not in files:
            raise TemplateError(f'The environment file "{name}" is not among the files of the request.')
    parts = [load_environment(files[name], file=name) for name in names]
    schemas = template.parameter_schemas if template is not None else None
    return merge_environments(*parts, initial=parameters, schemas=schemas)


def checked(
    source: Source, registry: Registry, limits: Limits, *, complete: bool = False, name: str = "stack"
) -> Inspected:
    """A definition checked whole; parameters need a value only if it is to be ``complete``."""
    opened = source if complete else with_open_parameters(source)
    return inspect(opened, _NOBODY, registry, limits, name=name)


_NOBODY: Final = StackIdentity()


def with_open_parameters(source: Source) -> Source:
    """The same with an unknown value for each parameter that has none."""
    environment = source.environment
    missing = {
        name: Unknown("", ("parameters", name))
        for name, schema in source.template.parameter_schemas.items()
        if schema.default is None
        and environment.parameters.get(name) is None
        and environment.parameter_defaults.get(name) is None
    }
    if not missing:
        return source
    filled = replace(environment, parameters={**environment.parameters, **missing})
    return replace(source, environment=filled)


# --- warnings -------------------------------------------------------------------------------------


def warnings_of(source: Source, expanded: Expanded | None = None) -> list[TemplateError]:
    """Warnings: what is allowed in the texts of a definition but probably not intended."""
    warnings = [_repeated(each) for document in source.environment.documents for each in document.warnings]
    for template in _templates(source.template, expanded):
        warnings += map(_repeated, template.warnings)
        warnings += _suspicious_maps(template)
    for stack in expanded.walk() if expanded is not None else ():
        warnings += _uses_of_nothing(stack.desired)
        warnings += _unused_conditions(stack.desired)
    return distinct(warnings)


def _repeated(warning: ParseWarning) -> TemplateError:
    return TemplateError(
        warning.message,
        path=dotted(warning.path),
        place=warning.place,
        value=warning.path[-1],
        remedy="Keep one of them.",
    )


def without_repeated(warnings: list[TemplateError], errors: Sequence[TemplateError]) -> list[TemplateError]:
    """The warnings without those that repeat an error: the same remedy in the same file, or the same gist."""
    remedies = {(error.remedy, error.place.file) for error in errors}
    gists = {error.gist for error in errors}
    return [
        each for each in warnings if (each.remedy, each.place.file) not in remedies and each.gist not in gists
    ]


def _templates(root: Template, expanded: Expanded | None) -> Iterator[Template]:
    """The templates written by users in a tree of stacks, each once."""
    known = {id(root)}
    yield root
    for stack in expanded.walk() if expanded is not None else ():
        for kind in stack.desired.types.values():
            handler = kind.handler
            if isinstance(handler, TemplateResource) and id(handler.template) not in known:
                known.add(id(handler.template))
                yield handler.template


def _suspicious_maps(template: Template) -> Iterator[TemplateError]:
    """Maps in the form of a function that the template's version does not have; they are plain data."""
    version = template.version
    section = version.sections["resources"]
    keys = [version.resource_keys[key] for key in ("properties", "metadata")]
    bodies = template.data.get(section)
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [
        (body[key], (section, name, key))
        for name, body in (bodies.items() if isinstance(bodies, dict) else ())
        if isinstance(body, dict)
        for key in keys
        if key in body
    ]
    waiting.append((template.data.get(version.sections["outputs"]), (version.sections["outputs"],)))
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, dict):
            waiting += [(each, (*path, key)) for key, each in value.items()]
            if len(value) == 1 and (found := _suspicious_map(template, next(iter(value)), path)):
                yield found
        elif isinstance(value, list):
            waiting += [(each, (*path, index)) for index, each in enumerate(value)]


def _suspicious_map(template: Template, key: str, path: tuple[str | int, ...]) -> TemplateError | None:
    looks_like = "::" in key or "_" in key
    if not looks_like or key in template.version.recognised:
        return None
    remedy = remedy_for(key, template.version)
    if not remedy:
        return None
    where = (*path, key)
    return TemplateError(
        f"{key} is not a function in {template.version.key} {template.version.date}, but a plain key.",
        path=dotted(where),
        place=template.place(where, key=True),
        remedy=remedy,
    )


def _uses_of_nothing(desired: Desired) -> Iterator[TemplateError]:
    """References in outputs to missing resources, and to missing outputs of nested templates."""
    template = desired.source.template
    walker = Walker(desired.conditions)
    nodes = [(each.value, True) for each in template.outputs.values()]
    if any(isinstance(kind.handler, TemplateResource) for kind in desired.types.values()):
        nodes += [(each.properties, False) for each in desired.resources.values()]
    for node, is_output in nodes:
        if not node:
            continue
        try:
            uses = list(walker.inside(node))
        except TemplateError:
            continue  # reported as an error
        for use in uses:
            if not isinstance(use, Reference):
                continue
            kind = desired.types.get(use.resource)
            if kind is None and is_output and use.attribute is None:
                yield incorrect_reference(template, use.resource, use.where, dotted(use.where))
            elif kind is not None and isinstance(kind.handler, TemplateResource):
                yield from _missing_output(template, kind.handler, use)


def _missing_output(template: Template, handler: TemplateResource, use: Reference) -> Iterator[TemplateError]:
    name = use.attribute
    outputs = handler.template.outputs
    if name is None or name in ("*", "show") or name in outputs or is_member_attribute(name):
        return
    where = (*use.where, "get_attr" if template.version.dialect == "hot" else "Fn::GetAtt")
    yield TemplateError(
        Reason.UNKNOWN_ATTRIBUTE(resource=use.resource, name=name),
        path=dotted(where),
        place=template.place((*where, 1)),
        remedy=nearest(name, outputs)
        or f"The nested template has the outputs {', '.join(islice(outputs, _MOST_NAMED))}.",
        value=name,
    )


def _unused_conditions(desired: Desired) -> Iterator[TemplateError]:
    """Unused conditions that cannot be evaluated."""
    found: list[TemplateError] = []
    Conditions(desired.source.template, desired.parameters, condition_value).resolve_all(found.append)
    yield from found
