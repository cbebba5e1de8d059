"""Views of stored stacks that both front ends render: parameters, outputs, resources, nested or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from stackd.db import documents, resources, stacks
from stackd.db.codec import AT_ONCE
from stackd.db.parts import Part, read
from stackd.drafts import changed
from stackd.engine.definition.desired import Desired, identity_of
from stackd.engine.definition.documents import load_definition, load_files, load_json, size_of
from stackd.engine.definition.scope import StackScope
from stackd.engine.definition.types import resolve_types
from stackd.engine.planning.ordering import best_row, shown_row, target_of
from stackd.engine.services.stored_trees import load_desired
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.live_attributes import LiveOutput, live_names, live_outputs
from stackd.errors import NotFound, ResourceNotFound, TemplateError
from stackd.offload import in_thread, in_turns, offloaded
from stackd.recent import Recent
from stackd.records import Action, Definition, Event, Resource, Stack, Status
from stackd.resources.registry import Registry
from stackd.template.environment import Environment
from stackd.template.evaluate import output_references
from stackd.template.evaluation import conditions_for
from stackd.template.masking import Secrets, concealed, concealed_fields, concealed_text, shown_id
from stackd.template.parameters import Parameters, bind_parameters
from stackd.template.shown_values import MASK
from stackd.template.template import NO_DESCRIPTION, Template
from stackd.template.unknown import Unknown
from stackd.urls import shown_name

Parts = Sequence[Sequence[Resource]]
NO_OUTPUT_DESCRIPTION = "No description given"
_FACTS_KEPT = 8_000_000
"""Bytes in memory."""

_DESIRED_KEPT = 32_000_000
"""Bytes in memory."""

_FACT = 300
"""Bytes in memory of a name and a text without their characters."""

_GROWTH = 50
"""Bytes in memory of an evaluated definition for each byte of its documents, at most."""

_NAMED_ROWS = 8
"""Largest number of rows that are read one by one."""

_LIVE_ROWS = 500
"""Number of resources above which outputs are not recomputed while an operation is in progress."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that follow from a stack's definition alone; cached per definition and stack."""

    description: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    """Description of each output whose condition is true."""

    size: int
    """Number of resources in the template."""

    live: Mapping[str, LiveOutput] = field(default_factory=dict)
    """The outputs that refer to live attributes."""

    described: Mapping[str, str] = field(default_factory=dict)
    """The resources' own descriptions, where the template has any."""

    def weight(self) -> int:
        """Bytes in memory, about."""
        texts = (self.parameters, self.outputs, self.described)
        names = [len(found) for each in self.live.values() for found in (each.needed, *each.asked.values())]
        return _FACT + sum(
            [
                len(self.description),
                *(_FACT + len(name) + len(text) for each in texts for name, text in each.items()),
                *(_FACT * (1 + count) for count in names),
            ]
        )


class JsonText(bytes):
    """JSON that goes out as it is."""

    __slots__ = ()


class ResourceView(NamedTuple):
    """A resource as listed: with its stack, the resources that require it, and its nested stack."""

    stack: Stack
    resource: Resource
    required_by: Sequence[str]
    nested: Stack | None = None

    @property
    def physical_id(self) -> str:
        """The id of the object as it is shown; empty if there is none."""
        return shown_id(self.resource.physical_id) or ""

    @property
    def type(self) -> str:
        """The name of the type as it is shown: a URL without its query."""
        return shown_name(self.resource.type)


