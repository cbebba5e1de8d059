"""Plans of changes of stored stacks: loads all inputs, then calls the pure planner."""

from __future__ import annotations

from stackd.engine.definition.desired import Desired
from stackd.engine.execution.observation import missing_objects
from stackd.engine.planning.inputs import Inputs
from stackd.engine.planning.make import make_plan
from stackd.engine.planning.plan import Plan
from stackd.engine.planning.stored import StoredStack
from stackd.engine.services import exports
from stackd.engine.services.stored_trees import exported_values, identify, load_tree
from stackd.engine.usecases.engine import Engine
from stackd.offload import offloaded
from stackd.records import Action, Caller, Stack
from stackd.resources.base import NestedType
from stackd.template.masking import Secrets

_PER_RESOURCE = 400
"""Cost of planning one resource, in the time that parsing one byte of template takes."""


async def planned(
    engine: Engine,
    stack: Stack,
    desired: Desired | None,
    action: Action,
    secrets: Secrets,
    missing: frozenset[str] = frozenset(),
    *,
    throughout: bool = False,
) -> Plan:
    """The plan of an action on a stored stack; raises errors in the properties of its resources.

    ``missing`` are the ids of rows whose objects no longer exist in the cloud. With ``throughout`` stacks
    inside that stay as they are have a plan too.
    """
    db = engine.services.db
    stored = await load_tree(db, stack, definitions=desired is not None)
    imports = desired is not None and (
        desired.source.may_import
        or any(isinstance(each.handler, NestedType) for each in desired.types.values())
    )
    inputs = Inputs(
        registry=engine.services.registry,
        identify=identify(db, stack.project_id),
        exports=await exported_values(db, stack.project_id) if imports else {},
        missing=missing,
        sharing=await exports.stacks_of(db, stack.root_id),
        secrets=secrets,
        max_depth=engine.limits.max_nested_stack_depth,
        throughout=throughout,
    )
    return await _made(desired, stored, action, inputs)


async def observed(engine: Engine, caller: Caller, stack: Stack) -> frozenset[str]:
    """The ids of the rows whose objects are gone from the cloud, as the caller sees it."""
    stored = await load_tree(engine.services.db, stack, definitions=False)
    return await missing_objects(engine.trusts.of_caller(caller), engine.services.registry, stored)


async def planned_new(engine: Engine, project_id: str, desired: Desired, secrets: Secrets) -> Plan:
    """The plan of the creation of a stack, nested stacks included."""
    db = engine.services.db
    inputs = Inputs(
        registry=engine.services.registry,
        identify=identify(db, project_id),
        exports=await exported_values(db, project_id),
        secrets=secrets,
        max_depth=engine.limits.max_nested_stack_depth,
    )
    return await _made(desired, None, Action.CREATE, inputs)


async def _made(desired: Desired | None, stored: StoredStack | None, action: Action, inputs: Inputs) -> Plan:
    rows = sum(len(each.rows) for each in stored.walk()) if stored is not None else 0
    size = _PER_RESOURCE * (rows + (len(desired.resources) if desired is not None else 0))
    plan: Plan = await offloaded(size, make_plan, desired, stored, action, inputs)
    if plan.root is not None and (error := plan.root.first_error()) is not None:
        raise error
    return plan
