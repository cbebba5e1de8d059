"""A template as records: version, parameters, conditions, resources and outputs, with functions as nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stackd.errors import InvalidTemplateSection, InvalidTemplateVersion, Place, TemplateError
from stackd.template.functions.base import Call, PathPart, TemplatePath, dotted
from stackd.template.functions.conditions import is_condition
from stackd.template.nodes import NodeParser
from stackd.template.parse import Limits, ParsedDocument, check_data, parse_text, plain
from stackd.template.schemas import ParameterSchema, read_schemas
from stackd.template.versions import VERSION_KEYS, Version, find_version

_NO_CONDITION: Final = None
NO_DESCRIPTION: Final = "No description"


@dataclass(frozen=True, slots=True)
class ResourceDefinition:
    """One resource as the template defines it; values may hold functions.

    ``deletion_policy`` is what the text says, or "Delete" where a function must say it: `enabled_resources`
    resolves that function, which is kept in ``deletion_policy_node``.
    """

    name: str
    type: str
    properties: Any = field(default_factory=dict)
    metadata: Any = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    update_policy: Any = field(default_factory=dict)
    condition: Any = None
    external_id: Any = None
    description: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    deletion_policy_node: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OutputDefinition:
    """One output: a value, and the condition under which it is worked out."""

    name: str
    value: Any
    description: str = "No description given"
    condition: Any = None
    unknown_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A template, read and checked as far as that is possible without parameters.

    ``data`` is the template as it was given: treat it as read-only.
    """

    version: Version
    description: str
    parameter_schemas: Mapping[str, ParameterSchema]
    parameter_groups: list[Any]
    resources: Mapping[str, ResourceDefinition]
    outputs: Mapping[str, OutputDefinition]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    data: Mapping[str, Any] = field(repr=False)
    document: ParsedDocument = field(repr=False)
    limits: Limits = field(default=Limits(), repr=False)

    def place(self, path: tuple[PathPart, ...]) -> Place:
        """Where ``path`` stands in the text."""
        return self.document.place(path)

    def parameter_place(self, name: str) -> Place:
        """Where a parameter is declared."""
        return self.place((self.version.sections["parameters"], name))


def load_template(
    source: str | bytes | Mapping[str, Any] | ParsedDocument, *, limits: Limits | None = None, file: str = ""
) -> Template:
    """Read a template; raises TemplateError, or RequestLimitExceeded when it is too large."""
    limits = limits or Limits()
    document = _document(source, limits, file)
    data = document.data
    if not isinstance(data, dict):
        raise TemplateError(
            "The template is not a JSON object or YAML mapping.",
            place=document.place(()),
            remedy="Write the template as a mapping with heat_template_version first.",
        )
    if document.text and not any(key in data for key in VERSION_KEYS):
        raise InvalidTemplateVersion(
            "Template format version not found.",
            place=document.place(()),
            remedy="Start the template with heat_template_version: …",
        )
    return _Loader(find_version(data), document, limits).load()


def _document(source: Any, limits: Limits, file: str) -> ParsedDocument:
    if isinstance(source, ParsedDocument):
        return source
    if isinstance(source, str | bytes):
        return parse_text(source, limits, file)
    data = source if type(source) is dict else plain(source)
    check_data(data, limits)
    return ParsedDocument(data, file)


