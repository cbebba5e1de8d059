"""Validates the resources and outputs of one stack without the cloud (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from stackd.engine.definition.desired import (
    Desired,
    fill_description,
    loaded_properties,
    property_error,
    property_path,
)
from stackd.engine.definition.scope import StackScope
from stackd.errors import PropertyError, TemplateError
from stackd.offload import charge_trial
from stackd.recent import exact
from stackd.resources.base import NestedType, ResourceType
from stackd.resources.follows import Siblings
from stackd.resources.heat.template_resource import TemplateResource, facade_problems
from stackd.resources.property_schema import convert_all
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.template.evaluate import evaluate
from stackd.template.functions.base import Reference
from stackd.template.problems import BROKEN, Problems, Report, Stage, nearest
from stackd.template.remedies import remedy_for
from stackd.template.template import ResourceDefinition
from stackd.template.unknown import has_unknown
from stackd.template.validate import FunctionCheck, check_names, check_sharing
from stackd.wording import HERE, PROPERTY_ERROR, Reason


def validate(desired: Desired) -> list[TemplateError]:
    """Every mistake in the resources and outputs that can be found without the cloud, in Heat's order."""
    problems = Problems()
    check_resources(desired, problems)
    return problems.ordered(ranks(desired) if problems else None)


def ranks(desired: Desired) -> dict[str, int]:
    """The order in which resources are checked: each after those that it needs."""
    found: dict[str, int] = {}
    place = {name: index for index, name in enumerate(desired.requires)}
    waiting = {name: len(needed & place.keys()) for name, needed in desired.requires.items()}
    users = desired.required_by()
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        freed: list[str] = []
        for name in ready:
            found[name] = len(found)
            for user in users.get(name, ()):
                waiting[user] -= 1
                freed += [] if waiting[user] else [user]
        ready = sorted(freed, key=place.__getitem__)
    return found


def check_resources(
    desired: Desired,
    problems: Problems,
    registry: Registry | None = None,
    loaded: dict[str, Properties] | None = None,
) -> None:
    """Report every mistake in the resources' functions, policies and properties, and in the outputs.

    With the ``registry``, a template that replaces a registered type is compared with that type. What was
    ``loaded`` is not loaded again; it is taken out.
    """
    template = desired.source.template
    check_names(template, problems.at(Stage.NAMES))
    check_sharing(template, desired.conditions, desired.resources, problems)
    suspected = partial(_attribute_remedy, desired) if any(_unknown_attributes(desired)) else None
    functions = FunctionCheck(template, desired.conditions, suspected)
    scope = desired.scope({})
    kinds = {name: kind.name for name, kind in desired.types.items()}
    siblings = Siblings(kinds, lambda name: open_properties(desired, name, scope).data)
    own = {name: each for name, each in desired.resources.items() if each.external_id is None}
    written = _written(desired, own)
    _charge(desired, written)
    right: set[_Written] = set()
    for name, definition in desired.resources.items():
        if (
            written.get(name) in right
            and not (definition.metadata or definition.update_policy or definition.deletion_policy_node)
            and not definition.broken
            and "Snapshot" not in (definition.deletion_policy, definition.replacement_policy)
            and not isinstance(desired.types[name].handler, TemplateResource)
        ):
            continue  # nothing but its properties can be wrong, and they are those of another one
        functions.resource(definition, problems.at(Stage.RESOURCES, name))
        if definition.external_id is not None or definition.broken:
            continue
        rules = _ResourceRules(desired, name, definition, scope, siblings, problems)
        rules.policies(registry)
        own_text = written[name]
        ready = loaded.pop(name, None) if loaded else None
        if own_text not in right and rules.properties(ready) and own_text is not None:
            right.add(own_text)
    for output in template.outputs.values():
        functions.output(output, problems.at(Stage.OUTPUTS))


# --- attributes -----------------------------------------------------------------------------------


def _unknown_attributes(desired: Desired) -> Iterator[tuple[str, str]]:
    """References to attributes that the resources do not have."""
    for name, uses in desired.wanted.items():
        kind = desired.types.get(name)
        if kind is not None:
            yield from ((name, str(use[0])) for use in uses if not _may_have(kind.handler, str(use[0])))


def _may_have(handler: ResourceType[Any], attribute: str) -> bool:
    if attribute in ("show", "*") or handler.any_properties or handler.any_attributes:
        return True
    if attribute in handler.attributes:
        return True
    return isinstance(handler, NestedType)  # outputs and members are resolved when they exist