class Reader:
    """Queries for the front ends, with a cache of what does not change."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._db = engine.services.db
        self._facts: Recent[tuple[Definition, str], Facts] = Recent(_FACTS_KEPT)
        self._desired: Recent[tuple[Definition, str], Desired] = Recent(_DESIRED_KEPT)

    async def facts(self, stack: Stack) -> Facts:
        """Parameters and outputs of a stack's definition; secrets are masked, also those of parent stacks."""
        known = await self._facts_of(stack)
        secrets = await self.engine.redaction.of(stack)
        if not secrets:
            return known
        shown = {
            name: value if "::" in name else concealed_text(value, secrets)
            for name, value in known.parameters.items()
        }
        return replace(known, parameters=shown)

    async def _facts_of(self, stack: Stack) -> Facts:
        key = (stack.definition, stack.id)
        known = self._facts.get(key)
        if known is None:
            known = await self._read_facts(stack)
            self._facts.put(key, known, known.weight())
        return known

    async def _read_facts(self, stack: Stack) -> Facts:
        source = await load_definition(self._db, stack.project_id, stack.definition)
        template = source.template
        registry = self.engine.services.registry
        environment = source.environment.with_base(registry.operator.environment)

        def compute() -> Facts:
            parameters = bind_parameters(
                template, environment, identity_of(stack), strict=False, allow_missing=True
            )
            outputs = {
                name: output.description or NO_OUTPUT_DESCRIPTION for name, output in template.outputs.items()
            }
            described = {name: each.description for name, each in template.resources.items()}
            live = _live_outputs(template, environment, registry, source.files, parameters)
            text = template.description or NO_DESCRIPTION
            return Facts(text, parameters.shown(), outputs, len(described), live, _without_empty(described))

        facts: Facts = await in_thread(compute)
        return facts

    async def desired(self, stack: Stack) -> Desired:
        """The evaluated definition of a stack; with values that it imports as they are now."""
        key = (stack.definition, stack.id)
        known = self._desired.get(key)
        if known is None:
            known = await load_desired(self._db, self.engine.services.registry, stack)
            if known.source.exports is None:  # it follows from the definition alone
                size = await size_of(self._db, stack.project_id, stack.definition)
                self._desired.put(key, known, _GROWTH * size)
        return known

    async def template(self, stack: Stack) -> Template:
        """The stored template."""
        return (await load_definition(self._db, stack.project_id, stack.definition)).template

    # --- outputs --------------------------------------------------------------------------------

    async def outputs(self, stack: Stack) -> dict[str, dict[str, Any]]:
        """Every output by key: its description, with the value or the error."""
        facts = await self.facts(stack)
        if not facts.outputs:
            return {}
        values = await self._output_values(stack, facts)
        # What a template puts out, its author wants to be seen; but not what a parent stack hides.
        secrets = await self.engine.redaction.around(stack)
        values = {key: concealed_fields(each, secrets) for key, each in values.items()}
        return {
            key: {"description": description, **values.get(key, {"value": None})}
            for key, description in facts.outputs.items()
        }

    async def output(self, stack: Stack, key: str) -> dict[str, Any]:
        """One output."""
        found = (await self.outputs(stack)).get(key)
        if found is None:
            raise NotFound(f"Specified output key {key} not found.")
        return found

    async def _output_values(self, stack: Stack, facts: Facts) -> Mapping[str, Any]:
        """Stored output values of a settled stack; while a stack changes, values computed now."""
        stored = stack.outputs or {}
        settled = stack.status is Status.COMPLETE and stack.outputs is not None
        settled = settled or facts.size > _LIVE_ROWS
        if settled and (not facts.live or stack.action is Action.DELETE):
            return stored
        try:
            desired = await self.desired(stack)
        except TemplateError:
            return stored
        rows = await self._rows_for_outputs(stack, facts, everything=not settled)
        scope = desired.scope(dict(rows))
        wanted = facts.live.keys() if settled else None
        values: Mapping[str, Any] = await offloaded(_known_outputs, desired, scope, wanted)
        return {**(stored if settled else {}), **values}

    async def _rows_for_outputs(self, stack: Stack, facts: Facts, *, everything: bool) -> dict[str, Resource]:
        """The rows that outputs need; live attributes have their current values."""
        names = {name for each in facts.live.values() for name in each.needed}
        if everything or len(names) > _NAMED_ROWS:
            rows = await resources.of_stack(self._db, stack.id)
        else:
            rows = [row for name in names for row in await resources.named(self._db, stack.id, name)]
        current = current_rows(rows, target_of(stack.definition))
        asked: dict[str, set[str]] = {}
        for each in facts.live.values():
            for name, attributes in each.asked.items():
                asked.setdefault(name, set()).update(attributes)
        return await self.engine.live.refreshed(stack, current, asked)

    # --- definitions ----------------------------------------------------------------------------

    async def environment(self, stack: Stack) -> dict[str, Any]:
        """The stored environment with the values of hidden parameters masked."""
        source = await load_definition(self._db, stack.project_id, stack.definition)
        data = source.environment.to_data()
        names = await self.engine.redaction.hidden_names(stack)
        hidden = _hidden(source.template) | names | await self._hidden_below(stack)
        for section in ("parameters", "parameter_defaults"):
            data[section] = masked_values(data[section], hidden)
        secrets = await self.engine.redaction.of(stack)
        return {
            section: concealed_fields(each, secrets) if isinstance(each, dict) else concealed(each, secrets)
            for section, each in data.items()
        }

    async def shown_template(self, stack: Stack) -> Any:
        """The stored template as data, with the queries of URLs masked.

        In that of a nested stack, which may be generated from properties, so are the parent stacks' secrets.
        """
        data = await load_json(self._db, stack.project_id, stack.definition.template)
        return concealed(data or {}, await self._not_for_template(stack))

    async def template_text(self, stack: Stack) -> JsonText | None:
        """The JSON text of ``shown_template`` as it is stored; None if something may have to be masked."""
        body = await documents.get(self._db, stack.project_id, stack.definition.template)
        is_whole = body.startswith(b"{") and not await self._not_for_template(stack)
        return JsonText(body) if is_whole else None

    async def _not_for_template(self, stack: Stack) -> Secrets:
        """The secrets that are masked in a stack's own template."""
        redaction = self.engine.redaction
        return await redaction.around(stack) | await redaction.queries(stack)

    async def files(self, stack: Stack) -> dict[str, str]:
        """The stored files; environments may be among them, so values of hidden parameters are masked."""
        found = await load_files(self._db, stack.project_id, stack.definition.files)
        shown: dict[str, str] = concealed(found, await self.engine.redaction.given(stack))
        return shown

    async def _hidden_below(self, stack: Stack) -> frozenset[str]:
        """Names of the hidden parameters of the nested stacks."""
        found: set[str] = set()
        for child in await stacks.children(self._db, stack.id, live=False):
            if child.definition.template:
                found |= _hidden(await self.template(child))
            found |= await self._hidden_below(child)
        return frozenset(found)

    # --- resources ------------------------------------------------------------------------------

    def list_parts(self, *, brief: bool = True) -> list[Part[Resource]]:
        """The parts of a stack in the list of its resources."""
        return [resources.all_of(self._db, brief=brief)]

    async def resources(
        self, stack: Stack, parts: Parts | None = None, *, depth: int = 0, brief: bool = True
    ) -> list[ResourceView]:
        """The resources of a stack, then depth first those of its nested stacks down to ``depth``.

        ``parts`` are the ``list_parts`` if they were read with the stack.
        """
        rows = list(parts[0]) if parts else await resources.of_stack(self._db, stack.id, brief=brief)
        inside: dict[str, Stack] = {}
        if any(row.nested_stack_id for row in rows):
            inside = {child.id: child for child in await stacks.children(self._db, stack.id, live=False)}
        if not brief:
            await self.engine.services.registry.ready(row.kind for row in rows)
            shown = partial(self._shown, secrets=await self.engine.redaction.of(stack))
            rows = await in_turns(shown, rows, AT_ONCE)
        views = views_of(stack, rows, inside)
        if depth > 0:
            for view in list(views):
                if view.nested is not None:
                    views += await self.resources(view.nested, depth=depth - 1, brief=brief)
        return views

    def resource_parts(self, name: str) -> list[Part[Resource]]:
        """The parts of a stack in a view of one of its resources."""
        return [resources.named_as(self._db, name), resources.requiring(self._db, name)]

    async def resource(self, stack: Stack, name: str, parts: Parts | None = None) -> ResourceView:
        """One resource by logical name, from the template or still stored.

        ``parts`` are its ``resource_parts`` if they were read with the stack.
        """
        rows, users = parts or [await read(self._db, stack.id, part) for part in self.resource_parts(name)]
        if not rows:
            raise ResourceNotFound(name, stack.name)
        chosen = shown_row(rows, target_of(stack.definition)) or rows[-1]
        await self.engine.services.registry.ready([chosen.kind])
        inside = await stacks.get(self._db, chosen.nested_stack_id, None) if chosen.nested_stack_id else None
        needed_by = required_by(current_rows(users, target_of(stack.definition)).values())
        return ResourceView(stack, chosen, needed_by.get(name, ()), inside)

    async def shown_resource(
        self, stack: Stack, name: str, attributes: Sequence[str] = (), parts: Parts | None = None
    ) -> ResourceView:
        """One resource; its live attributes, and those named, have their current values."""
        view = await self.resource(stack, name, parts)
        kind = self.engine.services.registry.types.get(view.resource.kind)
        asked = {*attributes, *(live_names(kind) if kind is not None else ())}
        rows = await self.engine.live.refreshed(stack, {name: view.resource}, {name: asked})
        secrets = await self.engine.redaction.of(stack)
        return view._replace(resource=self._shown(rows[name], secrets))

    def _shown(self, row: Resource, secrets: Secrets) -> Resource:
        """The row with its computed attributes included, and with secrets masked in all of them."""
        return _concealed(self._with_computed(row), secrets)

    def _with_computed(self, row: Resource) -> Resource:
        """The row with its computed attributes included."""
        kind = self.engine.services.registry.types.get(row.kind)
        return kind.with_computed(row) if kind is not None else row

    def attributes_declared(self, row: Resource) -> tuple[str, ...]:
        """Names of the attributes of a resource's type; none if the type is unknown."""
        kind = self.engine.services.registry.types.get(row.kind)
        return tuple(kind.attributes) if kind is not None else ()

    async def description_of(self, stack: Stack, row: Resource) -> str:
        """A resource's definition in the template."""
        return (await self._facts_of(stack)).described.get(row.name, "") if stack.definition.template else ""

    async def properties_at(self, stack: Stack, event: Event) -> Mapping[str, Any]:
        """The properties of a resource at the time of an event, without secrets; empty when not known."""
        return await self.engine.redaction.properties_at(stack, event)


