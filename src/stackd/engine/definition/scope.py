"""Resolves references in a template: to values in stored rows, else to ``Unknown``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.engine.definition.types import ResolvedType
from stackd.errors import InvalidTemplateAttribute, OutputError
from stackd.records import Action, Resource
from stackd.resources.base import NestedType
from stackd.template.functions.refs import select
from stackd.template.parameters import Parameters
from stackd.template.unknown import Unknown
from stackd.wording import Reason

_SEPARATOR = "\x1f"


def attribute_key(name: str, path: tuple[Any, ...]) -> str:
    """The key under which an attribute with a path is stored."""
    return _SEPARATOR.join((name, *(part if isinstance(part, str) else f"[{part}]" for part in path)))


def error_key(name: str, path: tuple[Any, ...]) -> str:
    """The key under which is stored why an attribute has no value."""
    return f"{attribute_key(name, path)}{_SEPARATOR}{_SEPARATOR}error"


def base_name(key: str) -> str:
    """The attribute's name in a key of stored attributes."""
    return key.partition(_SEPARATOR)[0]


class StackScope:
    """The scope of a stack's template: its own resources and their stored values.

    ``rows`` is read at every look-up, so that a traversal can add outcomes as they arrive. A name without
    a row, or whose row has no object yet, is ``Unknown``.
    """

    def __init__(
        self,
        parameters: Parameters,
        files: Mapping[str, str],
        kinds: Mapping[str, ResolvedType],
        rows: Mapping[str, Resource | None],
        facade: Mapping[str, Any] | None = None,
        exports: Mapping[str, Any] | None = None,
    ) -> None:
        self.parameters = parameters
        self.exports = exports
        self.files = files
        self._kinds = kinds
        self._rows = rows
        self._facade = facade or {}

    def row(self, resource: str) -> Resource | None:
        """The row of a resource that has, or is about to have, an object; None while that is not known."""
        row = self._rows.get(resource)
        return None if row is None or row.action is Action.INIT else row

    def reference(self, resource: str) -> Any:
        """The value of ``get_resource``."""
        row = self.row(resource)
        if row is None:
            return Unknown(resource)
        return self._kinds[resource].handler.reference(row)

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """The value of ``get_attr``; None for an attribute that the object does not have."""
        row = self._rows.get(resource)
        kind = self._kinds[resource].handler
        known = isinstance(kind, NestedType) or kind.any_properties or kind.any_attributes or name == "show"
        if not known and name not in kind.attributes:
            raise InvalidTemplateAttribute(
                Reason.UNKNOWN_ATTRIBUTE(resource=resource, name=name),
                remedy=f"{kind.type_name} has: {', '.join(sorted(kind.attributes)) or 'no attributes'}.",
            )
        if row is None or row.action is Action.INIT:
            return Unknown(resource, (name, *path))
        for key in (error_key(name, path), error_key(name, ())):
            if isinstance(failure := row.attributes.get(key), str):
                raise OutputError(failure)
        if kind.any_attributes and name != "show" and not isinstance(row.attributes.get(name), Unknown):
            computed = kind.computed_values(row)
            if name not in computed:
                raise InvalidTemplateAttribute(Reason.UNKNOWN_ATTRIBUTE(resource=resource, name=name))
            return select(computed[name], path)
        exact = attribute_key(name, path)
        if exact in row.attributes:
            return row.attributes[exact]
        declared = kind.attributes.get(name)
        value = row.attributes.get(name)
        if declared is not None and declared.compute is not None and not isinstance(value, Unknown):
            value = declared.computed(name, row)
        return select(value, path)

    def all_attributes(self, resource: str) -> Any:
        """Every attribute of a resource as a map."""
        row = self._rows.get(resource)
        if row is None or row.action is Action.INIT:
            return Unknown(resource, ("*",))
        stored = {name: value for name, value in row.attributes.items() if _SEPARATOR not in name}
        computed = self._kinds[resource].handler.computed_values(row)
        return stored | {
            name: value for name, value in computed.items() if not isinstance(stored.get(name), Unknown)
        }

    def facade(self, key: str) -> Any:
        """Metadata, deletion policy or update policy of the resource that contains this stack."""
        return self._facade.get(key)
