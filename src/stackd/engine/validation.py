"""What ``POST /validate`` tells about a template: its parameters, and every mistake that can be found."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from stackd.engine.definitions import offloaded
from stackd.engine.desired import Desired, Source, build
from stackd.engine.desired import validate as property_errors
from stackd.engine.engine import Engine
from stackd.engine.expand import Expanded, expand
from stackd.engine.fetching import brought, completed, fetched_nothing
from stackd.engine.requests import StackRequest, definition_of, size_of
from stackd.errors import (
    BadRequest,
    Forbidden,
    MissingTemplate,
    PropertyError,
    ResourceTypeUnavailable,
    StackdError,
    TemplateError,
    UnknownUserParameter,
    UserParameterMissing,
)
from stackd.records import Caller
from stackd.resources.base import ResourceType
from stackd.resources.registry import Registry
from stackd.template.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from stackd.template.environment import Environment
from stackd.template.evaluate import validate_static
from stackd.template.parameters import PSEUDO_NAMES, StackIdentity, bind_parameters
from stackd.template.schemas import MASK, ParameterSchema
from stackd.template.template import Template
from stackd.template.unknown import Unknown, has_unknown

UNAVAILABLE = "99001"
"""The only code of an error that a request may choose to ignore: the service of a type is not there."""

_TYPES = {
    "string": "String",
    "number": "Number",
    "comma_delimited_list": "CommaDelimitedList",
    "json": "Json",
    "boolean": "Boolean",
}
_GENERAL = frozenset({"StackValidationFailed", "InvalidTemplateSection", "InvalidTemplateAttribute"})
Json = dict[str, Any]


def ignored_codes(text: str) -> frozenset[str]:
    """The codes of errors to ignore, out of a list parted by commas."""
    codes = frozenset(code.strip() for code in text.split(",") if code.strip())
    if codes - {UNAVAILABLE}:
        wrong = ", ".join(sorted(codes - {UNAVAILABLE}))
        raise BadRequest(f"Invalid codes in ignore_errors: {wrong}; only {UNAVAILABLE} can be ignored.")
    return codes


async def validate(
    engine: Engine, caller: Caller, request: StackRequest, *, nested: bool, ignored: Collection[str] = ()
) -> Json:
    """What the template asks for; raises its first mistake, with all others in tow.

    Mistakes that make a stack fail but not a validation are told under ``errors``.
    """
    registry = engine.services.registry
    fetched = fetched_nothing(engine)
    try:
        request = await brought(engine, caller, request, fetched)
        template, environment = await offloaded(size_of(request), definition_of, request, engine.limits)
    except TemplateError as error:
        _refuse(Findings(refusals=[error]))
    source = Source(template, environment, request.files)
    found: Findings = await offloaded(400 * len(template.resources), check, source, registry)
    if nested or any(isinstance(error, MissingTemplate) for error in found.refusals):
        source = await completed(source, registry, engine.limits, fetched)
        found = await asyncio.to_thread(check, source, registry)
    if found.desired is not None:
        found.refusals.extend(await _unusable(engine, caller, found.desired, ignored))
    if found.refusals:
        _refuse(found)
    view = described(template, environment)
    if nested and found.desired is not None:
        below = _nested(await asyncio.to_thread(_expanded, engine, found.desired))
        if below:
            view["NestedParameters"] = below
    view["Environment"] = shown_environment(environment, template)
    if found.warnings:
        view["errors"] = found.warnings
    return view


class InvalidTemplate(TemplateError):
    """A mistake that has no type of its own in a validation."""

    wire_type = "HTTPBadRequest"


def _refuse(found: Findings) -> NoReturn:
    """Raise the first mistake with all others in tow."""
    first = found.refusals[0]
    if isinstance(first, TemplateError) and first.wire_type in _GENERAL:
        first = InvalidTemplate(first.message, path=first.path, place=first.place, remedy=first.remedy)
    first.__dict__["all_errors"] = [
        error for error in (*found.refusals, *found.warnings) if isinstance(error, TemplateError)
    ]
    raise first


@dataclass(slots=True)
class Findings:
    """What is wrong with a template: what refuses it, and what only stacks made from it suffer from."""

    desired: Desired | None = None
    refusals: list[StackdError] = field(default_factory=list)
    warnings: list[TemplateError] = field(default_factory=list)

    def add(self, error: StackdError) -> None:
        """Sort a mistake in, unless it is known already."""
        if isinstance(error, TemplateError) and _only_a_value(error):
            if all(error.message != other.message for other in self.warnings):
                self.warnings.append(error)
        elif all(error.message != other.message for other in self.refusals):
            self.refusals.append(error)


def check(source: Source, registry: Registry) -> Findings:
    """Every mistake that can be found without the cloud (pure); missing parameter values are none."""
    found = Findings()
    opened = _with_open_parameters(source)
    try:
        parameters = bind_parameters(opened.template, opened.environment, StackIdentity(), strict=False)
        _refuse_unknown_parameters(source)
    except StackdError as error:
        found.add(error)
        return found
    for problem in validate_static(source.template, parameters):
        found.add(problem)
    try:
        found.desired = build(opened, StackIdentity(), registry, strict=False)
    except StackdError as error:
        found.add(error)
        return found
    for problem in property_errors(found.desired):
        found.add(problem)
    return found


def _refuse_unknown_parameters(source: Source) -> None:
    known = source.template.parameter_schemas.keys() | PSEUDO_NAMES[source.template.version.dialect]
    for name in source.environment.parameters:
        if name not in known:
            raise UnknownUserParameter(
                f"The Parameter ({name}) was not defined in template.",
                path=f"parameters.{name}",
                remedy="Remove the value, or declare the parameter in the template.",
            )


def _with_open_parameters(source: Source) -> Source:
    """The same with an unknown value for each parameter that has none."""
    environment = source.environment
    missing = {
        name: Unknown("", ("parameters", name))
        for name, schema in source.template.parameter_schemas.items()
        if schema.default is None
        and environment.parameters.get(name) is None
        and environment.parameter_defaults.get(name) is None
    }
    filled = replace(environment, parameters={**environment.parameters, **missing})
    return replace(source, environment=filled)


def _only_a_value(error: TemplateError) -> bool:
    """Whether a mistake is one that a validation lets pass."""
    if isinstance(error, PropertyError):
        return "Unknown Property" not in error.message
    return isinstance(error, UserParameterMissing)


async def _unusable(
    engine: Engine, caller: Caller, desired: Desired, ignored: Collection[str]
) -> list[StackdError]:
    """Types that the caller may not use or whose service is not there."""
    problems: list[StackdError] = []
    kinds = {kind.name: kind.handler for kind in desired.kinds.values() if not kind.is_template}
    for name, handler in kinds.items():
        if not engine.policy.allows_type(caller, name):
            problems.append(Forbidden(f"You are not authorized to use resource_types:{name}."))
        elif UNAVAILABLE not in ignored and (why := await unavailable(engine, caller, handler)):
            problems.append(why)
    return problems


async def unavailable(
    engine: Engine, caller: Caller, handler: ResourceType[Any]
) -> ResourceTypeUnavailable | None:
    """Why a type cannot be used in the caller's cloud; None if it can."""
    service = handler.service or (handler.entity.service if handler.entity is not None else None)
    if service is None:
        return None
    cloud = engine.authority.of_caller(caller)
    await cloud.token()
    if cloud.has_service(service):
        return None
    return ResourceTypeUnavailable(
        f"HEAT-E99001 Service {service} is not available for resource type {handler.type_name}, "
        "reason: Service endpoint not in service catalog."
    )


