"""Template validation (``POST /validate``): returns the parameters, and every mistake that can be found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from stackd.engine.definition.desired import Desired, Source
from stackd.engine.definition.types import ResolvedType, is_template_name
from stackd.engine.services.exports import with_exports
from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.availability import UNAVAILABLE, types_in, unavailable_types
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import Fetched, completed, resolved_request
from stackd.engine.usecases.queries import JsonText
from stackd.engine.usecases.requests import StackRequest, definition_of
from stackd.engine.validation.findings import (
    Finding,
    Findings,
    as_findings,
    checked,
    findings,
    warnings_of,
    without_repeated,
)
from stackd.engine.validation.tree import Expanded
from stackd.errors import (
    BadRequest,
    InvalidParameterValue,
    MissingTemplate,
    PropertyError,
    StackdError,
    TemplateError,
    TemplateErrors,
    UserParameterMissing,
    all_errors,
)
from stackd.offload import current_budget, in_thread, offloaded
from stackd.records import Caller
from stackd.resources.registry import Registry
from stackd.settings import Limits
from stackd.template.describe import describe_template
from stackd.template.environment import Environment
from stackd.template.masking import NOTHING, Secrets, concealed, concealed_fields
from stackd.template.parameters import StackIdentity
from stackd.template.shown_values import MASK
from stackd.template.template import Template
from stackd.urls import shown_name
from stackd.wording import Reason

__all__ = ["Finding", "Findings", "check", "findings", "ignored_codes", "validate", "validated_text"]

_GENERAL = frozenset({"StackValidationFailed", "InvalidTemplateSection", "InvalidTemplateAttribute"})
_RULE: Final = "stacks:validate_template"
Json = dict[str, Any]


def ignored_codes(text: str) -> frozenset[str]:
    """The error codes to ignore, from a comma-separated list."""
    codes = frozenset(code.strip() for code in text.split(",") if code.strip())
    if codes - {UNAVAILABLE}:
        wrong = ", ".join(sorted(codes - {UNAVAILABLE}))
        raise BadRequest(f"Invalid codes in ignore_errors: {wrong}; only {UNAVAILABLE} can be ignored.")
    return codes


async def validate(
    engine: Engine,
    caller: Caller,
    request: StackRequest,
    *,
    nested: bool,
    ignored: Collection[str] = (),
    rule: str = _RULE,
) -> Json:
    """The parameters of a template; raises its first mistake as a group with all others.

    Mistakes that fail a stack but not a validation are returned under ``errors``, probable mistakes
    under ``warnings``.
    """
    enforce(engine, caller, rule)
    request, fetched = await _resolved(engine, caller, request)
    return (await _validated(engine, caller, request, fetched, nested, ignored)).answer


async def validated_text(
    engine: Engine,
    caller: Caller,
    request: StackRequest,
    render: Callable[[Json], bytes],
    *,
    size: int | None,
    nested: bool,
    ignored: Collection[str] = (),
) -> JsonText:
    """What ``validate`` returns, rendered. It is kept if nothing is wrong, and nothing had to be fetched.

    ``size`` are the bytes of the request.
    """
    enforce(engine, caller, _RULE)
    complete, fetched = await _resolved(engine, caller, request)
    known, is_whole = engine.valid_requests, complete is request  # else more than ``size`` is in it
    key = known.key(caller.project_id, request, size) if is_whole and not nested else None
    if key is not None and (valid := known.find(key)) is not None:
        if lacks := await unavailable_types(engine, caller, valid.types, ignored, by_policy=False):
            _refuse(lacks)
        return JsonText(valid.answer)
    found = await _validated(engine, caller, complete, fetched, nested, ignored)
    text = JsonText(render(found.answer))
    if key is not None and found.is_lasting and not found.warnings:
        known.keep(key, found.types, text)
    return text


async def _resolved(engine: Engine, caller: Caller, request: StackRequest) -> tuple[StackRequest, Fetched]:
    """The request with what it only names, and the fetched contents."""
    try:
        return await resolved_request(engine, caller, request)
    except TemplateError as error:
        _refuse(all_errors(error))


async def _validated(
    engine: Engine,
    caller: Caller,
    request: StackRequest,
    fetched: Fetched,
    nested: bool,
    ignored: Collection[str],
) -> Checked:
    """A request that is not refused."""
    found = await _checked(engine, caller, request, fetched, nested=nested)
    found.refusals += await unavailable_types(engine, caller, found.types, ignored, by_policy=False)
    if found.refusals:
        _refuse([*found.refusals, *found.warnings])
    return found


async def _checked(
    engine: Engine, caller: Caller, request: StackRequest, fetched: Fetched, *, nested: bool
) -> Checked:
    """The mistakes in a request; values that other stacks export, and missing templates, are read first."""
    registry, limits = engine.services.registry, engine.limits
    compute = in_thread if request.files else offloaded
    found: Checked
    try:
        source, found = await compute(_read, request, registry, limits)
    except TemplateError as error:
        _refuse(all_errors(error))
    if source.may_import:
        identity = StackIdentity(project_id=caller.project_id)
        source = await with_exports(engine.services.db, registry, source, identity)
        found = await in_thread(check, source, registry, limits)
    if nested or any(isinstance(error, MissingTemplate) for error in found.refusals):
        source = await completed(source, registry, limits, fetched)
        found = await in_thread(check, source, registry, limits, nested=nested)
    return found


def _read(request: StackRequest, registry: Registry, limits: Limits) -> tuple[Source, Checked]:
    """The definition in a request, checked unless values of other stacks have to be read first."""
    template, environment = definition_of(request, limits)
    source = Source(template, environment, request.files)
    if source.may_import:
        return source, Checked()
    found = check(source, registry, limits)
    found.is_lasting = current_budget().is_lasting
    return source, found


def _answer(source: Source, found: Checked, *, nested: bool) -> Json:
    """What is shown of a template that can be used."""
    template, environment, expanded = source.template, source.environment, found.expanded
    secrets = expanded.secrets() if expanded is not None else NOTHING
    view = described(template, environment, secrets)
    if nested and expanded is not None and (below := _nested(expanded, secrets)):
        view["NestedParameters"] = below
    below_hidden = (_hidden(each.desired.source.template) for each in expanded.walk()) if expanded else ()
    view["Environment"] = shown_environment(environment, _hidden(template).union(*below_hidden), secrets)
    view["Environment"]["resource_registry"] |= _templates_as_types(template)
    return view | _findings_of(source, found)


def _findings_of(source: Source, found: Checked) -> Json:
    """What is wrong and what is suspicious, as members of the answer."""
    suspicious = warnings_of(source, found.expanded)
    return shown_findings(as_findings(found.warnings, without_repeated(suspicious, found.warnings)))


def shown_findings(found: Findings) -> Json:
    """The findings as members of the answer; empty if there are none."""
    shown: Json = {}
    if found.errors:
        shown["errors"] = [each.to_data() for each in found.errors]
    if found.omitted:
        shown["omitted_errors"] = found.omitted
    if found.warnings:
        shown["warnings"] = [each.to_data() for each in found.warnings]
    return shown


class InvalidTemplate(TemplateError):
    """A mistake for which Heat's validation has no error type of its own."""

    wire_type = "HTTPBadRequest"


