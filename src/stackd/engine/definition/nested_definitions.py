"""The definition of a nested stack: template, inherited environment, and members (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from stackd.db.codec import to_json
from stackd.engine.definition.desired import (
    ACCEPTED,
    EMPTY,
    Desired,
    Source,
    build,
    load_source,
    loaded_properties,
)
from stackd.engine.definition.scope import StackScope, attribute_key, error_key
from stackd.engine.definition.types import handler_of
from stackd.errors import NotFound, OutputError, ResourceFailure, TemplateError
from stackd.records import Definition, Resource, now
from stackd.resources.base import Child, FailedOutput, Members, NestedType, ResourceType
from stackd.resources.heat.template_resource import STACK_ID_OUTPUT, TemplateResource
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.template.environment import Environment, load_environment
from stackd.template.masking import Secrets
from stackd.template.parameters import StackIdentity
from stackd.template.problems import BROKEN
from stackd.template.template import load_template
from stackd.template.unknown import Unknown

NO_MEMBERS = Members({}, {}, {}, lambda name, path: None)
"""The members of a stack that does not exist yet."""

HIDDEN_VALUES: Final = "hidden_values"
"""The private value of a parent resource with secrets that only its members still have."""

Attributes = frozenset[tuple[Any, ...]]
"""Attributes with their paths, as references in a template name them."""


def child_environment(around: Environment, resource: Resource, child: Child) -> dict[str, Any]:
    """The environment of a nested stack: the inherited sections, and the parameters from its resource."""
    data = dict(around.child(resource.name, resource.type).to_data())
    data["parameters"] = dict(child.parameters)
    return data


def child_template(around: Desired, row: Resource, child: Child) -> Any:
    """The data of a nested stack's template, as stored."""
    handler = around.types[row.name].handler
    if isinstance(handler, TemplateResource):
        return handler.template.data
    if isinstance(child.template, str):
        return load_template(child.template, file=child.source).data
    return dict(child.template)


def child_source(around: Desired, row: Resource, child: Child) -> Source:
    """The loaded parts of a nested stack's definition."""
    environment = child_environment(around.source.environment, row, child)
    handler = around.types[row.name].handler
    if isinstance(handler, TemplateResource):
        loaded = load_environment(environment, limits=ACCEPTED)
        return Source(handler.template, loaded, around.source.files)
    template = child.template if isinstance(child.template, str) else dict(child.template)
    return load_source(template, environment, around.source.files)


def build_child(
    around: Desired,
    row: Resource,
    source: Source,
    identity: StackIdentity,
    registry: Registry,
    definition: Definition = EMPTY,
    *,
    strict: bool = True,
    previous: Mapping[str, Any] | None = None,
) -> Desired:
    """Evaluate the definition of a resource's nested stack; raises the first ``TemplateError``."""
    return build(
        source,
        identity,
        registry,
        definition,
        strict=strict,
        previous=previous,
        facade=facade_of(around, row),
    )


def placeholder_row(desired: Desired, name: str, stack_id: str) -> Resource:
    """A row for a resource that does not exist yet."""
    kind = desired.types[name]
    return Resource(
        id=stack_id,
        stack_id=stack_id,
        root_id=stack_id,
        name=name,
        type=kind.written,
        kind=kind.name,
        created_at=now(),
    )


def first_child(
    desired: Desired, name: str, kind: NestedType[Any], props: Properties, scope: StackScope, stack_id: str
) -> tuple[Resource, Child]:
    """The nested stack of a resource that does not exist yet, and the row of that resource."""
    row = placeholder_row(desired, name, stack_id)
    members = no_members(desired, name, scope)
    row = replace(row, data=private_values(row, kind, {}, props, members))
    return row, kind.child(row, props, members, desired.source.files)


def no_members(around: Desired, name: str, scope: StackScope, adopted: Sequence[str] = ()) -> Members:
    """The members of a resource whose stack does not exist yet; it may take ``adopted`` ones over."""
    return replace(NO_MEMBERS, sibling=siblings_of(around, name, scope), adopted=adopted)


def siblings_of(around: Desired, name: str, scope: StackScope) -> Callable[[Any], Resource | None]:
    """How a resource finds those that it refers to by their references, once they are what they are to be."""

    def sibling(reference: Any) -> Resource | None:
        if isinstance(reference, Unknown):
            found = None if reference.path or reference.resource not in around.types else reference.resource
        else:
            needed = sorted(around.requires.get(name, ()))
            found = next((each for each in needed if scope.reference(each) == reference), None)
        return None if found is None else _as_wanted(around, found, scope)

    return sibling


def _as_wanted(around: Desired, name: str, scope: StackScope) -> Resource:
    """The row of a resource, or one as it will be; properties that are wrong are not known."""
    if (row := scope.row(name)) is not None:
        return row
    row = placeholder_row(around, name, "")
    try:
        values = loaded_properties(around, name, scope).data
        return replace(row, properties=values, metadata=around.metadata(name, scope))
    except TemplateError:
        schemas = around.types[name].handler.properties.schema
        usable = [key for key, schema in schemas.items() if schema.implemented]
        return replace(row, properties=dict.fromkeys(usable, BROKEN))


