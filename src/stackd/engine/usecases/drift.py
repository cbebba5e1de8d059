"""Drift: whether the objects in the cloud still are what stacks made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from stackd.db import drift, resources
from stackd.db.journal import Insert, Update
from stackd.engine.execution.drift import compare, stored
from stackd.engine.transitions import require_start
from stackd.engine.usecases.access import Named, enforce, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.stacks import on_newest
from stackd.errors import BadRequest, NotFound, ResourceNotFound
from stackd.records import (
    Action,
    Caller,
    DriftDetection,
    DriftState,
    ResourceDrift,
    Stack,
    new_id,
    now,
)

DETECT: Final = "cloudformation:DetectStackDrift"
DETECT_ONE: Final = "cloudformation:DetectStackResourceDrift"
SHOW: Final = "cloudformation:DescribeStackDriftDetectionStatus"
LIST: Final = "cloudformation:DescribeStackResourceDrifts"


async def detect(
    engine: Engine, caller: Caller, named: Named, names: Collection[str] | None = None, *, rule: str = DETECT
) -> DriftDetection:
    """Begin to compare the resources of a stack, or some of them, with their objects; one at a time."""
    stack = await permitted(engine, caller, rule, named, live=True)
    await _require_names(engine, stack, names or ())
    begun: list[DriftDetection] = []

    async def begin(newest: Stack) -> Stack:
        require_start(newest, Action.CHECK)
        before = await _newest(engine, newest)
        if before is not None and before.state is DriftState.RUNNING:
            raise BadRequest(f"Drift detection is already in progress for stack [{newest.name}]")
        detection = _detection(newest, names)
        newest_one = Update(Stack, newest.id, {"drift_id": detection.id}, where={"drift_id": newest.drift_id})
        await engine.services.journal.write(Insert(detection), newest_one)
        begun.append(detection)
        return newest

    await on_newest(engine, stack, begin)
    engine.drifts.begin(begun[-1])
    return begun[-1]


async def _newest(engine: Engine, stack: Stack) -> DriftDetection | None:
    if stack.drift_id is None:
        return None
    return await drift.detection(engine.services.db, stack.drift_id, stack.project_id)


def _detection(stack: Stack, names: Collection[str] | None) -> DriftDetection:
    moment = now()
    return DriftDetection(
        id=new_id(),
        project_id=stack.project_id,
        stack_id=stack.id,
        state=DriftState.RUNNING,
        names=tuple(names) if names else None,
        created_at=moment,
        updated_at=moment,
    )


async def _require_names(engine: Engine, stack: Stack, names: Collection[str]) -> None:
    known = {row.name for row in await resources.of_stack(engine.services.db, stack.id, brief=True)}
    for name in names:
        if name not in known:
            raise ResourceNotFound(name, stack.name)


async def detection(engine: Engine, caller: Caller, detection_id: str, *, rule: str = SHOW) -> DriftDetection:
    """How a detection stands."""
    enforce(engine, caller, rule)
    found = await drift.detection(engine.services.db, detection_id, caller.project_id)
    if found is None:
        raise NotFound(f"Drift detection with id {detection_id} does not exist")
    return found


async def newest_of(engine: Engine, stack: Stack) -> DriftDetection | None:
    """The newest detection of a stack that the caller may see, if there was one."""
    return await _newest(engine, stack)


async def known_of(engine: Engine, stack: Stack) -> Sequence[ResourceDrift]:
    """What is known of the drift of the resources of a stack that the caller may see."""
    return await drift.of_stack(engine.services.db, stack.id)


async def listed(
    engine: Engine, caller: Caller, named: Named, statuses: Collection[str] = (), *, rule: str = LIST
) -> tuple[Stack, Sequence[ResourceDrift]]:
    """What is known of the drift of a stack's resources, by name."""
    stack = await permitted(engine, caller, rule, named)
    found = await drift.of_stack(engine.services.db, stack.id)
    return stack, [each for each in found if not statuses or each.status in statuses]


async def detect_one(
    engine: Engine, caller: Caller, named: Named, name: str, *, rule: str = DETECT_ONE
) -> tuple[Stack, ResourceDrift]:
    """Compare one resource with its object now."""
    stack = await permitted(engine, caller, rule, named, live=True)
    await _require_names(engine, stack, [name])
    found = await compare(engine.services, engine.trusts.of_caller(caller), stack, [name])
    if not found:
        raise BadRequest(f"Drift detection is not supported for resource {name} of stack {stack.name}.")
    await engine.services.journal.write(*stored(found))
    return stack, found[0]
