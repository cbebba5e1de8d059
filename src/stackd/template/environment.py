"""Environments: values for parameters and mappings of resource types that accompany a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stackd.drafts import changed
from stackd.errors import Place, TemplateError
from stackd.template.limits import Limits, check_data
from stackd.template.parse import ParsedDocument, parse_text, plain
from stackd.template.problems import nearest
from stackd.template.registry import (
    check_registry,
    child_registry,
    hooks_of,
    is_template_name,
    joined_hooks,
    only_hooks,
    resolve,
    restricted_actions_of,
)

_MAP_SECTIONS: Final = ("parameters", "parameter_defaults", "resource_registry", "parameter_merge_strategies")
_LIST_SECTIONS: Final = ("event_sinks", "encrypted_param_names")
SECTIONS: Final = (*_MAP_SECTIONS, *_LIST_SECTIONS)


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment as its author wrote it; ``base`` is the operator's, which applies to every stack.

    ``documents`` are the texts that it came from; later ones take precedence.
    ``encrypted_param_names`` is shown for Heat's clients and always empty: everything that may be secret
    is encrypted where it is stored. A user's value has no effect.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_defaults: Mapping[str, Any] = field(default_factory=dict)
    resource_registry: Mapping[str, Any] = field(default_factory=dict)
    event_sinks: tuple[Mapping[str, Any], ...] = ()
    encrypted_param_names: tuple[str, ...] = ()
    parameter_merge_strategies: Mapping[str, Any] = field(default_factory=dict)
    base: Environment | None = field(default=None, repr=False, compare=False)
    documents: tuple[ParsedDocument, ...] = field(default=(), repr=False, compare=False)

    def to_data(self) -> dict[str, Any]:
        """The sections as the API shows and the database stores them."""
        return {
            "parameters": dict(self.parameters),
            "parameter_defaults": dict(self.parameter_defaults),
            "resource_registry": {"resources": {}, **self.resource_registry},
            "event_sinks": [dict(sink) for sink in self.event_sinks],
            "encrypted_param_names": list(self.encrypted_param_names),
        }

    def place(self, section: str, name: str) -> Place:
        """The place of a path in the environment's texts; without a line if it is in none."""
        for document in reversed(self.documents):
            body = document.data.get(section) if isinstance(document.data, dict) else None
            if document.text and isinstance(body, dict) and name in body:
                return document.place((section, name))
        return Place()

    def resolve_type(
        self, type_name: str, resource_name: str = "", *, exists: Callable[[str], bool] | None = None
    ) -> str | None:
        """The type or template to which a type name resolves; None if its mappings lead nowhere.

        A name without a mapping resolves to itself. ``exists`` is whether a plain type name exists, so that
        mappings to types that do not exist are skipped.
        """
        registries = [self.resource_registry]
        if self.base is not None:
            registries.append(self.base.resource_registry)
        return resolve(registries, type_name, resource_name, exists or (lambda name: True))

    def hooks(self, resource_name: str) -> frozenset[str]:
        """The points at which to pause for a resource."""
        return hooks_of(self.resource_registry, resource_name)

    def restricted_actions(self, resource_name: str) -> frozenset[str]:
        """The actions that are restricted for a resource."""
        return restricted_actions_of(self.resource_registry, resource_name)

    def child(self, resource_name: str, type_name: str) -> Environment:
        """The environment that a nested stack inherits: all but parameters and the mapping that led to it."""
        registry = child_registry(self.resource_registry, resource_name, type_name)
        if self.base is not None and is_template_name(str(self.base.resource_registry.get(type_name))):
            registry[type_name] = type_name  # inside, the operator's template has the original type
        return replace(self, parameters={}, resource_registry=registry, encrypted_param_names=())

    def with_base(self, base: Environment | None) -> Environment:
        """The same on top of the operator's environment."""
        return self if base is self.base else changed(self, base=base)


def load_environment(
    source: str | bytes | Mapping[str, Any] | Environment | None,
    *,
    file: str = "",
    limits: Limits | None = None,
) -> Environment:
    """Read an environment; raises TemplateError."""
    if source is None:
        return _EMPTY
    if isinstance(source, Environment):
        return source
    limits = limits or Limits()
    if isinstance(source, str | bytes):
        document = parse_text(source, limits, file or "environment") if source.strip() else ParsedDocument({})
    else:
        data = source if type(source) is dict else plain(source)
        check_data(data, limits)
        document = ParsedDocument(data, file)
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise _wrong("The environment is not a valid YAML mapping data type.", document, ())
    for section, value in data.items():
        _check_section(section, value, document)
    registry = data.get("resource_registry", {})
    check_registry(registry, lambda path: document.place(("resource_registry", *path)))
    return Environment(
        parameters=data.get("parameters", {}),
        parameter_defaults=data.get("parameter_defaults", {}),
        resource_registry=registry,
        event_sinks=tuple(data.get("event_sinks", ())),
        parameter_merge_strategies=data.get("parameter_merge_strategies", {}),
        documents=(document,),
    )


_EMPTY: Final = Environment(documents=(ParsedDocument({}),))


def _check_section(section: str, value: Any, document: ParsedDocument) -> None:
    if section not in SECTIONS:
        raise _wrong(
            f'environment has wrong section "{section}"',
            document,
            (section,),
            nearest(section, SECTIONS) or f"Use only {', '.join(SECTIONS)}.",
        )
    if value is None:
        raise _wrong(
            f'environment has empty section "{section}"',
            document,
            (section,),
            "Remove the section or fill it.",
        )
    wanted = dict if section in _MAP_SECTIONS else list
    if not isinstance(value, wanted):
        kind = "map" if wanted is dict else "list"
        raise _wrong(f'The environment section "{section}" must be a {kind}.', document, (section,))
    if section == "event_sinks" and not all(isinstance(sink, dict) for sink in value):
        raise _wrong("Each event sink must be a map.", document, (section,))
    if section == "encrypted_param_names" and not all(isinstance(name, str) for name in value):
        raise _wrong("encrypted_param_names must be a list of names.", document, (section,))


def _wrong(message: str, document: ParsedDocument, path: tuple[str, ...], remedy: str = "") -> TemplateError:
    place = document.place(path, key=True) if document.text else Place(document.file)
    return TemplateError(message, path=".".join(path), place=place, remedy=remedy)


def with_hooks(environment: Environment, beside: Any) -> Environment:
    """The environment with the hooks of ``beside`` added; other sections of that one are ignored.

    Heat's command line sends the hooks of its options there, even when it names environment files.
    """
    registry = beside.get("resource_registry") if isinstance(beside, dict) else None
    hooks = only_hooks(registry.get("resources")) if isinstance(registry, dict) else {}
    if not hooks:
        return environment
    checked = load_environment({"resource_registry": {"resources": hooks}}).resource_registry
    own = environment.resource_registry
    joined = joined_hooks(own.get("resources") or {}, checked["resources"])
    return replace(environment, resource_registry={**own, "resources": joined})
