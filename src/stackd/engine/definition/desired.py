"""What a stack should be: template, environment, parameters and files, evaluated (pure)."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stackd.db.codec import to_json
from stackd.drafts import changed
from stackd.engine.definition.implied import implied, with_implied
from stackd.engine.definition.scope import StackScope
from stackd.engine.definition.types import ResolvedType, resolve_types
from stackd.errors import PropertyError, TemplateError
from stackd.records import Definition, Resource, Stack
from stackd.resources.base import ResourceType
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.template.conditions import Conditions
from stackd.template.environment import Environment, load_environment
from stackd.template.evaluate import (
    dependencies,
    enabled_resources,
    evaluate,
    referenced_attributes,
)
from stackd.template.evaluation import conditions_for
from stackd.template.exports import IMPORT
from stackd.template.functions.lists import size_of
from stackd.template.graph import circle_error
from stackd.template.limits import Limits
from stackd.template.masking import NOTHING, Secrets, secrets_of
from stackd.template.parameters import Parameters, StackIdentity, bind_parameters, masked_complaint
from stackd.template.problems import Problems, Report, Stage, refuse
from stackd.template.template import ResourceDefinition, Template, load_template
from stackd.template.unknown import Unknown
from stackd.wording import HERE, PROPERTY_ERROR, Complaint, Reason


@dataclass(frozen=True, slots=True)
class Source:
    """The parts of a definition, loaded: what a request or the document store gives.

    ``exports`` are the values of other stacks that it imports; None where they were not looked up: they are
    then unknown.
    """

    template: Template
    environment: Environment
    files: Mapping[str, str]
    exports: Mapping[str, Any] | None = None

    @property
    def may_import(self) -> bool:
        """Whether the template may import values that other stacks export."""
        return IMPORT in self.template.version.functions and _IMPORT_KEY in to_json(self.template.data)


_MOST_TEXT = 8_000_000
_OUTPUTS_TOO_LARGE = f"The outputs of a stack may have {_MOST_TEXT} characters together; show less."


@dataclass(frozen=True, slots=True)
class Desired:
    """An evaluated definition, in which only values of resources are unknown.

    ``requires`` maps each resource to the names it needs, ``wanted`` each to the attributes
    ``(name, *path)`` that something refers to.
    """

    definition: Definition
    source: Source
    parameters: Parameters
    conditions: Conditions
    resources: Mapping[str, ResourceDefinition]
    types: Mapping[str, ResolvedType]
    requires: Mapping[str, frozenset[str]]
    wanted: Mapping[str, frozenset[tuple[Any, ...]]]
    facade: Mapping[str, Any]

    def required_by(self) -> dict[str, list[str]]:
        """For each required name the names that require it directly, sorted."""
        users: dict[str, list[str]] = {}
        for name in sorted(self.requires):
            for needed in self.requires[name]:
                users.setdefault(needed, []).append(name)
        return users

    def scope(self, rows: Mapping[str, Resource | None]) -> StackScope:
        """The scope in which this definition's functions are evaluated against the stored rows."""
        source = self.source
        return StackScope(self.parameters, source.files, self.types, rows, self.facade, source.exports)

    def properties(self, name: str, scope: StackScope) -> dict[str, Any]:
        """The resolved, unconverted properties of a resource."""
        if not self.resources[name].properties:
            return {}
        raw = evaluate(self.resources[name].properties, scope, template=self.source.template)
        if isinstance(raw, Unknown):  # the whole section is a function of something that is not known yet
            return dict.fromkeys(self.types[name].handler.properties.schema, raw)
        return _section(raw, f"resources.{name}.properties")

    def metadata(self, name: str, scope: StackScope) -> dict[str, Any]:
        """The resolved metadata of a resource."""
        if not self.resources[name].metadata:
            return {}
        raw = evaluate(self.resources[name].metadata, scope, template=self.source.template)
        return _section(raw, f"resources.{name}.metadata")

    def holds(self, condition: Any) -> bool:
        """Whether a condition of an output is true or not known to be false."""
        return condition is None or self.conditions.holds(condition) is not False

    def external_id(self, name: str, scope: StackScope) -> str | None:
        """The id of the existing object that a resource refers to without owning it; None for most."""
        node = self.resources[name].external_id
        return None if node is None else str(evaluate(node, scope, template=self.source.template))

    def update_policy(self, name: str, scope: StackScope) -> dict[str, Any]:
        """The resolved update policy of a resource."""
        raw = evaluate(self.resources[name].update_policy, scope, template=self.source.template)
        return _section(raw, f"resources.{name}.update_policy")

    def outputs(self, scope: StackScope, names: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        """Every output, or those of these ``names``, with ``value`` or ``error``.

        One that fails never fails the stack. One whose condition does not hold is null; where that is not
        known yet, neither is the value. All together may have ``_MOST_TEXT`` characters.
        """
        left = _MOST_TEXT
        shown: dict[str, dict[str, Any]] = {}
        for name, output in self.source.template.outputs.items():
            if names is not None and name not in names:
                continue
            holds = True if output.condition is None else self.conditions.holds(output.condition)
            if holds is not True:
                shown[name] = {"value": holds or None}
                continue
            try:
                value = evaluate(output.value, scope, template=self.source.template)
                left -= sum(size_of(value))
                shown[name] = {"value": value} if left >= 0 else {"error": _OUTPUTS_TOO_LARGE}
            except TemplateError as error:
                shown[name] = {"error": error.message}
        return shown


def _section(raw: Any, path: str) -> dict[str, Any]:
    """A resolved section of a resource; empty while it is not known."""
    if raw is None or raw == "" or isinstance(raw, Unknown):
        return {}
    if not isinstance(raw, Mapping):
        remedy = "Write a map, or a function whose result is one."
        complaint = Reason.NOT_A_MAP(where=HERE, found=f"{raw!r:.80}")
        raise TemplateError(complaint, path=path, remedy=remedy)
    return dict(raw)


_IMPORT_KEY = f'"{IMPORT}"'.encode()
EMPTY = Definition()
ACCEPTED = Limits(max_bytes=sys.maxsize, max_nodes=sys.maxsize)


def identity_of(stack: Stack) -> StackIdentity:
    """The identity that pseudo parameters show."""
    return StackIdentity(project_id=stack.project_id, stack_name=stack.name, stack_id=stack.id)


def stored_secrets(source: Source, stack: Stack) -> Secrets:
    """The values of the hidden parameters of a stored definition; none where they cannot be evaluated."""
    if not any(each.hidden for each in source.template.parameter_schemas.values()):
        return NOTHING
    try:
        bound = bind_parameters(
            source.template, source.environment, identity_of(stack), strict=False, allow_missing=True
        )
        return secrets_of(source.template, bound)
    except TemplateError:
        return NOTHING


def load_source(template: Any, environment: Any, files: Mapping[str, str]) -> Source:
    """Parse the texts or data of a definition; a missing template is the empty one.

    The limits apply to text only. Data was accepted under earlier limits, or made by a type from data that
    was: a stored stack must stay readable whatever the limits are now.
    """
    data = template if template else {"heat_template_version": "2021-04-16"}
    limits = None if isinstance(template, str) else ACCEPTED
    return Source(load_template(data, limits=limits), load_environment(environment, limits=ACCEPTED), files)


def build(
    source: Source,
    identity: StackIdentity,
    registry: Registry,
    definition: Definition = EMPTY,
    *,
    strict: bool = True,
    previous: Mapping[str, Any] | None = None,
    facade: Mapping[str, Any] | None = None,
    problems: Problems | None = None,
    loaded: dict[str, Properties] | None = None,
) -> Desired:
    """Evaluate a definition; raises the first ``TemplateError`` in Heat's order of checks.

    With ``problems`` all mistakes go there instead, and wrong values become unknown. ``previous`` are
    the parameter values before an update, for immutable ones. ``loaded`` gets what ``loaded_properties`` is
    going to return for some resources, whose properties had to be read for their order.
    """
    source = changed(source, environment=source.environment.with_base(registry.operator.environment))
    template = source.template
    if problems is None:
        template.require()

    def at(stage: Stage) -> Report:
        return refuse if problems is None else problems.at(stage)

    defining = partial(_placed, template, at(Stage.DEFINITIONS))
    parameters = bind_parameters(
        template,
        source.environment,
        identity,
        strict=strict,
        previous=previous,
        report=at(Stage.PARAMETERS),
    )
    conditions = conditions_for(template, parameters)
    conditions.raises_once = problems is not None
    resources = enabled_resources(template, conditions, facade=facade, report=defining)
    types = resolve_types(resources, source.environment, registry, source.files, report=defining)
    # Wrong references in outputs and branches are reported where functions are checked.
    unheard: Report = refuse if problems is None else lambda error: None
    desired = Desired(
        definition=definition,
        source=source,
        parameters=parameters,
        conditions=conditions,
        resources=resources,
        types=types,
        requires=dependencies(template, conditions, enabled=resources, report=at(Stage.GRAPH)),
        wanted=referenced_attributes(template, conditions, enabled=resources, report=unheard),
        facade=facade or {},
    )
    own = {name: each for name, each in resources.items() if each.external_id is None}
    found = implied(types, own, lambda name: _readable(desired, name, desired.scope({}), loaded))
    if not found:
        return desired
    graph = at(Stage.GRAPH)
    requires = with_implied(
        dict(desired.requires), found, lambda circle: graph(circle_error(template, circle))
    )
    return replace(desired, requires=requires)


def _placed(template: Template, report: Report, error: TemplateError) -> None:
    """Report an error in a resource's definition, with its place in the text."""
    parts = error.path.split(".")
    if not error.place.line and not error.place.file and parts[0] == "resources":
        keys = template.version.resource_keys
        path = (
            template.version.sections["resources"],
            *parts[1:2],
            *(keys.get(key, key) for key in parts[2:]),
        )
        error = error.but(place=template.place(path))
    report(error)


def _readable(
    desired: Desired, name: str, scope: StackScope, loaded: dict[str, Properties] | None
) -> dict[str, Any]:
    """The readable properties; invalid ones are left out, as validation reports them."""
    handler = desired.types[name].handler
    try:
        found = handler.properties.load(desired.properties(name, scope))
    except TemplateError:
        return {}
    if loaded is not None and not handler.any_properties and not desired.resources[name].description:
        loaded[name] = found
    return found.data


def loaded_properties(
    desired: Desired, name: str, scope: StackScope, *, path: str | None = None
) -> Properties:
    """The converted properties of a resource; a ``PropertyError`` carries the full path."""
    handler = desired.types[name].handler
    where = path or f"resources.{name}.properties"
    raw = desired.properties(name, scope)
    if handler.any_properties:
        return Properties.wrap(raw)
    fill_description(handler, raw, desired.resources[name].description)
    return handler.properties.load(raw, where)


def fill_description(handler: ResourceType[Any], raw: dict[str, Any], description: str | None) -> None:
    """A resource's description fills an updatable ``description`` property left unset."""
    schema = handler.properties.schema.get("description")
    if description and schema is not None and schema.update.value == "in place":
        raw.setdefault("description", description)


def property_error(
    desired: Desired, name: str, path: str, complaint: Complaint, remedy: str, *, at: str | None = None
) -> PropertyError:
    """The error for a property (``resources.NAME.properties.KEY[0]``), with its place in the text.

    ``at`` is the path in the message if it differs.
    """
    template = desired.source.template
    where = property_path(template, name, path)
    is_key = complaint.reason is Reason.UNKNOWN_PROPERTY
    return PropertyError(
        masked_complaint(complaint, desired.parameters),
        lead=PROPERTY_ERROR,
        path=path,
        at=at,
        remedy=remedy,
        place=template.place(where, key=is_key),
        value=complaint.words["name"] if is_key else template.value(where),
    )


def property_path(template: Template, name: str, path: str) -> tuple[str | int, ...]:
    """The path of a property (``resources.NAME.properties.KEY[0]``) in the data of the template."""
    keys = template.version.resource_keys
    inner = re.findall(r"[^.\[\]]+", path.removeprefix(f"resources.{name}."))
    parts: list[str | int] = [int(part) if part.isdecimal() else part for part in inner]
    if inner:
        parts[0] = keys.get(inner[0], inner[0])
    return (template.version.sections["resources"], name, *parts)