def _attribute_remedy(desired: Desired, use: Reference) -> str | None:
    kind = desired.types.get(use.resource)
    if kind is None or use.attribute is None or _may_have(kind.handler, use.attribute):
        return None
    names = sorted({*kind.handler.attributes, "show"})
    return nearest(use.attribute, names) or f"{kind.written} has the attributes {', '.join(names)}."


# --- one resource ---------------------------------------------------------------------------------


_Written = tuple[int, str, bytes]
"""A type, by the identity of its handler, with the description and the properties as a template has them."""


def _written(desired: Desired, own: Mapping[str, ResourceDefinition]) -> dict[str, _Written | None]:
    """What the check of the properties of each resource depends on; None if that is more than its text."""
    alone = {id(kind): _judges_alone(kind.handler) for kind in desired.types.values()}
    found: dict[str, _Written | None] = {}
    for name, definition in own.items():
        kind = desired.types[name]
        text = exact(definition.properties) if alone[id(kind)] else None  # None if there are functions in it
        found[name] = None if text is None else (id(kind.handler), definition.description, text)
    return found


def _judges_alone(handler: ResourceType[Any]) -> bool:
    """Whether a type judges the properties of a resource by nothing else."""
    kind = type(handler)
    return (
        kind.validate_among is ResourceType.validate_among
        and kind.validate_metadata is ResourceType.validate_metadata
    )


def _charge(desired: Desired, written: Mapping[str, _Written | None]) -> None:
    """Count the properties that have to be converted, which takes most of the time of a check."""
    kinds = {name if text is None else text: desired.types[name] for name, text in written.items()}
    charge_trial(_CONVERTING * sum([len(kind.handler.properties.schema) for kind in kinds.values()]))


_CONVERTING: Final = 400
"""Elementary steps for each property that a type has."""


class _ResourceRules:
    """The checks of one resource, in the order in which their mistakes are reported."""

    def __init__(
        self,
        desired: Desired,
        name: str,
        definition: ResourceDefinition,
        scope: StackScope,
        siblings: Siblings,
        problems: Problems,
    ) -> None:
        self._siblings = siblings
        self._desired = desired
        self._name = name
        self._definition = definition
        self._scope = scope
        self._problems = problems
        self._report = problems.at(Stage.RESOURCES, name)
        self._kind = desired.types[name]

    def policies(self, registry: Registry | None) -> None:
        """Check all but the properties, and report the mistakes."""
        handler = self._kind.handler
        self._deletion_policy()
        if registry is not None and isinstance(handler, TemplateResource):
            self._as_template(handler, registry)
        if self._definition.update_policy and not handler.any_properties:
            self._update_policy()

    def properties(self, loaded: Properties | None = None) -> bool:
        """Check the properties, as ``loaded``, and report the mistakes; returns whether there are none."""
        count = len(self._problems)
        props = loaded or open_properties(self._desired, self._name, self._scope, self._problems)
        if len(self._problems) == count:
            self._judge(self._kind.handler, props)
        return len(self._problems) == count

    def _deletion_policy(self) -> None:
        handler = self._kind.handler
        if handler.snapshots or handler.any_properties:
            return
        if self._definition.deletion_policy == "Snapshot":
            self._no_snapshot("deletion_policy")
        if self._definition.replacement_policy == "Snapshot":
            self._no_snapshot("update_replace_policy")

    def _no_snapshot(self, key: str) -> None:
        template = self._desired.source.template
        path = property_path(template, self._name, f"resources.{self._name}.{key}")
        self._report(
            TemplateError(
                f'"Snapshot" {key.replace("_", " ")} not supported',
                path=f"resources.{self._name}.{key}",
                place=template.place(path),
                remedy="Use Delete or Retain.",
                value=template.value(path),
            )
        )

    def _as_template(self, handler: TemplateResource, registry: Registry) -> None:
        """Compare a template with the registered type that it replaces."""
        written = self._kind.written
        if written not in registry:
            return
        for problem in facade_problems(handler, registry.get(written), written):
            remedy = f"Give the template the parameters and outputs of {written}."
            self._report(
                TemplateError(
                    problem,
                    path=f"resources.{self._name}",
                    place=handler.template.document.place(()),
                    remedy=remedy,
                )
            )

    def _update_policy(self) -> None:
        where = f"resources.{self._name}.update_policy"
        try:
            policy = self._desired.update_policy(self._name, self._scope)
        except TemplateError as error:
            _report_new(self._problems, where, self._report, error)
            return
        errors: list[PropertyError] = []
        values = convert_all(self._kind.handler.update_policy, policy, where, errors)
        if not errors:
            try:
                self._kind.handler.validate_update_policy(values)
            except PropertyError as error:
                errors.append(error)
        for wrong in errors:
            self._report(placed(self._desired, self._name, wrong))

    def _judge(self, handler: ResourceType[Any], props: Properties) -> None:
        """Run the type's own validation of its properties; skipped if it cannot handle unknown values."""
        try:
            handler.validate(props)
            if type(handler).validate_among is not ResourceType.validate_among:
                handler.validate_among(props, self._siblings)
            if type(handler).validate_metadata is not ResourceType.validate_metadata:
                handler.validate_metadata(props, self._desired.metadata(self._name, self._scope))
        except PropertyError as error:
            self._report(placed(self._desired, self._name, error))
        except TemplateError as error:
            self._report(error)
        except (TypeError, AttributeError):
            if not has_unknown(props.data):
                raise


