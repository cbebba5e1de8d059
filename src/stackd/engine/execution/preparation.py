"""What an action of an operation works from, read from what was stored when the operation was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from stackd.clients.cloud import Cloud
from stackd.db import plans, resources
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import load_json
from stackd.engine.execution import snapshots
from stackd.engine.execution.observation import missing_objects
from stackd.engine.execution.run import ResourceQuota, Services
from stackd.engine.execution.stack_run import NO_ENVIRONMENT
from stackd.engine.planning.bounds import Bounds
from stackd.engine.planning.inputs import Inputs, StoredStack
from stackd.engine.planning.plan import Plan
from stackd.engine.planning.stack_policy import StackPolicy, read_policy
from stackd.engine.planning.verbs import ACTIONS
from stackd.engine.services import exports
from stackd.engine.services.stored_trees import exported_values, identify, load_desired
from stackd.errors import CloudError, TemplateError
from stackd.offload import in_thread
from stackd.records import Action, Operation, Stack
from stackd.resources.base import NestedType
from stackd.template.environment import Environment, load_environment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What one ``action`` of an operation works from; ``rolls_back`` if a way back follows its failure."""

    services: Services
    operation: Operation
    stack: Stack
    action: Action
    rolls_back: bool

    async def desired(self) -> Desired | None:
        """The definition to reach; none for a deletion, and for what is done to the resources as they are."""
        action = self.action
        if action is Action.DELETE or ACTIONS[action].verb is not None or not self.stack.definition.template:
            return None
        return await load_desired(self.services.db, self.services.registry, self.stack)

    async def environment(self) -> Environment:
        """The environment of a stack that is deleted: it may set hooks."""
        if self.action is not Action.DELETE:
            return NO_ENVIRONMENT
        document = self.stack.definition.environment
        try:
            return load_environment(await load_json(self.services.db, self.stack.project_id, document))
        except TemplateError as error:
            log.warning("environment_not_readable", stack_id=self.stack.id, error=str(error))
            return NO_ENVIRONMENT  # no reason to keep a stack from being deleted

    async def room(self, desired: Desired | None) -> ResourceQuota:
        """The limit on resources; none on the way back to what was accepted before."""
        most = self.services.tuning.resources
        if desired is None or self.action is Action.ROLLBACK or most < 0:
            return ResourceQuota()
        taken = await resources.sizes(self.services.db, self.stack.root_id)
        return ResourceQuota(most, taken | {self.stack.id: len(desired.resources)})

    async def inputs(self, desired: Desired | None, stored: StoredStack, cloud: Cloud) -> Inputs:
        """What the operation is planned from; reality is read first where the request asks for it."""
        db, registry, stack = self.services.db, self.services.registry, self.stack
        options, action = self.operation.options, self.action
        missing: frozenset[str] = frozenset()
        if desired is not None and options.get("converge") and action is not Action.ROLLBACK:
            missing = await self._missing(cloud, stored)
        nested = desired is not None and any(
            isinstance(each.handler, NestedType) for each in desired.types.values()
        )
        return Inputs(
            registry=registry,
            identify=identify(db, stack.project_id),
            exports=await exported_values(db, stack.project_id) if nested else {},
            missing=missing,
            rewritten=await self._rewritten(stored),
            sharing=await exports.stacks_of(db, stack.root_id),
            ahead=False,
            keep_originals=self.rolls_back,
            abandons=self._abandons,
            adopts=action is Action.ADOPT,
            skipped=frozenset(options.get("skipped") or ()),
            max_depth=self.services.tuning.nested_depth,
        )

    @property
    def _abandons(self) -> bool:
        """Whether objects stay in the cloud: the stack is given up, or failed to adopt them."""
        options = self.operation.options
        return bool(options.get("abandon")) or (self.action is Action.ROLLBACK and bool(options.get("adopt")))

    async def _rewritten(self, stored: StoredStack) -> Mapping[str, frozenset[str]]:
        """What a snapshot that is restored brings back, whether or not it seems to be there."""
        if self.action is not Action.RESTORE:
            return {}
        db, registry = self.services.db, self.services.registry
        return await snapshots.rewritten(db, registry, self.stack, self.operation, stored.rows)

    async def _missing(self, cloud: Cloud, stored: StoredStack) -> frozenset[str]:
        """The rows whose objects no longer exist; none when the cloud does not answer."""
        try:
            return await missing_objects(cloud, self.services.registry, stored)
        except CloudError as error:
            log.warning("reality_not_read", error=type(error).__name__, status=error.status)
            return frozenset()

    async def bound(self) -> Bounds | None:
        """What the saved plan allows that is executed; a rollback goes back whatever the plan was."""
        plan_id = self.operation.options.get("plan")
        if not plan_id or self.action is Action.ROLLBACK:
            return None
        saved = await plans.get(self.services.db, plan_id, self.stack.project_id)
        return await in_thread(_bounds, saved.content) if saved is not None else None

    def policy(self) -> StackPolicy | None:
        """The stack policy, by which only updates are judged."""
        if self.action is not Action.UPDATE:
            return None
        text = self.operation.options.get("policy") or self.stack.policy
        return read_policy(text) if text else None

    async def adopted(self) -> Mapping[str, Any] | None:
        """The data of the resources that are adopted, by name."""
        if self.action is not Action.ADOPT:
            return None
        document = str(self.operation.options["adopt"])
        found: Mapping[str, Any] = await load_json(self.services.db, self.stack.project_id, document)
        return found


def _bounds(content: Mapping[str, Any]) -> Bounds:
    """What a saved plan allows; it may have many steps."""
    return Bounds.of(Plan.of_data(content))
