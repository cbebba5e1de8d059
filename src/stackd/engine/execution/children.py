"""The stack inside a resource: as it is stored, and as its resource wants it. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.db import stacks
from stackd.db.database import Database
from stackd.db.journal import Change
from stackd.engine.definition.desired import Source, identity_of
from stackd.engine.definition.documents import pack_definition
from stackd.engine.definition.nested_definitions import (
    build_child,
    child_environment,
    child_source,
    child_template,
    members_of,
    nested_type,
    no_members,
    output_values,
    siblings_of,
)
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.planning import nested as nested_plans
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.make import plan_stack
from stackd.engine.planning.nested import current_rows
from stackd.engine.planning.plan import StackPlan
from stackd.engine.planning.verbs import Verb
from stackd.engine.services import exports
from stackd.engine.services.stored_trees import load_desired, load_tree
from stackd.errors import ResourceFailure
from stackd.offload import in_thread, offloaded
from stackd.records import Action, Definition, Resource, Stack, Status, new_id, now
from stackd.resources.base import Child, Members
from stackd.resources.schema import Properties


async def is_deleted(db: Database, row: Resource) -> bool:
    """Whether the child was deleted, or was never stored."""
    child = await child_of(db, row)
    return child is None or child.deleted_at is not None


async def is_broken(db: Database, row: Resource) -> bool:
    """Whether a failed nested stack must be replaced as a whole."""
    return nested_plans.is_broken(row, await child_of(db, row))


async def child_of(db: Database, row: Resource) -> Stack | None:
    """The stack inside a resource, deleted or not; None if it was never stored."""
    return await stacks.get(db, row.nested_stack_id, None) if row.nested_stack_id else None


def unmade_child(parent: Stack, work: ResourceContext) -> Stack:
    """The stack inside a resource before it is made, without a definition."""
    return Stack(
        id=new_id(),
        project_id=parent.project_id,
        name=work.physical_name,
        owner=parent.owner,
        user_id=parent.user_id,
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        definition=Definition(files=parent.definition.files),
        timeout_mins=parent.timeout_mins,
        disable_rollback=True,
        parent_id=parent.id,
        parent_resource=work.resource.name,
        root_id=parent.root_id,
        depth=parent.depth + 1,
        created_at=now(),
        stack_user_project_id=parent.stack_user_project_id,
        credential_id=parent.credential_id,
    )


async def stored_child(db: Database, row: Resource) -> StoredStack:
    """The stack inside a resource with its rows; raises ResourceFailure if there is none."""
    child = await child_of(db, row)
    if child is None:
        raise ResourceFailure("The nested stack is missing")
    return await load_tree(db, child)


async def stored_members(at: StackRun, name: str, stored: StoredStack) -> Members:
    """The resources of the child of resource ``name``, as they are stored."""
    child, services = stored.stack, at.run.services
    if not child.definition.template:
        return no_members(at.desired, name, at.scope)
    desired = await load_desired(services.db, services.registry, child)
    outputs = output_values(child.outputs or {})
    sibling = siblings_of(at.desired, name, at.scope)
    return members_of(desired, current_rows(stored), outputs, services.registry, sibling)


async def wanted_child(at: StackRun, work: ResourceContext, props: Properties, members: Members) -> Child:
    """The template and parameters of the stack inside, as the properties want them."""
    build = nested_type(work.kind).child
    child: Child = await offloaded(build, work.resource, props, members, at.desired.source.files)
    return child


def definition_of(at: StackRun, work: ResourceContext, child: Child) -> tuple[Definition, list[Change]]:
    """The definition of the stack inside, and what stores its documents."""
    stack, row = at.stack, work.resource
    environment = child_environment(at.desired.source.environment, row, child)
    template = child_template(at.desired, row, child)
    files = stack.definition.files
    return pack_definition(at.run.services.db, stack.project_id, template, environment, files)


async def plan_of(
    at: StackRun, work: ResourceContext, stored: StoredStack, child: Child, definition: Definition
) -> StackPlan:
    """The plan of the stack inside: the one made with the parent's, if that still holds, else a new one."""
    made = at.plan.children.get(work.resource.name)
    if made is not None and made.definition == definition and list(made.stored) == list(stored.rows):
        return made
    services, row = at.run.services, work.resource
    source = child_source(at.desired, row, child)
    source = await exports.with_exports(services.db, services.registry, source, identity_of(stored.stack))

    def make(previous: Mapping[str, Any] | None = None) -> StackPlan:
        desired = build_child(
            at.desired,
            row,
            source,
            identity_of(stored.stack),
            services.registry,
            definition,
            previous=previous,
        )
        return plan_stack(at.run.inputs, desired, stored, (*at.plan.path, row.name), at.asked(row))

    plan: StackPlan = await in_thread(make, await _values_before(at, stored.stack, source))
    return plan


async def _values_before(at: StackRun, child: Stack, source: Source) -> Mapping[str, Any] | None:
    """The parameters of a child that is there already, where some of them may not change."""
    schemas = source.template.parameter_schemas.values()
    if not child.definition.template or not any(schema.immutable for schema in schemas):
        return None
    services = at.run.services
    return (await load_desired(services.db, services.registry, child)).parameters


async def stands(
    at: StackRun, work: ResourceContext, stored: StoredStack, props: Properties, members: Members
) -> bool:
    """Whether the child is what it should be, with everything in it."""
    if not nested_plans.is_settled(at.run.inputs, work.resource, stored):
        return False
    child = await wanted_child(at, work, props, members)
    return definition_of(at, work, child)[0] == stored.stack.definition


async def reached(
    at: StackRun, work: ResourceContext, stored: StoredStack, props: Properties, members: Members
) -> frozenset[str]:
    """The members that are as the change wants them: those that its last step would keep as they are."""
    child = await wanted_child(at, work, props, members)
    plan = await plan_of(at, work, stored, child, definition_of(at, work, child)[0])
    return frozenset(name for name, step in plan.steps.items() if step.verb is Verb.KEEP)
