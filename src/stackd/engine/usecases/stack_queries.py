"""Queries of stacks: lists, one stack, its outputs, template, environment and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackd.auth.policy import EVERY_PROJECT
from stackd.db import stacks
from stackd.db.stacks import Page, StackFilter
from stackd.engine.usecases.access import GLOBAL_RULE, Named, enforce, permitted
from stackd.engine.usecases.queries import Facts, Reader
from stackd.records import Action, Caller, Stack, Status

__all__ = [
    "Page",
    "StackFilter",
    "StackList",
    "StackView",
    "environment",
    "files",
    "listed",
    "listed_plainly",
    "output",
    "output_descriptions",
    "show",
    "template",
    "template_json",
]


@dataclass(frozen=True, slots=True)
class StackView:
    """A stack with facts from its definition, and with its outputs if requested."""

    stack: Stack
    facts: Facts
    outputs: Mapping[str, Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class StackList:
    """A page of stacks; ``count`` is the number on all pages, if requested."""

    stacks: Sequence[Stack]
    is_full: bool
    every_project: bool
    count: int | None


async def show(
    reader: Reader, caller: Caller, named: Named, *, with_outputs: bool = True, rule: str = "stacks:show"
) -> StackView:
    """One stack."""
    stack = await permitted(reader.engine, caller, rule, named)
    facts = await reader.facts(stack)
    is_gone = (stack.action, stack.status) == (Action.DELETE, Status.COMPLETE)
    outputs = await reader.outputs(stack) if with_outputs and not is_gone else None
    return StackView(stack, facts, outputs)


async def listed(
    reader: Reader,
    caller: Caller,
    wanted: StackFilter,
    page: Page,
    *,
    every_project: bool = False,
    with_count: bool = False,
    rule: str = "stacks:index",
) -> StackList:
    """A page of stacks: of the caller's project, or of all (``every_project``, or an administrator)."""
    engine = reader.engine
    enforce(engine, caller, rule)
    if every_project:
        engine.policy.enforce(caller, GLOBAL_RULE, EVERY_PROJECT)
    every = every_project or engine.policy.is_admin(caller)
    scope = None if every else caller.project_id
    found = [] if page.limit == 0 else await stacks.listed(engine.services.db, scope, wanted, page)
    count = await stacks.count(engine.services.db, scope, wanted) if with_count else None
    return StackList(found, bool(page.limit) and len(found) == page.limit, every, count)


async def listed_plainly(reader: Reader, caller: Caller, *, rule: str = "stacks:detail") -> StackList:
    """The same stacks as ``listed`` without filters and pages."""
    return await listed(reader, caller, StackFilter(), Page(), rule=rule)


async def output_descriptions(
    reader: Reader, caller: Caller, named: Named, *, rule: str = "stacks:list_outputs"
) -> Mapping[str, str]:
    """The description of each output."""
    stack = await permitted(reader.engine, caller, rule, named, live=True)
    return (await reader.facts(stack)).outputs


async def output(
    reader: Reader, caller: Caller, named: Named, key: str, *, rule: str = "stacks:show_output"
) -> Mapping[str, Any]:
    """One output with its value."""
    stack = await permitted(reader.engine, caller, rule, named, live=True)
    return await reader.output(stack, key)


async def template(reader: Reader, caller: Caller, named: Named, *, rule: str = "stacks:template") -> Any:
    """The template of a stack, as data."""
    return await reader.shown_template(await permitted(reader.engine, caller, rule, named))


async def template_json(
    reader: Reader, caller: Caller, named: Named, *, rule: str = "stacks:template"
) -> Any:
    """The template of a stack as JSON text, or as data if that is not stored as it is shown."""
    stack = await permitted(reader.engine, caller, rule, named)
    return await reader.template_text(stack) or await reader.shown_template(stack)


async def environment(
    reader: Reader, caller: Caller, named: Named, *, rule: str = "stacks:environment"
) -> dict[str, Any]:
    """The environment of a stack; hidden values are masked."""
    return await reader.environment(await permitted(reader.engine, caller, rule, named))


async def files(
    reader: Reader, caller: Caller, named: Named, *, rule: str = "stacks:files"
) -> dict[str, str]:
    """The files of a stack."""
    return await reader.files(await permitted(reader.engine, caller, rule, named))