class RefusedTemplate(TemplateErrors):
    """The mistakes in a template that fail its validation, where Heat's messages have single colons."""

    wire_separator = ": "


def _refuse(errors: Sequence[StackdError]) -> NoReturn:
    """Raise the mistakes as a group that is rendered as its first one."""
    first = errors[0]
    if not isinstance(first, TemplateError):
        raise first
    if first.wire_type in _GENERAL:
        first = first.converted(InvalidTemplate)
    raise RefusedTemplate(first, errors)


@dataclass(slots=True)
class Checked:
    """The mistakes in a template: those that fail validation, and those that only fail its stacks."""

    expanded: Expanded | None = None
    refusals: list[StackdError] = field(default_factory=list)
    warnings: list[TemplateError] = field(default_factory=list)
    answer: Json = field(default_factory=dict)
    """What is shown of the template; empty if it is refused."""
    is_lasting: bool = False
    """Whether it follows from the request alone, at whatever time that is sent."""

    @property
    def desired(self) -> Desired | None:
        """The definition, evaluated as far as possible."""
        return self.expanded.desired if self.expanded is not None else None

    @property
    def types(self) -> list[ResolvedType]:
        """The types of the stack's own resources."""
        return types_in([self.expanded.desired]) if self.expanded is not None else []


def check(
    source: Source, registry: Registry, limits: Limits | None = None, *, nested: bool = False
) -> Checked:
    """Every mistake that can be found without the cloud (pure); missing parameter values are allowed.

    ``nested`` is whether the answer has the parameters of nested stacks.
    """
    try:
        inspected = checked(source, registry, limits or Limits(), name="validated")
    except StackdError as error:
        return Checked(refusals=[error])
    refusals: list[StackdError] = [error for error in inspected.errors if not _only_a_value(error)]
    found = Checked(
        inspected.expanded, refusals, [error for error in inspected.errors if _only_a_value(error)]
    )
    if not refusals:
        found.answer = _answer(source, found, nested=nested)
    return found


def _only_a_value(error: TemplateError) -> bool:
    """Whether validation tolerates a mistake."""
    if error.where.is_inside:
        return error.reason is not Reason.UNKNOWN_OUTPUT_KEY
    if isinstance(error, PropertyError):
        # Validation checks the names of properties, but not of keys in maps.
        is_name = error.reason is Reason.UNKNOWN_PROPERTY and str(error.at).endswith(".properties")
        return not is_name
    return isinstance(error, UserParameterMissing | InvalidParameterValue)


def described(template: Template, environment: Environment, secrets: Secrets) -> Json:
    """The parameters of a template, with secrets masked in their values."""
    view = describe_template(template, environment.parameters)
    for shown in view["Parameters"].values():
        if "Value" in shown:
            shown["Value"] = concealed(shown["Value"], secrets)
    return view


def _nested(expanded: Expanded, secrets: Secrets) -> Json:
    """The parameters of the nested stacks, by the resource that contains each."""
    shown: Json = {}
    for name, child in expanded.children.items():
        source = child.desired.source
        view = described(source.template, source.environment, secrets)
        below = _nested(child, secrets)
        if below:
            view["NestedParameters"] = below
        shown[name] = {"Type": shown_name(expanded.desired.resources[name].type), **view}
    return shown


def _templates_as_types(template: Template) -> dict[str, str]:
    """The mappings that Heat adds to the environment: each template used as a type, to itself."""
    names = {definition.type for definition in template.resources.values() if definition.type}
    shown = (shown_name(name) for name in sorted(names) if is_template_name(name))
    return {name: name for name in shown}


def _hidden(template: Template) -> frozenset[str]:
    return frozenset(name for name, schema in template.parameter_schemas.items() if schema.hidden)


def shown_environment(environment: Environment, hidden: frozenset[str], secrets: Secrets) -> Json:
    """The environment that validation returns; values of ``hidden`` names and secrets are masked."""
    data = environment.to_data()
    for section in ("parameters", "parameter_defaults"):
        values = {name: MASK if name in hidden else value for name, value in data[section].items()}
        data[section] = concealed_fields(values, secrets)
    return {
        key: data[key] for key in ("resource_registry", "parameters", "parameter_defaults", "event_sinks")
    }
