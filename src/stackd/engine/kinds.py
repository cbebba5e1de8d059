"""Which resource type stands behind each name of a template, by way of the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.errors import EntityNotFound, ResourceFailure, TemplateError
from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.heat.template_resource import template_resource
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.template.environment import Environment
from stackd.template.files import nested_template
from stackd.template.template import ResourceDefinition, Template, load_template

_TEMPLATE_ENDINGS = (".yaml", ".template")
_EMPTY_TEMPLATE = {"heat_template_version": "2021-04-16"}


class _Awaited(ResourceType[Properties]):
    """Stands for a template that is still to be fetched: nothing is known of it."""

    any_properties = True


AWAITED = _Awaited()


@dataclass(frozen=True, slots=True)
class Kind:
    """``written`` as the template says it, ``name`` what the environment made of it."""

    written: str
    name: str
    handler: ResourceType[Any]

    @property
    def is_template(self) -> bool:
        """Whether the type is a template of its own."""
        return is_template_name(self.name)


def is_template_name(name: str) -> bool:
    """Whether a type's name stands for a template rather than a registered type."""
    return name.endswith(_TEMPLATE_ENDINGS)


def handler_of(row: Resource, registry: Registry, kinds: Mapping[str, Kind]) -> ResourceType[Any]:
    """The type behind a stored row: as the template has it, else registered, else any template."""
    known = kinds.get(row.name)
    if known is not None and known.name == row.kind:
        return known.handler
    if is_template_name(row.kind):
        return template_resource(load_template(_EMPTY_TEMPLATE))
    try:
        return registry.get(row.kind)
    except EntityNotFound:
        raise ResourceFailure(
            f"The type {row.kind} of resource {row.name} is no longer installed; install its plug-in again"
        ) from None


def resolve_kinds(
    definitions: Mapping[str, ResourceDefinition],
    environment: Environment,
    registry: Registry,
    files: Mapping[str, str],
    load: Callable[[str, str], Template] | None = None,
) -> dict[str, Kind]:
    """The kind of every resource; ``TemplateError`` names a type that nobody knows.

    ``load`` turns (text, file name) into a template; it may remember what it has loaded.
    """
    load = load or (lambda text, name: load_template(text, file=name))
    templates: dict[str, ResourceType[Any]] = {}
    kinds: dict[str, Kind] = {}
    plain: dict[str, Kind] = {}
    by_name = bool(environment.to_data()["resource_registry"].get("resources"))
    for name, definition in definitions.items():
        known = None if by_name else plain.get(definition.type)
        if known is None:
            target = environment.resolve_type(definition.type, name) or definition.type
            handler = _handler(target, name, registry, files, load, templates)
            known = plain[definition.type] = Kind(definition.type, target, handler)
        kinds[name] = known
    return kinds


def _handler(
    target: str,
    resource: str,
    registry: Registry,
    files: Mapping[str, str],
    load: Callable[[str, str], Template],
    templates: dict[str, ResourceType[Any]],
) -> ResourceType[Any]:
    path = f"resources.{resource}.type"
    if not is_template_name(target):
        try:
            return registry.get(target)
        except EntityNotFound as error:
            remedy = "`GET /resource_types` lists the known ones; a plug-in may be missing."
            raise TemplateError(str(error), path=path, remedy=remedy) from None
    if target not in templates:
        text = nested_template(files, target, path)
        templates[target] = AWAITED if text is None else template_resource(load(text, target))
    return templates[target]
