"""What a request asks a stack to be: its parts merged, checked and evaluated."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from stackd.drafts import changed
from stackd.engine.definition.desired import Desired, Source
from stackd.engine.usecases.request_values import (
    EnvironmentData,
    FileTexts,
    Minutes,
    Names,
    OptionalFlag,
    Parameters,
    Tags,
    TemplateData,
    Text,
    Yes,
)
from stackd.engine.validation.cloud_constraints import Check, checks_of
from stackd.engine.validation.inspection import inspect
from stackd.engine.validation.tree import Expanded
from stackd.errors import (
    BadRequest,
    InvalidFormat,
    InvalidHook,
    InvalidTemplateReference,
    InvalidTemplateVersion,
    MissingTemplate,
    RequestLimitExceeded,
    TemplateError,
    UserParameterMissing,
)
from stackd.offload import OWNER, YAML_WEIGHT, current_budget
from stackd.recent import Recent, exact
from stackd.resources.registry import Registry
from stackd.settings import Limits
from stackd.template.environment import Environment, load_environment, with_hooks
from stackd.template.files import Files
from stackd.template.limits import Limits as ParseLimits
from stackd.template.limits import check_data
from stackd.template.merge import merge_environments
from stackd.template.parameters import StackIdentity
from stackd.template.parse import ParsedDocument
from stackd.template.problems import raise_all
from stackd.template.schemas import ParameterSchema
from stackd.template.template import Template, load_template, read_template

STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")
VERSION_KEY = re.compile(r"heat_template_version|HeatTemplateFormatVersion|AWSTemplateFormatVersion")
"""Texts one of which occurs in every template, and in hardly any other file."""


_EMPTY: Final[dict[str, Any]] = {"default": {}}
"""What is documented of a field that is empty by default, of which pydantic would else make deep copies."""


class StackRequest(BaseModel):
    """The body of a create, update, preview or validate request; each field declares how it is read.

    None means "not given"; ``existing`` asks for the semantics of PATCH: what is not given stays as
    it is.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    name: SkipJsonSchema[str] = Field(default="", validation_alias="stack_name")
    template: TemplateData = Field(default=None, description="The template, as data or text.")
    template_url: Text = Field(default=None, description="Where the template is, if it is not here.")
    timeout_mins: Minutes = Field(default=None, description="Minutes that the operation may take.")
    tags: Tags = Field(default=None, description="Tags, parted by commas.")
    converge: Yes = Field(default=False, description="Whether the real state is read first.")
    disable_rollback: OptionalFlag = Field(
        default=None, description="Whether a failure leaves things as they are."
    )
    environment: EnvironmentData = Field(default=None, description="An environment, as data or text.")
    environment_files: Names = Field(default=(), description="Names in `files`, the last one wins.")
    files: FileTexts = Field(
        default_factory=dict,
        json_schema_extra=_EMPTY,
        description="Texts by the names that the template uses.",
    )
    files_container: Text = Field(default=None, description="A container of Swift in which more files are.")
    parameters: Parameters = Field(
        default_factory=dict, json_schema_extra=_EMPTY, description="Values of parameters."
    )
    clear_parameters: Names = Field(default=(), description="Parameters to set back to the default.")
    existing: SkipJsonSchema[bool] = False
    default_version: SkipJsonSchema[bool] = False
    """Whether a template may lack its version, and is then one of AWS."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An evaluated request, the checks that the cloud must answer, and the mistakes found so far."""

    source: Source
    desired: Desired
    expanded: Expanded
    checks: tuple[Check, ...] = ()
    errors: tuple[TemplateError, ...] = ()


def check_name(name: str) -> None:
    """Refuse an invalid stack name."""
    if not STACK_NAME.fullmatch(name):
        raise TemplateError(
            f'Invalid stack name {name} must contain only alphanumeric or "_-." characters, '
            "must start with alpha and must be 255 characters or less.",
            path="stack_name",
            remedy="Choose a name like web-1.",
        )


def environment_of(request: StackRequest, schemas: Mapping[str, ParameterSchema]) -> Environment:
    """The request's environment: merged from the environment files that it names, with its parameters.

    ``schemas`` are the parameters that the template declares.
    """
    if request.environment_files:
        parts = [_environment_file(request, name) for name in request.environment_files]
        known = {**_schemas_in_files(request), **schemas}
        merged = merge_environments(*parts, initial=request.parameters, schemas=known)
        return with_hooks(merged, request.environment)
    try:
        environment = load_environment(request.environment)
    except InvalidHook:
        raise
    except TemplateError as error:
        raise _ill_formed("Environment", error) from error
    if not request.parameters:
        return environment
    return changed(environment, parameters={**environment.parameters, **request.parameters})