async def by_reference(engine: Engine, stack: Stack, reference: str) -> Resource:
    """A resource by its logical name or by the id of its object."""
    if (row := await _named(engine, stack, reference)) is not None:
        return row
    rows = await resources.with_physical_id(engine.services.db, reference)
    current = [await _named(engine, stack, row.name) for row in rows if row.stack_id == stack.id]
    found = [row for row in current if row is not None and row.physical_id == reference]
    if len({row.name for row in found}) > 1:
        names = ", ".join(sorted(row.name for row in found))
        raise TemplateError(
            f"Multiple resources were found with the physical ID ({reference}).",
            remedy=f"Name one of {names}.",
        )
    if not found:
        raise ResourceNotFound(reference, stack.name)
    return found[0]


def current_row(rows: Iterable[Resource], stack: Stack, name: str) -> Resource:
    """The current one of the rows of a logical name."""
    row = current_rows(rows, target_of(stack.definition)).get(name)
    if row is None:
        raise ResourceNotFound(name, stack.name)
    return row


async def _named(engine: Engine, stack: Stack, name: str) -> Resource | None:
    """The current row of a logical name."""
    rows = await resources.named(engine.services.db, stack.id, name)
    return current_rows(rows, target_of(stack.definition)).get(name)


def _without_empty(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _live_outputs(
    template: Template,
    environment: Environment,
    registry: Registry,
    files: Mapping[str, str],
    parameters: Parameters,
) -> dict[str, LiveOutput]:
    """The outputs of a template that refer to live attributes."""
    references = output_references(template, conditions_for(template, parameters))
    names = {use.resource for uses in references.values() for use in uses if use.attribute is not None}
    used = {name: template.resources[name] for name in names & template.resources.keys()}
    if not used:
        return {}
    return live_outputs(references, resolve_types(used, environment, registry, files, report=_ignored))


def _ignored(error: TemplateError) -> None:
    """Ignores mistakes: a stored definition must be readable whatever is wrong with it."""


def enabled_outputs(desired: Desired) -> tuple[str, ...]:
    """Names of the outputs whose condition is true."""
    outputs = desired.source.template.outputs
    return tuple(name for name, output in outputs.items() if desired.holds(output.condition))


def current_rows(rows: Iterable[Resource], template: str) -> dict[str, Resource]:
    """The current row of each name, in the order of the names."""
    return _chosen(rows, template, best_row)


def _chosen(
    rows: Iterable[Resource], template: str, choose: Callable[[Iterable[Resource], str], Resource | None]
) -> dict[str, Resource]:
    """One row of each name, in the order of the names."""
    rows = list(rows)
    found = {row.name: row for row in rows}
    if len(found) == len(rows):  # most stacks have one row of each name
        return found
    by_name: dict[str, list[Resource]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return {name: choose(group, template) or group[-1] for name, group in by_name.items()}


def required_by(rows: Iterable[Resource]) -> dict[str, list[str]]:
    """For each name the names that require it directly."""
    needed: dict[str, list[str]] = {}
    for row in rows:
        for name in row.requires:
            needed.setdefault(name, []).append(row.name)
    return needed


def views_of(stack: Stack, rows: Sequence[Resource], inside: Mapping[str, Stack]) -> list[ResourceView]:
    """The rows of one stack as listed."""
    shown = _chosen(rows, target_of(stack.definition), shown_row)
    needed = required_by(shown.values())
    return [
        ResourceView(stack, row, needed.get(name, ()), inside.get(row.nested_stack_id or ""))
        for name, row in shown.items()
    ]


def _known_outputs(desired: Desired, scope: StackScope, wanted: Collection[str] | None) -> dict[str, Any]:
    return {key: known_part(value) for key, value in desired.outputs(scope, wanted).items()}


def known_part(value: Any) -> Any:
    """Plain data with null for unknown values."""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Mapping):
        return {key: known_part(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [known_part(each) for each in value]
    return value


def masked_values(values: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """Values by name, with those of hidden names masked."""
    return {name: MASK if name in hidden else value for name, value in values.items()}


def _hidden(template: Template) -> frozenset[str]:
    return frozenset(name for name, schema in template.parameter_schemas.items() if schema.hidden)


def _concealed(row: Resource, secrets: Secrets) -> Resource:
    """A resource as it is shown: with secrets masked in its attributes."""
    return changed(row, attributes=concealed_fields(row.attributes, secrets)) if secrets else row
