"""Type resolution: finds the resource type of each resource by way of the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.errors import EntityNotFound, MissingTemplate, ResourceFailure, TemplateError
from stackd.offload import current_budget
from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.heat.template_resource import template_resource
from stackd.resources.registry import Registry, types_of_heat
from stackd.resources.schema import Properties
from stackd.template.environment import Environment
from stackd.template.files import nested_template
from stackd.template.functions.base import dotted
from stackd.template.problems import Report, nearest, refuse
from stackd.template.template import ResourceDefinition, Template, load_template, read_template
from stackd.urls import shown_name
from stackd.wording import Reason

_TEMPLATE_ENDINGS = (".yaml", ".template")
_EMPTY_TEMPLATE = {"heat_template_version": "2021-04-16"}


class _Awaited(ResourceType[Properties]):
    """Placeholder for an unknown type: its template is not fetched yet, or does not exist."""

    any_properties = True


AWAITED = _Awaited()


@dataclass(frozen=True, slots=True)
class ResolvedType:
    """A resolved type: ``written`` is its name in the template, ``name`` the one after the environment."""

    written: str
    name: str
    handler: ResourceType[Any]

    @property
    def is_template(self) -> bool:
        """Whether the type is a template."""
        return is_template_name(self.name)


def is_template_name(name: str) -> bool:
    """Whether a type name refers to a template rather than a registered type."""
    return name.endswith(_TEMPLATE_ENDINGS)


def cached_template(text: str, file: str) -> Template:
    """The template of a text, which is read once in a computation however often it is used."""
    cache = current_budget().cache
    known: Template | None = cache.get((text, file))
    if known is None:
        known = cache[text, file] = read_template(text, file=file)
    return known


def handler_of(row: Resource, registry: Registry, kinds: Mapping[str, ResolvedType]) -> ResourceType[Any]:
    """The type of a stored row: from the template, else the registry, else a generic template type."""
    known = kinds.get(row.name)
    if known is not None and known.name == row.kind:
        return known.handler
    if is_template_name(row.kind):
        return template_resource(load_template(_EMPTY_TEMPLATE))
    try:
        return registry.get(row.kind)
    except EntityNotFound:
        kind = shown_name(row.kind)
        raise ResourceFailure(
            f"The type {kind} of resource {row.name} is no longer installed; install its plug-in again"
        ) from None


def is_checkable(row: Resource, registry: Registry) -> bool:
    """Whether the type of a stored row can tell if its object is as it should be."""
    try:
        return handler_of(row, registry, {}).checkable
    except ResourceFailure:
        return False


def resolve_types(
    definitions: Mapping[str, ResourceDefinition],
    environment: Environment,
    registry: Registry,
    files: Mapping[str, str],
    load: Callable[[str, str], Template] | None = None,
    report: Report = refuse,
) -> dict[str, ResolvedType]:
    """The type of every resource; reports unknown types and mistakes in nested templates.

    ``load`` turns (text, file name) into a template; it may cache templates.
    """
    load = load or cached_template
    templates = _Templates(files, registry.operator.files, load, environment.parameter_defaults, report)
    kinds: dict[str, ResolvedType] = {}
    plain: dict[str, ResolvedType] = {}
    by_name = bool(environment.resource_registry.get("resources"))
    for name, definition in definitions.items():
        known = None if by_name else plain.get(definition.type)
        if known is None and definition.broken:
            known = ResolvedType("", "", AWAITED)
        if known is None:
            found = environment.resolve_type(definition.type, name, exists=registry.__contains__)
            target = found or definition.type
            try:
                handler = templates.of(target, name) if is_template_name(target) else registry.get(target)
            except (EntityNotFound, MissingTemplate) as error:
                report(_unknown_type(error, name, target, registry))
                kinds[name] = ResolvedType(definition.type, target, AWAITED)
                continue
            known = plain[definition.type] = ResolvedType(definition.type, target, handler)
        kinds[name] = known
    return kinds


def _unknown_type(
    error: EntityNotFound | MissingTemplate, resource: str, target: str, registry: Registry
) -> TemplateError:
    if isinstance(error, MissingTemplate):
        return error
    return TemplateError(
        Reason.UNKNOWN_TYPE(name=shown_name(target)),
        path=f"resources.{resource}.type",
        remedy=_remedy(target, registry),
        value=shown_name(target),
    )


def _remedy(target: str, registry: Registry) -> str:
    """What to do about an unknown type: the nearest name, or where the known ones are listed."""
    if target in types_of_heat():
        return "Heat knows this type, this server does not. `stackd types` lists those that it knows."
    near = nearest(target, registry.types, 0.8)
    return near or "`stackd types` and `GET /resource_types` list the known ones; a plug-in may be missing."


class _Templates:
    """The types defined by templates among the files; each template is parsed once."""

    def __init__(
        self,
        files: Mapping[str, str],
        others: Mapping[str, str],
        load: Callable[[str, str], Template],
        defaults: Mapping[str, Any],
        report: Report,
    ) -> None:
        self._files = files
        self._others = others
        self._load = load
        self._defaults = defaults
        self._report = report
        self._known: dict[str, ResourceType[Any]] = {}

    def of(self, target: str, resource: str) -> ResourceType[Any]:
        """The type of a template; raises MissingTemplate."""
        if target not in self._known:
            path = f"resources.{resource}.type"
            text = nested_template(self._files, target, path, self._others)
            self._known[target] = AWAITED if text is None else self._read(text, target, resource)
        return self._known[target]

    def _read(self, text: str, target: str, resource: str) -> ResourceType[Any]:
        label = inner_label(resource, target)
        try:
            template = self._load(text, target)
        except TemplateError as error:
            self._report(_as_type(error, label))
            return AWAITED
        for mistake in [*template.mistakes.ordered(), *unknown_output_keys(template)]:
            self._report(_as_type(mistake, label))
        return template_resource(template, target, self._defaults)


def _as_type(error: TemplateError, label: str) -> TemplateError:
    """The mistake in the text of a template that is a type, with the path of the resource that uses it."""
    return error.but(path=error.where.inside(label), at=None, **error.quoted())


def unknown_output_keys(template: Template) -> Iterator[TemplateError]:
    """The errors for unknown keys in the outputs of a template that is a type."""
    section = template.version.sections["outputs"]
    known = template.version.output_keys.values()
    for name, output in template.outputs.items():
        for key in output.unknown_keys:
            path = (section, name, key)
            yield TemplateError(
                Reason.UNKNOWN_OUTPUT_KEY(name=key),
                path=dotted(path),
                place=template.place(path, key=True),
                remedy=nearest(key, known) or f"Use only {', '.join(known)}.",
            )


def inner_label(resource: str, source: str) -> str:
    """The label of a resource in an error path: with the template of its nested stack."""
    return f"{resource}<{shown_name(source)}>"
