"""Examples of resource types: a template with one resource, made of what the type demands.

What the declarations do not say, such as that one of two properties is needed, is in ``type_examples.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from stackd.resources.base import ResourceType
from stackd.resources.property_schema import PropertySchema
from stackd.template.constraints import AllowedValues, Constraint, CustomConstraint, Length, Range

VERSION: Final = "2021-04-16"
_GIVEN: Final = Path(__file__).with_name("type_examples.yaml")
_FORMS: Final[Mapping[str, Any]] = {
    "cron_expression": "0 3 * * *",
    "dns_domain": "example.org.",
    "dns_name": "www.example.org",
    "expiration": "2099-12-31T00:00:00Z",
    "ip_addr": "192.0.2.10",
    "ip_or_cidr": "192.0.2.0/24",
    "iso_8601": "2030-01-01T00:00:00Z",
    "json_string": "{}",
    "mac_addr": "fa:16:3e:00:00:01",
    "net_cidr": "192.0.2.0/24",
    "rel_dns_name": "www",
    "timezone": "Europe/Berlin",
}
_PARAMETER: Final[Mapping[str, Any]] = {"type": "string", "hidden": True}
_PLAIN: Final[Mapping[str, Any]] = {
    "string": "example",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "any": "example",
}


def example(kind: ResourceType[Any]) -> str:
    """A template, as text, with a resource of the type and those that it needs beside it."""
    resource: dict[str, Any] = {"type": kind.type_name}
    given = _given()["properties"].get(kind.type_name, {})
    if properties := {**_required(kind.properties.schema), **given}:
        resource["properties"] = properties
    template: dict[str, Any] = {"heat_template_version": VERSION}
    if parameters := dict.fromkeys(sorted(set(_parameters(given))), _PARAMETER):
        template["parameters"] = parameters
    template["resources"] = {**_given()["beside"].get(kind.type_name, {}), "example": resource}
    return yaml.dump(template, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _parameters(value: Any) -> Iterator[str]:
    """The names of the parameters that a value reads."""
    if isinstance(value, Mapping) and "get_param" in value:
        yield value["get_param"]
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _parameters(each)


class _Dumper(yaml.SafeDumper):
    """Indents the elements of lists, writes text of several lines as such, and repeats what is used twice."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> Any:
        style = "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


@cache
def _given() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_GIVEN.read_text())
    return found


def _required(schemas: Mapping[str, PropertySchema]) -> dict[str, Any]:
    return {name: _sample(each) for name, each in schemas.items() if each.required and not each.hidden}


def _sample(schema: PropertySchema) -> Any:
    """A value that the schema allows."""
    for constraint in schema.constraints:
        if (value := _allowed(constraint)) is not None:
            return [value] if schema.type == "list" else value
    if schema.type == "list":
        return [_sample(schema.element) if schema.element is not None else "example"]
    if schema.type == "map":
        return _required(schema.keys) if schema.keys is not None else {"key": "value"}
    return _PLAIN[schema.type]


def _allowed(constraint: Constraint) -> Any:
    make = _SAMPLES.get(type(constraint))
    return make(constraint) if make is not None else None


_SAMPLES: Final[Mapping[type[Constraint], Callable[[Any], Any]]] = {
    AllowedValues: lambda constraint: constraint.allowed[0],
    CustomConstraint: lambda constraint: _FORMS.get(constraint.name) or _object_name(constraint.name),
    Length: lambda constraint: None,
    Range: lambda constraint: constraint.min,
}


def _object_name(kind: str) -> str:
    """The name of an object that the reader has: ``my-subnet`` for ``neutron.subnet``."""
    return f"my-{kind.rpartition('.')[2].replace('_', '-')}"