def facade_of(around: Desired, row: Resource) -> Mapping[str, Any]:
    """The parent resource as a nested stack's template sees it."""
    definition = around.resources[row.name]
    return {
        "metadata": dict(row.metadata),
        "deletion_policy": definition.deletion_policy,
        "update_policy": definition.update_policy or {},
    }


def nested_type(kind: ResourceType[Any]) -> NestedType[Any]:
    """The type, checked to be one that contains a stack."""
    if not isinstance(kind, NestedType):
        raise ResourceFailure(f"{kind.type_name} does not contain a stack")
    return kind


def private_values(
    row: Resource,
    kind: NestedType[Any],
    update_policy: Mapping[str, Any],
    props: Properties,
    members: Members,
) -> dict[str, Any]:
    """The private values of a parent resource from which its nested stack is computed."""
    before = {**row.data, "update_policy": update_policy or None}
    after = kind.data_after(replace(row, data=before), props, members)
    return {key: value for key, value in {**before, **after}.items() if value is not None}


def hidden_values(row: Resource) -> Secrets:
    """The values that members may still have of hidden parameters, which the stack around has forgotten."""
    return frozenset(row.data.get(HIDDEN_VALUES) or ())


def with_hidden_values(data: Mapping[str, Any], secrets: Secrets, members: Members) -> dict[str, Any]:
    """The private values of a parent resource with those secrets that the members have now.

    Some types let members keep their definition when the parameters change that it was made of.
    """
    kept = {key: value for key, value in data.items() if key != HIDDEN_VALUES}
    known = secrets | frozenset(data.get(HIDDEN_VALUES) or ())
    if not known or not members.definitions:
        return kept
    text = to_json(members.definitions)
    found = sorted(each for each in known if to_json(each)[1:-1] in text)
    return {**kept, HIDDEN_VALUES: found} if found else kept


def members_of(
    desired: Desired,
    rows: Mapping[str, Resource | None],
    outputs: Mapping[str, Any],
    registry: Registry,
    sibling: Callable[[Any], Resource | None] = NO_MEMBERS.sibling,
) -> Members:
    """The members of a nested stack as its type reads them; a name without a row has none.

    ``sibling`` is needed where definitions are made, not where attributes are read.
    """
    scope = desired.scope(rows)
    present = {name: row for name, row in rows.items() if row is not None}
    references = {
        name: handler_of(row, registry, desired.types).reference(row) for name, row in present.items()
    }
    template = desired.source.template
    definitions = template.data.get(template.version.sections["resources"]) or {}
    return Members(present, references, outputs, member_reader(scope), definitions, sibling=sibling)


def member_reader(scope: StackScope) -> Callable[[str, tuple[Any, ...]], Any]:
    """How attributes of members are read: without a path, the member's reference."""

    def attribute(member: str, path: tuple[Any, ...]) -> Any:
        if not path:
            return scope.reference(member)
        return scope.attribute(member, str(path[0]), path[1:])

    return attribute


def nested_attributes(
    row: Resource, kind: NestedType[Any], wanted: Attributes, members: Members
) -> dict[str, Any]:
    """The attributes of a resource with a nested stack: all that it declares, and those ``wanted``."""
    values: dict[str, Any] = {}
    for path in {*wanted, *((name,) for name in kind.attributes)}:
        name, rest = str(path[0]), tuple(path[1:])
        try:
            values[attribute_key(name, rest)] = kind.read(row, name, rest, members)
        except OutputError as error:
            values |= {attribute_key(name, rest): None, error_key(name, rest): error.message}
        except (TemplateError, NotFound):
            continue
    own_id = members.outputs.get(STACK_ID_OUTPUT)
    if STACK_ID_OUTPUT in members.outputs and not isinstance(own_id, FailedOutput):
        values[STACK_ID_OUTPUT] = own_id
    return values


def output_values(outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values of evaluated outputs; `FailedOutput` for those that have none."""
    return {
        name: FailedOutput(str(output["error"])) if "error" in output else output.get("value")
        for name, output in outputs.items()
    }


def asked_inside(wanted: Attributes) -> Attributes:
    """The attributes of members that references to a nested stack's attributes need.

    ``resource.<member>.<attribute>`` asks for the attribute; a group passes on names such as ``attributes``
    with what follows them, or an attribute of the members by its own name.
    """
    asked: set[tuple[Any, ...]] = set()
    for path in wanted:
        name, rest = str(path[0]), tuple(path[1:])
        if name.startswith("resource."):
            inner = (*name.split(".", 2)[2:], *rest)
            asked |= {inner} if inner else set()
        else:
            asked |= {path, rest} if rest else {path}
    return frozenset(asked)


def in_order(requires: Mapping[str, frozenset[str]]) -> Sequence[str]:
    """The names sorted so that each follows those that it requires."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(requires)
    graph.add_edges_from((needed, name) for name, every in requires.items() for needed in every)
    return list(nx.topological_sort(graph))
