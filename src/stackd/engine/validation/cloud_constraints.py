"""Values in a definition that only the cloud or the clock can judge: collected first, then judged together.

Every value of a parameter or property whose constraint needs a service is one ``Check``. The same name of the
same kind is looked up once, all look-ups run at the same time, and every mistake is told with its place.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from stackd.clients.failures import NoEndpoint
from stackd.clients.lookup import AmbiguousName, Finder
from stackd.engine.definition.desired import Desired, property_error
from stackd.engine.definition.scope import StackScope
from stackd.engine.definition.types import inner_label
from stackd.engine.validation.cloud_errors import as_api_error
from stackd.engine.validation.tree import Expanded
from stackd.errors import CloudError, EntityNotFound, ServiceUnavailable, StackdError, TemplateError
from stackd.offload import offloaded
from stackd.resources.schema import Properties, PropertySchema, convert_all, walk_values
from stackd.template.constraints import CustomConstraint
from stackd.template.evaluate import evaluate
from stackd.template.named import FORMS, MAY_BE_EMPTY, ON_REQUEST, items_of, refusal
from stackd.template.parameters import invalid_parameter
from stackd.template.problems import raise_all
from stackd.template.unknown import has_unknown
from stackd.wording import Reason


@dataclass(frozen=True, slots=True)
class Check:
    """A value that must satisfy a constraint which is judged with the request that says it.

    ``around`` are the resources, from the outermost stack on, inside which the definition ``within`` stands.
    Either ``parameter`` is set, or ``resource`` and ``path``. ``description`` replaces the message.
    """

    constraint: str
    value: Any
    within: Desired
    around: tuple[str, ...] = ()
    parameter: str = ""
    resource: str = ""
    path: str = ""
    description: str = ""

    @property
    def asked(self) -> tuple[str, str]:
        """What is looked up: checks that have this in common get one answer."""
        return self.constraint, str(self.value)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value is refused, and what to do about it."""

    reason: str
    remedy: str


_ERROR_WEIGHT = 400
"""What it costs to word and place an error, in bytes of template parsed."""

_MADE = "nested_stack"
"""What stands in a path for a template that a type has made."""

_NAME = {"name": PropertySchema("name", "string")}


Verdict = Fault | CloudError | None
"""What is said of a value: it is wrong, a service could not say, or nothing is wrong."""


# --- collecting (pure) ----------------------------------------------------------------------------


def checks_of(expanded: Expanded) -> tuple[Check, ...]:
    """All checks of a stack and the stacks inside it; values that are not known yet have none.

    Of the stacks inside, which are mostly many alike, each name is checked in one place, and not at all when
    a resource will have it: stacks inside may be made after that.
    """
    checks = list(_of_stack(expanded.desired, (), frozenset()))
    seen = {check.asked for check in checks}
    inner = [check for check in _inside(expanded, ()) if check.asked not in seen]
    names = _names_to_be(expanded) if inner else frozenset()
    for check in inner:
        if check.asked not in seen and check.value not in names:
            seen.add(check.asked)
            checks.append(check)
    return tuple(checks)


def _names_to_be(expanded: Expanded) -> frozenset[Any]:
    """The names that the definition gives to objects, as far as they are known."""
    names: set[Any] = set()
    for each in expanded.walk():
        scope = each.desired.scope({})
        for name, definition in each.desired.resources.items():
            if isinstance(definition.properties, dict) and "name" in definition.properties:
                names.update(_texts(_needed(each.desired, name, _NAME, scope).values()))
    return frozenset(names)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))


def _inside(expanded: Expanded, around: tuple[str, ...]) -> Iterator[Check]:
    for name, child in expanded.children.items():
        kind = expanded.desired.types[name]
        label = inner_label(name, getattr(kind.handler, "source", "") or _MADE)
        # The parameters of a template that is a resource type were checked as properties of the resource.
        told = frozenset(kind.handler.properties.schema) if kind.is_template else frozenset()
        yield from _of_stack(child.desired, (*around, label), told)
        yield from _inside(child, (*around, label))


def _of_stack(desired: Desired, around: tuple[str, ...], told: frozenset[str]) -> Iterator[Check]:
    for wanted in desired.parameters.custom_checks:
        name, constraint = wanted.parameter, wanted.constraint
        if name not in told and _must_be_asked(constraint.name, wanted.value):
            described = constraint.description
            yield Check(constraint.name, wanted.value, desired, around, name, description=described)
    scope = desired.scope({})
    for name, definition in desired.resources.items():
        schemas = _constrained(desired.types[name].handler.properties)
        if schemas and definition.external_id is None:
            yield from _of_resource(desired, name, schemas, scope, around)


def _of_resource(
    desired: Desired,
    name: str,
    schemas: Mapping[str, PropertySchema],
    scope: StackScope,
    around: tuple[str, ...],
) -> Iterator[Check]:
    where = f"resources.{name}.properties"
    raw: dict[str, Any] = {}
    with contextlib.suppress(TemplateError):  # what is wrong otherwise, the validation tells
        raw = _needed(desired, name, schemas, scope)
    values = convert_all(schemas, raw, where, [])
    values = {key: value for key, value in values.items() if not has_unknown(value)}
    for schema, value, path, _, _ in walk_values(schemas, values, where):
        for constraint in schema.constraints:
            if isinstance(constraint, CustomConstraint):
                named, text = constraint.name, constraint.description
                for each in items_of(value):
                    if _must_be_asked(named, each):
                        yield Check(named, each, desired, around, "", name, path, text)


