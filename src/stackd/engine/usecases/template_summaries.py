"""What a template is, without a stack: its parameters, types, version and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stackd.engine.usecases.access import Named, enforce, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import resolved_request
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.requests import StackRequest, template_of
from stackd.errors import MissingTemplate
from stackd.offload import in_thread
from stackd.records import Action, Caller
from stackd.settings import Limits
from stackd.template.describe import describe_template
from stackd.template.masking import NOTHING, Secrets, concealed
from stackd.template.template import Template
from stackd.urls import shown_name

IAM: Final = "AWS::IAM::"
_CAPABILITY: Final = "CAPABILITY_IAM"


@dataclass(frozen=True, slots=True)
class TemplateSummary:
    """What is in a template. ``resources`` are the names of those of each type."""

    description: str
    version: str
    parameters: Mapping[str, Mapping[str, Any]]
    resources: Mapping[str, Sequence[str]]
    metadata: Mapping[str, Any]
    capabilities: Sequence[str]


async def of_request(engine: Engine, caller: Caller, request: StackRequest, *, rule: str) -> TemplateSummary:
    """The summary of the template in a request, which is fetched if it is given by its URL."""
    enforce(engine, caller, rule)
    request, _ = await resolved_request(engine, caller, request)
    found: TemplateSummary = await in_thread(_read, request, engine.limits)
    return found


async def of_stack(reader: Reader, caller: Caller, named: Named, *, rule: str) -> TemplateSummary:
    """The summary of the template of a stack."""
    stack = await permitted(reader.engine, caller, rule, named)
    if not stack.definition.template:
        when = "yet: none of its change sets was executed" if stack.action is Action.INIT else "any more"
        raise MissingTemplate(f"The stack {stack.name} has no template {when}.")
    template = await reader.template(stack)
    redaction = reader.engine.redaction
    secrets = await redaction.around(stack) | await redaction.queries(stack)
    found: TemplateSummary = await in_thread(summary_of, template, secrets)
    return found


def _read(request: StackRequest, limits: Limits) -> TemplateSummary:
    template = template_of(request, limits)
    template.require()
    return summary_of(template)


def summary_of(template: Template, secrets: Secrets = NOTHING) -> TemplateSummary:
    """The summary of a template (pure); ``secrets`` are masked in it."""
    resources: dict[str, list[str]] = {}
    for name, each in template.resources.items():
        resources.setdefault(shown_name(each.type or ""), []).append(name)
    section = template.version.sections.get("metadata", "")
    metadata = template.data.get(section) if section else None
    shown = describe_template(template)["Parameters"]
    needed = (_CAPABILITY,) if any(kind.startswith(IAM) for kind in resources) else ()
    return TemplateSummary(
        template.description,
        template.version.date,
        concealed(shown, secrets),
        resources,
        concealed(metadata, secrets) if isinstance(metadata, dict) else {},
        needed,
    )
