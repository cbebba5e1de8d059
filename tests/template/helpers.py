"""What template tests share: a scope made of plain data, and a one-liner that evaluates a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stackd.errors import TemplateError
from stackd.template import (
    Limits,
    StackIdentity,
    Template,
    Unknown,
    bind_parameters,
    evaluate,
    load_environment,
    load_template,
)
from tests.support.templates import LATEST

IDENTITY = StackIdentity("p1", "web", "s1")


@dataclass
class DataScope:
    """Answers from dictionaries; a resource that is not in them is unknown."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facades: Mapping[str, Any] = field(default_factory=dict)

    def reference(self, resource: str) -> Any:
        return self.ids.get(resource, Unknown(resource))

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        if resource not in self.attributes:
            return Unknown(resource, (name, *path))
        value = self.attributes[resource].get(name)
        for key in path:
            value = value[key]
        return value

    def all_attributes(self, resource: str) -> Any:
        return self.attributes.get(resource, Unknown(resource, ("*",)))

    def facade(self, key: str) -> Any:
        return self.facades[key]


def template_with(value: Any, version: str = LATEST, **sections: Any) -> Template:
    """A template whose output ``o`` is the value."""
    return load_template({"heat_template_version": version, **sections, "outputs": {"o": {"value": value}}})


def run(
    value: Any,
    version: str = LATEST,
    *,
    given: Mapping[str, Any] | None = None,
    scope: DataScope | None = None,
    **sections: Any,
) -> Any:
    """Evaluate a value in a template of a version, with parameter values; ``sections`` are its others."""
    template = template_with(value, version, **sections)
    environment = load_environment({"parameters": dict(given or {})})
    scope = scope or DataScope()
    scope.parameters = bind_parameters(template, environment, IDENTITY)
    return evaluate(template.outputs["o"].value, scope, template=template)


def cause(value: Any, version: str = LATEST, **more: Any) -> type[BaseException] | None:
    """The kind of Python error behind the TemplateError that evaluating a value raises."""
    try:
        run(value, version, **more)
    except TemplateError as error:
        return type(error.__cause__) if error.__cause__ is not None else type(error)
    return None


def cfn(resources: Any = None, **sections: Any) -> Template:
    return load_template(
        {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources or {}, **sections}, limits=Limits()
    )
