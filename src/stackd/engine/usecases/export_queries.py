"""Queries of exports: what the stacks of a project offer each other, and who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackd.db import exports, stacks
from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.engine import Engine
from stackd.records import Caller, Export, Stack
from stackd.template.masking import concealed


@dataclass(frozen=True, slots=True)
class ExportView:
    """An export with the stack that offers it."""

    export: Export
    stack: Stack


async def listed(
    engine: Engine, caller: Caller, *, after: str, limit: int, rule: str
) -> Sequence[ExportView]:
    """The exports of the caller's project by name; ``after`` is the last name already seen."""
    enforce(engine, caller, rule)
    db = engine.services.db
    found = await exports.of_project(db, caller.project_id, after=after, limit=limit)
    known = {one: await stacks.get(db, one, caller.project_id) for one in {each.stack_id for each in found}}
    views = []
    for each in found:
        if (stack := known[each.stack_id]) is not None:
            secrets = await engine.redaction.around(stack)
            views.append(ExportView(replace(each, value=concealed(each.value, secrets)), stack))
    return views


async def names_of(engine: Engine, stack: Stack) -> dict[str, str]:
    """The names under which a stack that the caller may see exports outputs, by the keys of these."""
    return {each.output: each.name for each in await exports.of_stack(engine.services.db, stack.id)}


async def importers(engine: Engine, caller: Caller, name: str, *, rule: str) -> list[str]:
    """The names of the stacks of the caller's project that use an export."""
    enforce(engine, caller, rule)
    found = await exports.importers(engine.services.db, caller.project_id, name)
    return sorted({each.stack_name for each in found})
