"""Resource and output definitions: the records, and how they are read from a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from stackd.drafts import draft_of
from stackd.errors import TemplateError
from stackd.template.functions.base import Call, TemplatePath, dotted, invalid_condition
from stackd.template.functions.conditions import is_condition
from stackd.template.nodes import NodeParser
from stackd.template.parse import ParsedDocument
from stackd.template.problems import BROKEN, Problems, Report, Stage, nearest, refuse
from stackd.template.versions import VERSIONS, Version
from stackd.wording import HERE, Complaint, Word

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
_KINDS: Final = {"string": "a text", "object": "a map"}
_NAME_CONDITION: Final = "Name a condition of the template."
_NAME_RESOURCES: Final = "Name one resource, or list the names of several."


@dataclass(frozen=True, slots=True)
class ResourceDefinition:
    """One resource as the template defines it; values may contain functions.

    A ``broken`` one exists, but nothing is known of it, not even its type. ``replacement_policy`` is the
    deletion policy of what an update replaces, None for the ordinary one.

    ``deletion_policy`` is the value in the text. If it is computed, ``deletion_policy_node`` is that
    function and ``deletion_policy`` is "Delete" until `enabled_resources` has evaluated it.
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
    broken: bool = False
    replacement_policy: str | None = None


_Draft: Final = draft_of(ResourceDefinition)


@dataclass(frozen=True, slots=True)
class OutputDefinition:
    """One output: a value, and the condition under which it is evaluated.

    ``unknown_keys`` are tolerated in a root template, and refused in one that implements a resource.
    ``export`` is the name under which other stacks may use the value, if any.
    """

    name: str
    value: Any
    description: str = NO_OUTPUT_DESCRIPTION
    condition: Any = None
    unknown_keys: tuple[str, ...] = ()
    export: Any = None


