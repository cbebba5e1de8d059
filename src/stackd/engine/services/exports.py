"""Values that stacks share: what one exports under a name, the others of its project may import.

A name is reserved, and the use of another stack's export is noted, in the write with which an operation is
accepted; values are offered in the one that stores its good end. What another stack imports is kept: its
exporter can neither drop nor change it. Importer and exporter exclude each other by conditions on the
export's row (``touched``, ``revision``): the second writer fails with ``Fenced`` and retries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stackd.db import exports, stacks
from stackd.db.database import Database
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.definition.desired import Desired, Source
from stackd.engine.definition.scope import StackScope
from stackd.errors import ExportExists, ExportInUse, TemplateError
from stackd.offload import offloaded
from stackd.records import Action, Export, Import, Stack, new_id
from stackd.resources.registry import Registry
from stackd.template.conditions import Conditions
from stackd.template.environment import Environment
from stackd.template.evaluate import evaluate, resolve_conditions
from stackd.template.exports import export_names, import_names
from stackd.template.parameters import StackIdentity, bind_parameters
from stackd.template.template import Template
from stackd.template.unknown import has_unknown

_KEEPING = frozenset({Action.CHECK, Action.SUSPEND, Action.RESUME, Action.SNAPSHOT})
"""Actions that leave what is shared as it is."""

Values = Mapping[str, tuple[str, Any]]
"""Export name → the output behind it, and its value; None while that is not known."""


async def with_exports(db: Database, registry: Registry, source: Source, identity: StackIdentity) -> Source:
    """The same definition with the values of other stacks that it imports."""
    if not source.may_import:
        return source
    environment = source.environment.with_base(registry.operator.environment)
    size = 200 * len(source.template.resources)
    names = await offloaded(size, _wanted, source.template, environment, identity)
    if names is None:
        return source
    found = await exports.named(db, identity.project_id, names)
    values = {
        name: export.value
        for name, export in found.items()
        if export.offered and export.stack_id != identity.stack_id
    }
    return replace(source, exports=values)


def _wanted(template: Template, environment: Environment, identity: StackIdentity) -> frozenset[str] | None:
    """The names that a definition imports; None when it cannot be evaluated (validation reports why)."""
    try:
        parameters = bind_parameters(template, environment, identity, strict=False, allow_missing=True)
        return import_names(template, resolve_conditions(template, parameters), report=_unheard)
    except TemplateError:
        return None


def _unheard(error: TemplateError) -> None:
    """Discard mistakes in export names: validation of the template reports them."""


def shares(source: Source) -> bool:
    """Whether a definition exports or imports anything."""
    exported = any(output.export is not None for output in source.template.outputs.values())
    return exported or source.exports is not None


async def begin(db: Database, stack: Stack, desired: Desired) -> list[Change]:
    """What is stored when an operation is accepted: its new names, and its uses of other stacks' exports.

    Raises ``ExportExists`` for a name of another stack, ``ExportInUse`` for one that would be dropped or
    changed while it is used, ``TemplateError`` for an import that no stack exports.
    """
    held = {export.name: export for export in await exports.of_stack(db, stack.id)}
    if not held and not shares(desired.source):
        return []
    values = exported(desired, desired.scope({}))
    for export in held.values():
        if not _is_kept(export, values, may_be=True):
            await _refuse_if_used(db, export, gone=export.name not in values)
    fresh = {name: output for name, (output, _) in values.items() if name not in held}
    await _refuse_taken(db, stack, fresh)
    reserved = [Insert(_export(stack, name, output)) for name, output in sorted(fresh.items())]
    return [*reserved, *await _uses(db, stack, _imported(desired))]


def _is_kept(export: Export, values: Values, *, may_be: bool = False) -> bool:
    """Whether an export is unchanged; with ``may_be`` an unknown value counts as unchanged."""
    if not export.offered:
        return True
    if export.name not in values:
        return False
    value = values[export.name][1]
    return (may_be and value is None) or bool(value == export.value)


async def _refuse_if_used(db: Database, export: Export, *, gone: bool, outside: str = "") -> None:
    """Refuse a change of an export that stacks use; those of the tree ``outside`` do not count."""
    used = await exports.importers(db, export.project_id, export.name)
    names = sorted({each.stack_name for each in used if each.root_id != outside})
    if names:
        raise ExportInUse(export.name, "deleted" if gone else "updated", ", ".join(names))


async def _refuse_taken(db: Database, stack: Stack, names: Collection[str]) -> None:
    """Refuse names that another stack has."""
    for export in (await exports.named(db, stack.project_id, names)).values():
        if export.stack_id != stack.id:
            owner = await stacks.get(db, export.stack_id, None)
            raise ExportExists(export.name, owner.name if owner is not None else export.stack_id)


def _export(stack: Stack, name: str, output: str, value: Any = None) -> Export:
    return Export(
        id=exports.export_id(stack.project_id, name),
        project_id=stack.project_id,
        name=name,
        stack_id=stack.id,
        root_id=stack.root_id,
        output=output,
        offered=value is not None,
        revision=new_id(),
        touched=new_id(),
        value=value,
    )


async def _uses(db: Database, stack: Stack, names: frozenset[str]) -> list[Change]:
    """Notes of what a stack begins to import, each on condition that it stays what it is."""
    known = {each.name for each in await exports.used_by_stack(db, stack.id)}
    fresh = sorted(names - known)
    found = await exports.named(db, stack.project_id, fresh)
    changes: list[Change] = []
    for name in fresh:
        export = found.get(name)
        if export is None or not export.offered or export.stack_id == stack.id:
            raise TemplateError(
                f"No export named {name} found.", remedy="Create the stack that exports it first."
            )
        note = Import(
            id=exports.import_id(stack.id, name),
            project_id=stack.project_id,
            name=name,
            stack_id=stack.id,
            root_id=stack.root_id,
        )
        changes.append(Update(Export, export.id, {"touched": new_id()}, where={"revision": export.revision}))
        changes.append(Insert(note))
    return changes


def _imported(desired: Desired) -> frozenset[str]:
    if desired.source.exports is None:
        return frozenset()
    return import_names(desired.source.template, desired.conditions, enabled=desired.resources)


def exported(desired: Desired, scope: StackScope) -> dict[str, tuple[str, Any]]:
    """The exports of a stack, computed from its current resources: output and value, None while not known."""
    template = desired.source.template
    conditions: Conditions = desired.conditions
    values: dict[str, tuple[str, Any]] = {}
    for output, name in export_names(template, conditions).items():
        try:
            value = evaluate(template.outputs[output].value, scope, template=template)
        except TemplateError:
            value = None
        values[name] = (output, None if has_unknown(value) else value)
    return values


async def switch(db: Database, stack: Stack, desired: Desired, scope: StackScope) -> list[Change]:
    """Publish new export values before the objects behind the old ones are deleted.

    Raises ``ExportInUse`` when one that changes is used.
    """
    values = exported(desired, scope)
    changes: list[Change] = []
    for export in await exports.of_stack(db, stack.id):
        if not _is_kept(export, values):
            await _refuse_if_used(db, export, gone=export.name not in values)
            changes.append(_changed(export, values.get(export.name, (export.output, None))))
    return changes


def _changed(export: Export, becomes: tuple[str, Any]) -> Update:
    """The write of a new value for an unused export, on condition that it is still unused."""
    output, value = becomes
    new = {"output": output, "value": value, "offered": value is not None, "revision": new_id()}
    return Update(Export, export.id, new, where={"touched": export.touched})


async def end(
    db: Database, stack: Stack, action: Action, desired: Desired | None, scope: StackScope | None
) -> list[Change]:
    """What is stored with the good end of an operation: exactly what the stack now exports and imports.

    Raises ``ExportInUse`` for what another stack uses and would lose, ``ExportExists`` for a name that
    another stack has taken.
    """
    if action is Action.DELETE:
        return await _forgotten(db, stack)
    if action in _KEEPING:
        return []
    values: Values = {} if desired is None or scope is None else exported(desired, scope)
    held = await exports.of_stack(db, stack.id)
    changes: list[Change] = []
    for export in held:
        kept = _is_kept(export, values)
        if not kept:
            await _refuse_if_used(db, export, gone=export.name not in values)
        if export.name not in values:
            changes += _dropped(export)
        elif not kept or not export.offered:
            changes.append(_changed(export, values[export.name]))
    missing = {name: value for name, value in values.items() if name not in {each.name for each in held}}
    await _refuse_taken(db, stack, missing)
    changes += [Insert(_export(stack, name, output, value)) for name, (output, value) in missing.items()]
    used = frozenset() if desired is None else _imported(desired)
    notes = await exports.used_by_stack(db, stack.id)
    return [*changes, *(Remove(Import, note.id) for note in notes if note.name not in used)]


def _dropped(export: Export) -> list[Change]:
    unused = Update(Export, export.id, {"offered": False}, where={"touched": export.touched})
    return [unused, Remove(Export, export.id)]


async def withdraw(db: Database, stack: Stack) -> list[Change]:
    """What is stored when the deletion of a stack is accepted: its tree exports nothing any more.

    Raises ``ExportInUse`` when a stack outside of the tree uses one of its exports.
    """
    is_root = stack.id == stack.root_id
    held = await (exports.of_root(db, stack.root_id) if is_root else exports.of_stack(db, stack.id))
    for export in held:
        await _refuse_if_used(db, export, gone=True, outside=stack.root_id)
    return [change for export in held for change in _dropped(export)]


async def _forgotten(db: Database, stack: Stack) -> list[Change]:
    """The changes stored when a stack tree was deleted: removes its imports and exports."""
    is_root = stack.id == stack.root_id
    held = await (exports.of_root(db, stack.root_id) if is_root else exports.of_stack(db, stack.id))
    notes = await (
        exports.used_by_root(db, stack.root_id) if is_root else exports.used_by_stack(db, stack.id)
    )
    return [*(Remove(Export, each.id) for each in held), *(Remove(Import, each.id) for each in notes)]


async def stacks_of(db: Database, root_id: str) -> frozenset[str]:
    """The stacks of a tree that export or import anything."""
    held: Sequence[Export | Import] = await exports.of_root(db, root_id)
    used: Sequence[Export | Import] = await exports.used_by_root(db, root_id)
    return frozenset(each.stack_id for each in (*held, *used))
