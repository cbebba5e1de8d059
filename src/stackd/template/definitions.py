"""Resource and output definitions: the records, and how they are read from a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from stackd.errors import TemplateError
from stackd.template.functions.base import Call, TemplatePath, dotted
from stackd.template.functions.conditions import is_condition
from stackd.template.nodes import NodeParser
from stackd.template.parse import ParsedDocument
from stackd.template.versions import VERSIONS, Version

NO_OUTPUT_DESCRIPTION: Final = "No description given"
_LATER_KEYS: Final = frozenset(
    key for version in VERSIONS.values() if version.dialect == "hot" for key in version.resource_keys
)
# What a key of a resource must be, in the words of the message that refuses it.
_SHAPES: Final[dict[str, tuple[type, str]]] = {
    "type": (str, "string"),
    "properties": (dict, "object"),
    "metadata": (dict, "object"),
    "deletion_policy": (str, "string"),
    "update_policy": (dict, "object"),
    "external_id": (str, "string"),
}


@dataclass(frozen=True, slots=True)
class ResourceDefinition:
    """One resource as the template defines it; values may hold functions.

    ``deletion_policy`` is what the text says. Where a function must say it, ``deletion_policy_node`` is that
    function and ``deletion_policy`` is "Delete" until `enabled_resources` has asked it.
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
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    deletion_policy_node: Call | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OutputDefinition:
    """One output: a value, and the condition under which it is worked out.

    ``unknown_keys`` are tolerated in a root template, and refused in one that implements a resource.
    """

    name: str
    value: Any
    description: str = NO_OUTPUT_DESCRIPTION
    condition: Any = None
    unknown_keys: tuple[str, ...] = ()


class DefinitionReader:
    """Reads resources and outputs of one version."""

    def __init__(self, version: Version, document: ParsedDocument) -> None:
        self._version = version
        self._document = document
        self._parser = NodeParser(version.recognised, version.recognised_in_conditions, document.place)

    def resource(self, name: str, body: dict[str, Any]) -> ResourceDefinition:
        """A resource whose body is known to be a map with a type; raises TemplateError."""
        keys = self._version.resource_keys
        base = (self._version.sections["resources"], name)
        if "\0" in name:
            raise self._fail("The name of a resource has a null character.", base, "Rename the resource.")
        self._check_keys(body, base)
        nodes = {key: self._node(name, key, body, base) for key in _SHAPES if key in keys}
        external_id = nodes.get("external_id")
        depends_on = self._depends_on(name, body, base)
        if external_id is not None and depends_on:
            raise self._fail(
                f"Invalid dependency with external {nodes['type']} resource: {body[keys['external_id']]}"[
                    :200
                ],
                (*base, keys["depends_on"]),
                "Remove depends_on: an external resource exists already.",
            )
        policy, policy_node = self._deletion_policy(nodes["deletion_policy"], base)
        return ResourceDefinition(
            name,
            nodes["type"],
            nodes["properties"] or {},
            nodes["metadata"] or {},
            depends_on,
            policy if external_id is None else "Retain",
            nodes["update_policy"] or {},
            self._condition(name, body, base),
            external_id,
            str(body.get(keys["description"]) or ""),
            body,
            policy_node if external_id is None else None,
        )

    def output(self, name: str, body: Any) -> OutputDefinition:
        """An output; raises TemplateError."""
        keys = self._version.output_keys
        path = (self._version.sections["outputs"], name)
        if not isinstance(body, dict):
            raise self._fail(
                "Output validation error: Output definitions must be a map. "
                f"Found a {type(body).__name__} instead",
                path,
                f"Write {name} as a map with the key {keys['value']}.",
            )
        if keys["value"] not in body:
            raise self._fail(
                f"Output validation error: {dotted(path)}: "
                f"Each output definition must contain a {keys['value']} key.",
                path,
                f"Give {name} a {keys['value']}.",
            )
        condition = body.get(keys.get("condition", ""))
        if condition is not None:
            here = (*path, keys["condition"])
            condition = self._parser.parse_condition(condition, here)
            if not is_condition(condition):
                raise self._fail(f'{dotted(here)}: Invalid condition "{condition}"'[:300], here)
        return OutputDefinition(
            name,
            self._parser.parse(body[keys["value"]], (*path, keys["value"])),
            str(body.get(keys["description"]) or NO_OUTPUT_DESCRIPTION),
            condition,
            tuple(key for key in body if key not in keys.values()),
        )

    def condition(self, name: str, body: Any) -> Any:
        """A definition of the conditions section: a boolean or a function; raises TemplateError."""
        path = (self._version.sections["conditions"], name)
        node = self._parser.parse_condition(body, path)
        if isinstance(node, bool | Call):
            return node
        raise self._fail(
            f'Condition validation error: The definition of condition "{name}" is invalid: {body!r}'[:300],
            path,
            "Write a boolean or a condition function such as {equals: [a, b]}.",
        )

    def _fail(self, message: str, path: TemplatePath, remedy: str = "") -> TemplateError:
        return TemplateError(message, path=dotted(path), place=self._document.place(path), remedy=remedy)

    def _check_keys(self, body: dict[str, Any], base: TemplatePath) -> None:
        """CloudFormation ignores what it does not know, HOT refuses it."""
        keys = self._version.resource_keys
        if self._version.dialect != "hot":
            return
        for key in body:
            if key in keys:
                continue
            if key in _LATER_KEYS:
                message = f"Invalid keyword(s) inside a resource definition: {key}"
                remedy = f"{key} needs a later heat_template_version."
            else:
                message = f'"{key}" is not a valid keyword inside a resource definition'
                remedy = f"Use only {', '.join(keys)}."
            raise self._fail(message, (*base, key), remedy)

    def _node(self, name: str, key: str, body: dict[str, Any], base: TemplatePath) -> Any:
        written = self._version.resource_keys[key]
        path = (*base, written)
        node = self._parser.parse(body.get(written), path)
        wanted, label = _SHAPES[key]
        if node is None or isinstance(node, wanted) or (isinstance(node, Call) and key != "type"):
            return node
        raise self._fail(f"Resource {name} {written} type must be {label}", path, f"Make it a {label}.")

    def _condition(self, name: str, body: dict[str, Any], base: TemplatePath) -> Any:
        written = self._version.resource_keys.get("condition", "")
        if (condition := body.get(written)) is None:
            return None
        path = (*base, written)
        condition = self._parser.parse_condition(condition, path)
        if is_condition(condition):
            return condition
        raise self._fail(
            f"Resource {name} {written} type must be string_or_boolean",
            path,
            "Name a condition of the template.",
        )

    def _deletion_policy(self, policy: Any, base: TemplatePath) -> tuple[str, Call | None]:
        if policy is None:
            return "Delete", None
        if isinstance(policy, Call):
            return "Delete", policy
        known = self._version.deletion_policies
        if policy in known:
            return known[policy], None
        path = (*base, self._version.resource_keys["deletion_policy"])
        raise self._fail(f'Invalid deletion policy "{policy}"', path, f"Use one of {', '.join(known)}.")

    def _depends_on(self, name: str, body: dict[str, Any], base: TemplatePath) -> tuple[str, ...]:
        written = self._version.resource_keys["depends_on"]
        value = body.get(written)
        path = (*base, written)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            raise self._fail(f"Resource {name} {written} type must be list or string", path)
        if not all(isinstance(item, str) for item in value):
            raise self._fail(f"Resource {name} {written} must be a list of strings", path)
        return tuple(dict.fromkeys(value))
