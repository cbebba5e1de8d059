"""Checks a whole definition, nested stacks included, and reports every mistake at once (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stackd.engine.definition.desired import Source, build
from stackd.engine.validation.resource_rules import check_resources, ranks
from stackd.engine.validation.tree import Expanded, expand
from stackd.errors import RequestLimitExceeded, TemplateError
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.settings import Limits
from stackd.template.guard import depth_guarded
from stackd.template.masking import concealed_error
from stackd.template.parameters import StackIdentity
from stackd.template.problems import Problems


class Inspected(NamedTuple):
    """A definition with its nested stacks, evaluated as far as possible, and its mistakes."""

    expanded: Expanded
    errors: list[TemplateError]


@depth_guarded
def inspect(
    source: Source,
    identity: StackIdentity,
    registry: Registry,
    limits: Limits,
    *,
    name: str,
    strict: bool = True,
    previous: Mapping[str, Any] | None = None,
) -> Inspected:
    """Evaluate a definition with all nested stacks; errors are in the order of Heat's checks.

    Raises RequestLimitExceeded for more resources than a stack may have. ``previous`` are the parameter
    values before an update, for immutable ones.
    """
    count = len(source.template.resources)
    if 0 <= limits.max_resources_per_stack < count:
        most = limits.max_resources_per_stack
        raise RequestLimitExceeded(f"Request limit exceeded: Maximum resources per stack exceeded ({most}).")
    problems = Problems()
    for mistake in source.template.mistakes:
        problems.add(mistake.stage, mistake.resource, mistake.error)
    loaded: dict[str, Properties] = {}
    desired = build(
        source, identity, registry, strict=strict, previous=previous, problems=problems, loaded=loaded
    )
    check_resources(desired, problems, registry, loaded)
    expanded = expand(
        desired,
        registry,
        name=name,
        max_depth=limits.max_nested_stack_depth,
        max_resources=limits.max_resources_per_stack,
        problems=problems,
    )
    return Inspected(expanded, _shown(problems.ordered(ranks(desired)), expanded) if problems else [])


def _shown(errors: Iterable[TemplateError], expanded: Expanded) -> list[TemplateError]:
    """The mistakes without secrets, which one stack of the tree hands to others."""
    secrets = expanded.secrets()
    return [concealed_error(each, secrets) for each in errors]