def _must_be_asked(constraint: str, value: Any) -> bool:
    return constraint in ON_REQUEST and not (value == "" and constraint in MAY_BE_EMPTY)


def _needed(
    desired: Desired, name: str, schemas: Mapping[str, PropertySchema], scope: StackScope
) -> dict[str, Any]:
    """The values of the properties in ``schemas``; where these are written one by one, no others are made."""
    written = desired.resources[name].properties
    known = desired.types[name].handler.properties.schema
    if isinstance(written, dict) and written.keys() <= known.keys():
        few = {key: value for key, value in written.items() if key in schemas}
        found = evaluate(few, scope, template=desired.source.template)
    else:
        found = desired.properties(name, scope)
    return {key: value for key, value in found.items() if key in schemas}


_known: WeakKeyDictionary[type[Properties], Mapping[str, PropertySchema]] = WeakKeyDictionary()


def _constrained(kind: type[Properties]) -> Mapping[str, PropertySchema]:
    """The properties of a type that have such a constraint anywhere inside."""
    if kind not in _known:
        moved = {schema.moved_to for schema in kind.schema.values() if schema.moved_to}
        _known[kind] = {
            name: schema
            for name, schema in kind.schema.items()
            if name in moved or schema.moved_to or _has_custom(schema)
        }
    return _known[kind]


def _has_custom(schema: PropertySchema) -> bool:
    inner = [*(schema.keys or {}).values(), *([schema.element] if schema.element else [])]
    own = any(isinstance(each, CustomConstraint) and each.name in ON_REQUEST for each in schema.constraints)
    return own or any(map(_has_custom, inner))


# --- asking ---------------------------------------------------------------------------------------


async def faults(
    checks: Iterable[Check], finder: Finder, others: Sequence[TemplateError] = ()
) -> list[TemplateError]:
    """What is wrong with the values, one error for each place, and the ``others`` found before.

    The values of parameters come first, as they do when all is checked here. Raises what keeps a service from
    answering, unless there are mistakes to tell anyway.
    """
    checks = list(checks)
    asked = list(dict.fromkeys(check.asked for check in checks))
    said = await asyncio.gather(*(_verdict(finder, *each) for each in asked))
    verdicts = dict(zip(asked, said, strict=True))
    wrong = [check for check in checks if isinstance(verdicts[check.asked], Fault)]
    errors: list[TemplateError] = await offloaded(
        _ERROR_WEIGHT * len(wrong), _errors, wrong, verdicts, others
    )
    for check in () if errors else checks:
        if isinstance(verdict := verdicts[check.asked], CloudError):
            raise _trouble(check, verdict)
    return errors


def _errors(
    wrong: Iterable[Check], verdicts: Mapping[tuple[str, str], Verdict], others: Sequence[TemplateError]
) -> list[TemplateError]:
    given: list[TemplateError] = []
    written: list[TemplateError] = []
    told: set[tuple[str, str]] = set()
    for check in wrong:
        verdict = verdicts[check.asked]
        if not isinstance(verdict, Fault) or check.asked in told:
            continue
        (given if check.parameter else written).append(_error(check, verdict))
        if check.parameter:
            told.add(check.asked)  # properties that only repeat the parameter are not wrong themselves
    return [*given, *others, *written]


async def refuse_wrong(checks: Iterable[Check], finder: Finder, others: Sequence[TemplateError] = ()) -> None:
    """Raise the first of all faults, and of the ``others`` found before, with all of them in tow."""
    raise_all(await faults(checks, finder, others))


async def _verdict(finder: Finder, constraint: str, value: str) -> Verdict:
    """None when the value is good; the error of a service that could not say."""
    if constraint in FORMS:
        reason = FORMS[constraint](value)
        return None if reason is None else Fault(reason, "Give a moment that is still to come.")
    try:
        await finder.id_of(constraint, value, again=False)
    except EntityNotFound as error:
        return Fault(str(error), await _remedy(finder, constraint, value))
    except AmbiguousName as error:
        return Fault(str(error), "Use its id.")
    except NoEndpoint as error:
        return Fault(str(error), "Ask the operator of the cloud for the service, or do without it.")
    except CloudError as error:
        return error
    return None


async def _remedy(finder: Finder, constraint: str, value: str) -> str:
    try:
        near = await finder.near(constraint, value)
    except CloudError:  # only a hint
        near = None
    return f"Did you mean {near}?" if near else "Name one that exists."


def _trouble(check: Check, error: CloudError) -> StackdError:
    """The answer to a request that cannot be checked, which names the service and what it was asked for."""
    own = check.path or f"parameters.{check.parameter}"
    path = ".".join([*(f"resources.{name}" for name in check.around), own])
    answer = as_api_error(error)
    kind = ServiceUnavailable if isinstance(answer, CloudError) else type(answer)
    return kind(f"{path}: {check.constraint} cannot be checked: {answer}")


def _error(check: Check, fault: Fault) -> TemplateError:
    desired = check.within
    if check.description:
        complaint = Reason.OTHER(text=check.description)
    else:
        complaint = refusal(check.value, fault.reason)
    remedy = fault.remedy
    if str(check.value) in desired.resources:
        remedy = f"Write {{get_resource: {check.value}}} to mean the resource of this template."
    source = desired.source
    error: TemplateError
    if check.parameter:
        schema = desired.parameters.schemas[check.parameter]
        error = invalid_parameter(source.template, schema, complaint, source.environment, check.value)
        error = error.but(remedy="Give the name or id of one that exists." if schema.hidden else remedy)
    else:
        error = property_error(desired, check.resource, check.path, complaint, remedy)
    for label in reversed(check.around):
        error = error.inside(label)
    return error