class DefinitionReader:
    """Reads resources, outputs and conditions of one version as far as they can be read."""

    def __init__(self, version: Version, document: ParsedDocument, problems: Problems | None = None) -> None:
        self._version = version
        self._document = document
        self._problems = problems
        self._report: Report = refuse
        self._parser = NodeParser(version.recognised, version.recognised_in_conditions, document, self._send)

    def _send(self, error: TemplateError) -> None:
        self._report(error)

    def _at(self, stage: Stage) -> None:
        self._report = refuse if self._problems is None else self._problems.at(stage)

    def resource(self, name: str, body: Any) -> ResourceDefinition:
        """A resource; broken unless its body is a map with a type."""
        self._at(Stage.DEFINITIONS)
        keys = self._version.resource_keys
        base = (self._version.sections["resources"], name)
        if not isinstance(body, dict) or body.get(keys["type"]) is None:
            return ResourceDefinition(name, "", broken=True)
        if "\0" in name:
            self._wrong("The name of a resource has a null character.", base, "Rename the resource.")
        self._check_keys(body, base)
        nodes = {
            key: self._node(name, key, body, base)
            for key in _SHAPES
            if (written := keys.get(key)) is not None and body.get(written) is not None
        }
        external_id = nodes.get("external_id")
        depends_on = self._depends_on(name, body, base)
        if external_id is not None and depends_on:
            what = f"external {nodes['type']} resource: {body[keys['external_id']]}"
            self._wrong(
                f"Invalid dependency with {what}"[:200],
                (*base, keys["depends_on"]),
                "Remove depends_on: an external resource exists already.",
            )
        policy, policy_node = self._deletion_policy(nodes.get("deletion_policy"), base)
        kind = nodes["type"]
        made = _Draft(
            name,
            kind if isinstance(kind, str) else "",
            nodes.get("properties") or {},
            nodes.get("metadata") or {},
            depends_on,
            policy if external_id is None else "Retain",
            nodes.get("update_policy") or {},
            self._condition(name, body, base),
            external_id,
            str(body.get(keys["description"]) or ""),
            body,
            policy_node if external_id is None else None,
            not isinstance(kind, str),
            self._replacement_policy(body, base),
        )
        made.__class__ = ResourceDefinition
        return made  # type: ignore[no-any-return]

    def output(self, name: str, body: Any) -> OutputDefinition:
        """An output; one whose definition is wrong has a broken value."""
        self._at(Stage.OUTPUTS)
        keys = self._version.output_keys
        path = (self._version.sections["outputs"], name)
        if not isinstance(body, dict):
            self._wrong(
                "Output validation error: Output definitions must be a map. "
                f"Found a {type(body).__name__} instead",
                path,
                f"Write {name} as a map with the key {keys['value']}.",
            )
            return OutputDefinition(name, BROKEN)
        if keys["value"] not in body:
            self._wrong(
                f"Each output definition must contain a {keys['value']} key.",
                path,
                f"Give {name} a {keys['value']}.",
                lead=("Output validation error", HERE),
                key=True,
            )
        written = keys.get("condition")
        condition = None if written is None else body.get(written)
        if written is not None and condition is not None:
            here = (*path, written)
            condition = self._parser.parse_condition(condition, here)
            if not is_condition(condition):
                self._wrong(invalid_condition(condition), here, _NAME_CONDITION, lead=(HERE,))
                condition = BROKEN
        return OutputDefinition(
            name,
            self._parser.parse(body[keys["value"]], (*path, keys["value"]))
            if keys["value"] in body
            else BROKEN,
            str(body.get(keys["description"]) or NO_OUTPUT_DESCRIPTION),
            condition,
            tuple(key for key in body if key not in keys.values()),
            self._export(body, path),
        )

    def _export(self, body: dict[str, Any], base: TemplatePath) -> Any:
        """The name under which an output is offered to other stacks, which may be a function."""
        written = self._version.output_keys.get("export")
        if written is None or (export := body.get(written)) is None:
            return None
        path = (*base, written)
        if not isinstance(export, dict) or export.keys() != {"Name"}:
            problem = "An export must be a map with the key Name."
            self._wrong(problem, path, "Write {Name: …}.", lead=(HERE,))
            return BROKEN
        return self._parser.parse(export["Name"], (*path, "Name"))

    def condition(self, name: str, body: Any) -> Any:
        """A definition of the conditions section: a boolean or a function, or broken."""
        self._at(Stage.CONDITIONS)
        path = (self._version.sections["conditions"], name)
        node = self._parser.parse_condition(body, path)
        if isinstance(node, bool | Call) or node is BROKEN:
            return node
        functions = self._version.condition_functions
        like = nearest(next(iter(body)), functions) if isinstance(body, dict) and len(body) == 1 else ""
        self._wrong(
            f'The definition of condition "{name}" is invalid: {body}'[:270],
            path,
            like or f"Write a boolean, or one of the functions {', '.join(functions)}.",
            lead=("Condition validation error",),
        )
        return BROKEN

    def _wrong(
        self,
        complaint: str | Complaint,
        path: TemplatePath,
        remedy: str = "",
        *,
        lead: tuple[Word, ...] = (),
        key: bool = False,
    ) -> None:
        """Report a mistake at a path: in the key, or in the value."""
        self._report(
            TemplateError(
                complaint,
                lead=lead,
                path=dotted(path),
                place=self._document.place(path, key=key),
                remedy=remedy,
                value=self._document.value(path, key=key),
            )
        )

    def _check_keys(self, body: dict[str, Any], base: TemplatePath) -> None:
        """CloudFormation ignores what it does not know, HOT refuses it."""
        keys = self._version.resource_keys
        if self._version.dialect != "hot" or body.keys() <= keys.keys():
            return
        for key in body:
            if key in keys:
                continue
            if key in _LATER_KEYS:
                message = f"Invalid keyword(s) inside a resource definition: {key}"
                remedy = f"{key} needs heat_template_version {first_with_key(key)} or later."
            else:
                message = f'"{key}" is not a valid keyword inside a resource definition'
                remedy = nearest(key, keys) or f"Use only {', '.join(keys)}."
            self._wrong(message, (*base, key), remedy, key=True)

    def _node(self, name: str, key: str, body: dict[str, Any], base: TemplatePath) -> Any:
        written = self._version.resource_keys[key]
        raw = body.get(written)
        if raw is None:
            return None
        wanted, label = _SHAPES[key]
        if wanted is str and isinstance(raw, str):
            return raw
        path = (*base, written)
        node = self._parser.parse(raw, path)
        if node is None or isinstance(node, wanted) or (isinstance(node, Call) and key != "type"):
            return node
        if node is not BROKEN:
            self._wrong(f"Resource {name} {written} type must be {label}", path, f"Make it {_KINDS[label]}.")
        return BROKEN

    def _condition(self, name: str, body: dict[str, Any], base: TemplatePath) -> Any:
        written = self._version.resource_keys.get("condition")
        if written is None or (condition := body.get(written)) is None:
            return None
        path = (*base, written)
        condition = self._parser.parse_condition(condition, path)
        if is_condition(condition) or condition is BROKEN:
            return condition
        self._wrong(f"Resource {name} {written} type must be string_or_boolean", path, _NAME_CONDITION)
        return BROKEN

    def _deletion_policy(self, policy: Any, base: TemplatePath) -> tuple[str, Call | None]:
        if policy is None or policy is BROKEN:
            return "Delete", None
        if isinstance(policy, Call):
            return "Delete", policy
        known = self._version.deletion_policies
        if policy in known:
            return known[policy], None
        path = (*base, self._version.resource_keys["deletion_policy"])
        remedy = nearest(policy, known) or f"Use one of {', '.join(known)}."
        self._wrong(f'Invalid deletion policy "{policy}"', path, remedy)
        return "Delete", None

    def _replacement_policy(self, body: dict[str, Any], base: TemplatePath) -> str | None:
        written = self._version.resource_keys.get("update_replace_policy")
        if written is None or (policy := body.get(written)) is None:
            return None
        known = self._version.deletion_policies
        if isinstance(policy, str) and policy in known:
            return known[policy]
        remedy = f"Use one of {', '.join(known)}."
        self._wrong(f'Invalid update replace policy "{policy}"'[:200], (*base, written), remedy)
        return None

    def _depends_on(self, name: str, body: dict[str, Any], base: TemplatePath) -> tuple[str, ...]:
        written = self._version.resource_keys["depends_on"]
        value = body.get(written)
        path = (*base, written)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            self._wrong(f"Resource {name} {written} type must be list or string", path, _NAME_RESOURCES)
            return ()
        names = [item for item in value if isinstance(item, str)]
        if len(names) < len(value):
            self._wrong(f"Resource {name} {written} must be a list of strings", path, _NAME_RESOURCES)
        return tuple(dict.fromkeys(names))


def first_with_key(key: str) -> str:
    """The first version of HOT in which resources may have a key."""
    return min(
        version.date
        for version in VERSIONS.values()
        if version.dialect == "hot" and key in version.resource_keys
    )