def open_properties(
    desired: Desired, name: str, scope: StackScope, problems: Problems | None = None
) -> Properties:
    """The converted properties of a resource; wrong ones are unknown, and reported to ``problems``."""
    try:
        return loaded_properties(desired, name, scope)
    except TemplateError:
        pass
    problems = problems if problems is not None else Problems()
    report = problems.at(Stage.RESOURCES, name)
    where = f"resources.{name}.properties"
    raw = _evaluated(desired, name, scope, problems, report)
    handler = desired.types[name].handler
    if handler.any_properties:
        return Properties.wrap(raw)
    fill_description(handler, raw, desired.resources[name].description)
    errors: list[PropertyError] = []
    data = convert_all(handler.properties.schema, raw, where, errors)
    for error in errors:
        report(placed(desired, name, error))
        data |= dict.fromkeys(_wrong_names(error, where, handler.properties.schema), BROKEN)
    return handler.properties.wrap(data)


def _wrong_names(error: PropertyError, where: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """The properties whose values are unknown because of an error."""
    below = error.path.removeprefix(where).lstrip(".")
    if below:
        name = below.split(".")[0].split("[")[0]
        yield from (name,) if name in schema else ()
    else:
        yield from (str(error.complaint.words["name"]),) if error.reason is Reason.MISSING_PROPERTY else ()


def _evaluated(
    desired: Desired, name: str, scope: StackScope, problems: Problems, report: Report
) -> dict[str, Any]:
    """The values of a resource's properties; those that cannot be evaluated are unknown."""
    try:
        return desired.properties(name, scope)
    except TemplateError as error:
        section = desired.resources[name].properties
        if not isinstance(section, dict):
            _report_new(problems, f"resources.{name}.properties", report, error)
            return dict.fromkeys(desired.types[name].handler.properties.schema, BROKEN)
    values: dict[str, Any] = {}
    for key, node in section.items():
        try:
            values |= evaluate({key: node}, scope, template=desired.source.template)
        except TemplateError as error:
            path = f"resources.{name}.properties.{key}"
            _report_new(problems, path, report, _in_property(error, path))
            values[key] = BROKEN
    return values


def _in_property(error: TemplateError, path: str) -> TemplateError:
    """The error of a function in a property, with the path of the property."""
    quoted = error.quoted()
    lead = quoted["lead"][1:] if error.lead[:1] == (HERE,) else quoted["lead"]
    return PropertyError(
        quoted["complaint"],
        lead=(*PROPERTY_ERROR, *lead),
        path=error.path or path,
        at=path,
        place=error.place,
        remedy=error.remedy,
        value=error.value,
    )


def _report_new(problems: Problems, path: str, report: Report, error: TemplateError) -> None:
    """Report an error unless something at or below ``path`` is known to be wrong."""
    if not problems.about(path):
        report(error)


def placed(desired: Desired, name: str, error: PropertyError) -> PropertyError:
    """The error of a type's own checks, with its place in the text."""
    path = _whole_path(name, error.path)
    at = None if error.at is None else _whole_path(name, str(error.at))
    made = property_error(desired, name, path, error.complaint, error.remedy, at=at)
    if not error.path:  # a rule across properties
        made = made.but(lead=())
    if isinstance(made.value, dict) and len(made.value) == 1:
        remedy = remedy_for(next(iter(made.value)), desired.source.template.version)
        return made.but(remedy=remedy or made.remedy)
    return made


def _whole_path(name: str, path: str) -> str:
    """The path from the root of the template of a type's error about a property, or about all properties."""
    path = path or "properties"
    return path if path.startswith("resources.") else f"resources.{name}.{path}"