class _Loader:
    """Reads the sections of one template in the order in which mistakes are reported."""

    def __init__(self, version: Version, document: ParsedDocument, limits: Limits) -> None:
        self.version = version
        self.document = document
        self.limits = limits
        self.data: dict[str, Any] = document.data
        self.parser = NodeParser(version.recognised, version.recognised_in_conditions, document.place)

    def load(self) -> Template:
        """The template; raises the first mistake."""
        known = set(self.version.sections.values())
        for section in self.data:
            if section not in known:
                raise InvalidTemplateSection(
                    f"The template section is invalid: {section}",
                    path=section,
                    place=self.document.place((section,)),
                    remedy=f"Use only {', '.join(sorted(known))}.",
                )
        self._check_resource_types()
        schemas = read_schemas(self._section("parameters"), self.version, self.document)
        conditions = self._conditions()
        return Template(
            self.version,
            str(self._section("description") or NO_DESCRIPTION),
            schemas,
            self._parameter_groups(schemas),
            {name: self._resource(name, body) for name, body in self._map_section("resources").items()},
            {name: self._output(name, body) for name, body in self._map_section("outputs").items()},
            conditions,
            self._map_section("mappings"),
            self.data,
            self.document,
            self.limits,
        )

    def _fail(self, message: str, path: TemplatePath, remedy: str = "") -> TemplateError:
        return TemplateError(message, path=dotted(path), place=self.document.place(path), remedy=remedy)

    def _section(self, name: str) -> Any:
        return self.data.get(self.version.sections.get(name, ""))

    def _map_section(self, name: str) -> dict[str, Any]:
        section = self._section(name)
        if section is None:
            return {}
        if not isinstance(section, dict):
            written = self.version.sections[name]
            raise self._fail(
                f'"{written}" must contain a map of {name}. Found a [{_text_type(section)}] instead',
                (written,),
            )
        return section

    def _check_resource_types(self) -> None:
        """Every resource must at least be a map with a type."""
        section = self.version.sections["resources"]
        keys = self.version.resource_keys
        for name, body in self._map_section("resources").items():
            if body and not isinstance(body, dict):
                raise self._fail(
                    f'"{section}" must contain a map of resource maps. Found a [{_text_type(body)}] instead',
                    (section, name),
                    f"Write {name} as a map with the key {keys['type']}.",
                )
            if not body or body.get(keys["type"]) is None:
                noun = "resource" if self.version.dialect == "hot" else "Resource"
                raise self._fail(
                    f"Each {noun} must contain a {keys['type']} key.", (section, name), f"Give {name} a type."
                )
            if "/" in name:
                raise self._fail(
                    f'Resource name may not contain "/": {name}', (section, name), "Choose another name."
                )

    def _conditions(self) -> dict[str, Any]:
        if not self.version.has_conditions:
            return {}
        section = self.version.sections["conditions"]
        if section not in self.data:
            return {}
        definitions = self.data[section]
        if not isinstance(definitions, dict):
            raise self._fail(
                "Condition validation error: Condition definitions must be a map. "
                f"Found a {type(definitions).__name__} instead",
                (section,),
            )
        parsed = {}
        for name, body in definitions.items():
            node = self.parser.parse_condition(body, (section, name))
            if not isinstance(node, bool | Call):
                raise self._fail(
                    f'Condition validation error: The definition of condition "{name}" is invalid: {body!r}'[
                        :300
                    ],
                    (section, name),
                    "Write a boolean or a condition function such as {equals: [a, b]}.",
                )
            parsed[name] = node
        return parsed

    def _parameter_groups(self, schemas: Mapping[str, ParameterSchema]) -> list[Any]:
        groups = self._section("parameter_groups")
        if groups is None:
            return []

        def fail(problem: str, *path: str | int) -> TemplateError:
            label = ".".join(str(part) for part in ("parameter_groups", *path[:1]))
            return self._fail(f"Parameter Groups error: {label}: {problem}", ("parameter_groups",))

        if not isinstance(groups, list):
            raise fail("The parameter_groups should be a list.")
        grouped: set[str] = set()
        for group in groups:
            if not isinstance(group, dict):
                raise fail("Each parameter group should be a map.")
            label = str(group.get("label") or "")
            names = group.get("parameters")
            if names is None:
                raise fail("The parameters must be provided for each parameter group.", label)
            if not isinstance(names, list):
                raise fail("The parameters of parameter group should be a list.", label)
            for name in names:
                if not isinstance(name, str) or name not in schemas:
                    raise fail(f'The grouped parameter "{name}" does not reference a valid parameter.', label)
                if name in grouped:
                    raise fail(f"The {name} parameter must be assigned to one parameter group only.", label)
                grouped.add(name)
        return groups

    def _resource(self, name: str, body: dict[str, Any]) -> ResourceDefinition:
        keys = self.version.resource_keys
        base = (self.version.sections["resources"], name)
        if self.version.dialect == "hot":
            for key in body:
                if key not in keys:
                    raise self._fail(
                        f'"{key}" is not a valid keyword inside a resource definition',
                        (*base, key),
                        f"Use only {', '.join(keys)}.",
                    )
        parse = self.parser.parse

        def get(key: str) -> tuple[Any, TemplatePath]:
            written = keys.get(key, "")
            return body.get(written), (*base, written)

        def node(key: str, wanted: type | tuple[type, ...], label: str) -> Any:
            value, path = get(key)
            parsed = parse(value, path)
            if parsed is not None and not isinstance(
                parsed, (Call, *(wanted if isinstance(wanted, tuple) else (wanted,)))
            ):
                raise self._fail(f"Resource {name} {path[-1]} type must be {label}", path)
            return parsed

        kind = node("type", str, "string")
        if not isinstance(kind, str):
            raise self._fail(f"Resource {name} {keys['type']} type must be string", (*base, keys["type"]))
        condition, condition_path = get("condition")
        if condition is not None:
            condition = self.parser.parse_condition(condition, condition_path)
            if not is_condition(condition):
                raise self._fail(
                    f"Resource {name} {condition_path[-1]} type must be string_or_boolean", condition_path
                )
        policy, policy_node = self._deletion_policy(name, node("deletion_policy", str, "string"), base)
        external_id = node("external_id", str, "string")
        depends_on = self._depends_on(name, *get("depends_on"))
        if external_id is not None and depends_on:
            raise self._fail(
                f"Invalid dependency with external {kind} resource: {body.get('external_id')}",
                (*base, keys["depends_on"]),
                "Remove depends_on: an external resource exists already.",
            )
        return ResourceDefinition(
            name,
            kind,
            node("properties", dict, "object") or {},
            node("metadata", dict, "object") or {},
            depends_on,
            "Retain" if external_id is not None else policy,
            node("update_policy", dict, "object") or {},
            condition,
            external_id,
            str(get("description")[0] or ""),
            body,
            None if external_id is not None else policy_node,
        )

    def _deletion_policy(self, name: str, policy: Any, base: TemplatePath) -> tuple[str, Any]:
        if policy is None:
            return "Delete", None
        if isinstance(policy, Call):
            return "Delete", policy
        if policy not in self.version.deletion_policies:
            raise self._fail(
                f'Invalid deletion policy "{policy}"',
                (*base, self.version.resource_keys["deletion_policy"]),
                f"Use one of {', '.join(self.version.deletion_policies)}.",
            )
        return self.version.deletion_policies[policy], None

    def _depends_on(self, name: str, value: Any, path: TemplatePath) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            raise self._fail(f"Resource {name} {path[-1]} type must be list or string", path)
        if not all(isinstance(item, str) for item in value):
            raise self._fail(f"Resource {name} {path[-1]} must be a list of strings", path)
        return tuple(dict.fromkeys(value))

    def _output(self, name: str, body: Any) -> OutputDefinition:
        keys = self.version.output_keys
        path = (self.version.sections["outputs"], name)
        if not isinstance(body, dict):
            raise self._fail(
                "Output validation error: "
                f"Output definitions must be a map. Found a {type(body).__name__} instead",
                path,
            )
        if keys["value"] not in body:
            raise self._fail(
                f"Output validation error: {dotted(path)}: "
                f"Each output definition must contain a {keys['value']} key.",
                path,
                f"Give {name} a value.",
            )
        condition = body.get(keys.get("condition", ""))
        if condition is not None:
            condition_path = (*path, keys["condition"])
            condition = self.parser.parse_condition(condition, condition_path)
            if not is_condition(condition):
                raise self._fail(f'{dotted(condition_path)}: Invalid condition "{condition}"', condition_path)
        return OutputDefinition(
            name,
            self.parser.parse(body[keys["value"]], (*path, keys["value"])),
            str(body.get(keys["description"]) or "No description given"),
            condition,
            tuple(key for key in body if key not in keys.values()),
        )


def _text_type(value: Any) -> str:
    return str(type(value))