def _expanded(engine: Engine, desired: Desired) -> Expanded | None:
    """The template with the stacks inside it, as far as they can be evaluated."""
    limits = engine.limits
    try:
        return expand(
            desired,
            engine.services.registry,
            name="validated",
            max_depth=limits.max_nested_stack_depth,
            max_resources=limits.max_resources_per_stack,
        )
    except TemplateError:
        return None


def _nested(expanded: Expanded | None) -> Json:
    """The parameters of the stacks inside, by the resource that contains each."""
    shown: Json = {}
    for name, child in (expanded.children if expanded is not None else {}).items():
        source = child.desired.source
        view = described(source.template, source.environment)
        below = _nested(child)
        if below:
            view["NestedParameters"] = below
        shown[name] = {"Type": child_type(expanded, name), **view}
    return shown


def child_type(expanded: Expanded | None, name: str) -> str:
    """The type of a resource as the template writes it."""
    return expanded.desired.resources[name].type if expanded is not None else ""


def described(template: Template, environment: Environment) -> Json:
    """Description and parameters of a template."""
    view: Json = {
        "Description": template.description,
        "Parameters": {
            name: parameter(schema, environment.parameters.get(name))
            for name, schema in template.parameter_schemas.items()
        },
    }
    if template.parameter_groups:
        view["ParameterGroups"] = template.parameter_groups
    return view


def parameter(schema: ParameterSchema, value: Any = None) -> Json:
    """A parameter in the words of CloudFormation, whatever the template's dialect."""
    view: Json = {
        "Type": _TYPES[schema.type],
        "Description": schema.description,
        "NoEcho": "true" if schema.hidden else "false",
        "Label": schema.label or schema.name,
    }
    if schema.default is not None:
        view["Default"] = schema.default
    if value is not None and not has_unknown(value):
        view["Value"] = MASK if schema.hidden else value
    if schema.tags:
        view["Tags"] = list(schema.tags)
    for constraint in schema.constraints:
        view |= {key: each for key, each in _constraint(constraint).items() if each is not None}
    texts = [constraint.description for constraint in schema.constraints if constraint.description]
    if texts:
        view["ConstraintDescription"] = " ".join(texts)
    return view


def _constraint(constraint: Constraint) -> Json:
    match constraint:
        case Length():
            return {"MinLength": constraint.min, "MaxLength": constraint.max}
        case Range():
            return {"MinValue": constraint.min, "MaxValue": constraint.max}
        case Modulo():
            return {"Step": constraint.step, "Offset": constraint.offset}
        case AllowedValues():
            return {"AllowedValues": list(constraint.allowed)}
        case AllowedPattern():
            return {"AllowedPattern": constraint.pattern}
        case CustomConstraint():
            return {"CustomConstraint": constraint.name}
        case _:
            return {}


def shown_environment(environment: Environment, template: Template) -> Json:
    """The sections of an environment that a validation shows; hidden values are masked."""
    data = environment.to_data()
    hidden = frozenset(name for name, schema in template.parameter_schemas.items() if schema.hidden)
    for section in ("parameters", "parameter_defaults"):
        data[section] = {name: MASK if name in hidden else value for name, value in data[section].items()}
    return {
        key: data[key] for key in ("resource_registry", "parameters", "parameter_defaults", "event_sinks")
    }