def _ill_formed(what: str, error: TemplateError) -> TemplateError:
    """The error for a part of the request that cannot be parsed."""
    quoted = error.quoted(f"{what} not in valid format")
    return InvalidFormat(
        **quoted, path=error.where, place=error.place, remedy=error.remedy, value=error.value
    )


def _schemas_in_files(request: StackRequest) -> dict[str, ParameterSchema]:
    """The parameters declared by any template among the files."""
    found: dict[str, ParameterSchema] = {}
    for name, text in request.files.items():
        if name not in request.environment_files and VERSION_KEY.search(text):
            with contextlib.suppress(TemplateError):
                found |= load_template(text, file=name).parameter_schemas
    return found


def _environment_file(request: StackRequest, name: str) -> Environment:
    if name not in request.files:
        raise BadRequest(f'The environment file "{name}" is not among the files of the request.')
    return load_environment(request.files[name], file=name)


def template_of(request: StackRequest, limits: Limits) -> Template:
    """The request's template, parsed within the limits; it contains the mistakes found in parsing."""
    if request.template is None:
        raise BadRequest("No template specified")
    text = request.template
    size = len(text.encode()) if isinstance(text, str) else 0
    if size > limits.max_template_size:
        raise RequestLimitExceeded(
            f"Request limit exceeded: Template size ({size} bytes) exceeds "
            f"maximum allowed size ({limits.max_template_size} bytes)."
        )
    limited = _parse_limits(limits.max_template_size)
    source = text
    try:
        if current_budget().is_trial and type(text) is dict:
            check_data(text, limited)  # before more is done on the event loop with what may be large
            source = ParsedDocument(text)
        return _PARSED.find(
            text,
            (limits.max_template_size, request.default_version),
            lambda: read_template(source, limits=limited, default_version=request.default_version),
        )
    except InvalidTemplateVersion:
        raise
    except TemplateError as error:
        raise _ill_formed("Template", error) from error


@cache
def _parse_limits(size: int) -> ParseLimits:
    """The limits of the parser by that of the setting: every value takes at least a byte."""
    return ParseLimits(max_bytes=size, max_nodes=size)


class ParsedTemplates:
    """Parsed templates of requests: who validates or previews one makes a stack of it next.

    One is found again by all that it depends on: its data, how it is parsed, and the project, so that no
    project can find out by the time of an answer what others have. Texts with anchors are not kept: a short
    one may stand for much. All threads share it. ``most`` and ``largest`` are bytes of data, a twentieth or
    so of what it takes in memory.
    """

    def __init__(self, most: int = 400_000, largest: int = 64_000) -> None:
        self._kept: Recent[tuple[str, Hashable, bytes], Template] = Recent(most)
        self._largest = largest
        self._lock = threading.Lock()

    def find(self, data: Any, how: Hashable, parse: Callable[[], Template]) -> Template:
        """The template of a text or data; it is parsed if it is not known, and kept if it can be parsed."""
        is_text = isinstance(data, str)
        text = None if is_text and _ANCHOR in data else exact(data)
        weight = len(text or "") * (YAML_WEIGHT if is_text else 1)
        if text is None or weight > self._largest:
            return parse()
        key = OWNER.get(), how, hashlib.sha256(text).digest()
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            known = parse()
            with self._lock:
                self._kept.put(key, known, weight)
        return known


_ANCHOR: Final = "&"
_PARSED: Final = ParsedTemplates()


def definition_of(
    request: StackRequest, limits: Limits, stored: Source | None = None
) -> tuple[Template, Environment]:
    """The template and environment of a request; without a template in it the ``stored`` one."""
    if request.template is None and stored is not None:
        template = stored.template
    else:
        template = template_of(request, limits)
    try:
        return template, environment_of(request, template.parameter_schemas)
    except TemplateError as error:
        raise_all([error, *template.mistakes.ordered()])
        raise


def check(
    source: Source,
    identity: StackIdentity,
    registry: Registry,
    limits: Limits,
    *,
    name: str,
    previous: Mapping[str, Any] | None = None,
    strict: bool = True,
) -> Checked:
    """Evaluate and validate a definition with all nested stacks.

    Mistakes are part of the result, since checks in the cloud may add some. Raises MissingTemplate while the
    templates that it names by URL have not been fetched.
    """
    found = inspect(source, identity, registry, limits, name=name, strict=strict, previous=previous)
    if not isinstance(source.files, Files):
        for error in found.errors:
            if isinstance(error, MissingTemplate):
                raise error
    checks = checks_of(found.expanded)
    errors = () if all(map(_fails_alone, found.errors)) else tuple(found.errors)
    return Checked(source, found.expanded.desired, found.expanded, checks, errors)


def _fails_alone(error: TemplateError) -> bool:
    """Whether an error affects an output only: it refers to an undeclared parameter."""
    names_nothing = isinstance(error, UserParameterMissing | InvalidTemplateReference)
    return names_nothing and error.where.path.lower().startswith("outputs.")
