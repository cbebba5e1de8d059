"""One stack at work: its rows as they stand, and what all steps of its walk share."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stackd.db.journal import Change
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.nested_definitions import Attributes, asked_inside
from stackd.engine.definition.scope import StackScope
from stackd.engine.definition.types import ResolvedType, handler_of, is_checkable
from stackd.engine.execution import lifecycle
from stackd.engine.execution.cancellation import Stopped
from stackd.engine.execution.hook_waits import hooks_of
from stackd.engine.execution.name_lookup import with_ids
from stackd.engine.execution.resource_context import ResourceContext, StackRows
from stackd.engine.execution.run import OperationRun
from stackd.engine.planning.plan import StackPlan
from stackd.engine.planning.verbs import Verb, permits
from stackd.engine.services import exports
from stackd.engine.services.stack_data import KEYPAIR
from stackd.engine.transitions import stack_reason
from stackd.errors import ResourceActionRestricted, ResourceFailure
from stackd.records import Action, Resource, Stack, Status, new_id, now, type_name
from stackd.resources.base import ResourceType
from stackd.resources.context import StackInfo
from stackd.resources.schema import Properties
from stackd.template.environment import Environment
from stackd.template.masking import concealed_text, secrets_of

NO_ENVIRONMENT = Environment()
SHOWN_FAILURES = 20


def inside(adopted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The data of the resources of a stack inside, as far as they are well-formed."""
    entry = adopted.get(name)
    resources = entry.get("resources") if isinstance(entry, Mapping) else None
    return resources if isinstance(resources, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a resource, or of the stack as a whole (no ``name``), and its text.

    There is no ``cause`` of what has failed before the walk.
    """

    action: Action
    text: str
    cause: lifecycle.FailureCause | None = None
    name: str = ""

    @property
    def reason(self) -> str:
        """Why the stack failed."""
        return f"Resource {self.action} failed: {self.text}" if self.name else self.text


class StackRun:
    """One stack while its ``plan`` is walked.

    ``kept`` are the names that stand as they were. ``asked`` are attributes that the stack around asks of
    any member, ``adopted`` the data of the resources that it adopts, by name. ``environment`` matters only
    where the plan leads to nothing: a definition has its own.
    """

    def __init__(
        self,
        run: OperationRun,
        stack: Stack,
        plan: StackPlan,
        *,
        names: tuple[str, ...] = (),
        root_name: str = "",
        asked: Attributes = frozenset(),
        environment: Environment = NO_ENVIRONMENT,
        adopted: Mapping[str, Any] | None = None,
    ) -> None:
        desired = plan.desired
        self.run = run
        self.stack = stack
        self.plan = plan
        self.adopted = adopted
        self.desired_or_none = desired
        self.environment = desired.source.environment if desired else environment
        self.hooks = hooks_of(run.hooks, stack, self.environment)
        if desired is not None and desired.parameters.hidden:
            run.secrets |= secrets_of(desired.source.template, desired.parameters)
        run.secrets |= {row.data[KEYPAIR]["secret"] for row in plan.stored if KEYPAIR in row.data}
        self.target = plan.order.target
        self.failures: list[Failure] = []
        self.kept: set[str] = set()
        self.rows = StackRows(plan.stored, plan.order.current)
        self.info = StackInfo(
            id=stack.id,
            name=stack.name,
            project_id=stack.project_id,
            root_id=stack.root_id,
            root_name=root_name or stack.name,
            path=names,
            timeout=60.0 * stack.timeout_mins if stack.timeout_mins else run.services.tuning.timeout,
        )
        self._scope = desired.scope(self.rows.newest) if desired else None
        self._asked = asked
        run.known_ids |= {row.physical_id for row in plan.stored if row.physical_id}
        for row in plan.order.leftovers:
            run.quota.leave(row.nested_stack_id)

    @property
    def desired(self) -> Desired:
        """What the stack is to be; a failure where it is to be nothing."""
        if self.desired_or_none is None:
            raise ResourceFailure(f"Stack {self.stack.name} is being deleted")
        return self.desired_or_none

    @property
    def scope(self) -> StackScope:
        """What references in the template see; a failure where the stack is to be nothing."""
        if self._scope is None:
            raise ResourceFailure(f"Stack {self.stack.name} is being deleted")
        return self._scope

    def wanted(self, name: str) -> frozenset[tuple[Any, ...]]:
        """The attributes of a resource that something refers to."""
        mine = self.desired.wanted.get(name, frozenset())
        return mine | self._asked

    @property
    def shares(self) -> bool:
        """Whether the stack exports or imports anything."""
        return self.stack.id in self.run.inputs.sharing

    async def export_changes(self, action: Action) -> list[Change]:
        """What the good end of an action stores of the stack's exports and imports."""
        db, desired = self.run.services.db, self.desired_or_none
        if self.plan.rule.verb is not None:
            return []
        if action is Action.DELETE:
            return await exports.end(db, self.stack, action, None, None) if self.run.inputs.sharing else []
        if not self.shares and not (desired is not None and exports.shares(desired.source)):
            return []
        return await exports.end(db, self.stack, action, desired, self._scope)

    def asked(self, row: Resource) -> Attributes:
        """What references to a resource's attributes ask of the resources inside it."""
        return asked_inside(self.wanted(row.name)) if self.desired_or_none else frozenset()

    def inner(self, row: Resource, child: Stack, plan: StackPlan) -> StackRun:
        """The nested stack behind a resource, as a part of the same operation."""
        environment = self.environment if plan.desired else self.environment.child(row.name, row.type)
        return StackRun(
            self.run,
            child,
            plan,
            names=(*self.info.path, row.name),
            root_name=self.info.root_name,
            asked=self.asked(row),
            environment=environment,
            adopted=None if self.adopted is None else inside(self.adopted, row.name),
        )

    # --- the plan -------------------------------------------------------------------------------

    def is_kept(self, row: Resource, kept: Collection[str]) -> bool:
        """Whether a resource is known to stay as it is: planned so, with all that it needs in ``kept``."""
        step = self.plan.steps.get(row.name)
        return (
            step is not None
            and step.verb is Verb.KEEP
            and row.status is Status.COMPLETE
            and row.external_id is None
            and row.replaced_by is None
            and self.hooks is None
            and all(needed in kept for needed in self.desired.requires[row.name])
        )

    def require_planned(self, name: str, verb: Verb) -> None:
        """Refuse what a saved plan does not allow; without one, update the step to what is known now.

        Raises ``PlanExceeded``, or ``UpdateDenied`` where the stack policy does not allow it.
        """
        step, bound = self.plan.steps[name], self.run.bound
        self.require_permitted(name, step.type, verb)
        if bound is not None:
            bound.require(step.path, verb)
        if not permits(step.verb, verb):
            self.plan.steps[name] = replace(step, verb=verb)

    def require_permitted(self, name: str, kind: str, verb: Verb) -> None:
        """Raise ``UpdateDenied`` where the policy of the outermost stack does not allow it."""
        if self.run.policy is not None and not self.info.path:
            self.run.policy.require(name, kind, verb)

    # --- rows -----------------------------------------------------------------------------------

    def new_row(self, name: str, **values: Any) -> Resource:
        """A row for a wanted name, of which nothing is made yet."""
        definition, kind = self.desired.resources[name], self.desired.types[name]
        return Resource(
            id=new_id(),
            stack_id=self.stack.id,
            root_id=self.stack.root_id,
            name=name,
            type=type_name(kind.written),
            kind=type_name(kind.name),
            requires=tuple(sorted(self.desired.requires[name])),
            applied_from=self.target,
            deletion_policy=definition.deletion_policy,
            created_at=now(),
            **values,
        )

    def put_beside(self, old: Resource, fresh: Resource) -> None:
        """Make a new row the one of its name; the old one is to be cleaned."""
        self.run.quota.leave(old.nested_stack_id)
        self.rows.put_beside(old, fresh)

    # --- actions --------------------------------------------------------------------------------

    def work(self, row: Resource, handler: ResourceType[Any]) -> ResourceContext:
        """The context for actions on a row."""
        return ResourceContext(self.run, self.stack, self.info, handler, row, self.rows)

    def work_on(self, name: str) -> ResourceContext:
        """The context for actions on the newest row of a wanted name."""
        row = self.rows.newest[name]
        if row is None:
            raise ResourceFailure(f"resource {name} has no row")
        return self.work(row, self.desired.types[name].handler)

    def handler_of(self, row: Resource) -> ResourceType[Any]:
        """The type behind a stored row, which the new template may no longer know."""
        if row.deletion_policy == "Retain" or row.action is Action.INIT or self.run.inputs.abandons:
            with contextlib.suppress(ResourceFailure):
                return handler_of(row, self.run.services.registry, self._kinds())
            return ResourceType()
        return handler_of(row, self.run.services.registry, self._kinds())

    def _kinds(self) -> Mapping[str, ResolvedType]:
        return self.desired_or_none.types if self.desired_or_none else {}

    async def stored_properties(self, work: ResourceContext) -> Properties:
        """What was last sent to the cloud, with ids for names as far as they still can be found."""
        return await self._with_ids(work, work.resource.properties)

    async def properties_before(self, work: ResourceContext) -> Properties:
        """What was sent before the update that is not done yet, or else last; with ids in the same way."""
        before = work.resource.previous_properties  # an empty map where there were none
        return await self._with_ids(work, work.resource.properties if before is None else before)

    async def _with_ids(self, work: ResourceContext, properties: Mapping[str, Any]) -> Properties:
        props = work.kind.properties.wrap(dict(properties))
        return await with_ids(props, self.run.find, self.run.known_ids, strict=False)

    async def guarded(self, work: ResourceContext, action: Coroutine[Any, Any, None]) -> bool:
        """Run one action; note a failure, and what becomes of it when it is interrupted."""
        try:
            error = await lifecycle.run_guarded(work, action)
        except Stopped:
            await self.abandon(work)
            raise
        if error is not None:
            self._failed(work.resource, error)
        return error is None

    async def abandon(self, work: ResourceContext) -> None:
        """An interrupted resource fails where nothing will resume it."""
        if self.run.abandons_waits() and work.resource.status is Status.IN_PROGRESS:
            reason = ResourceFailure(f"{work.resource.action} aborted ({self.run.why_stopped()})")
            self.run.note_wait(work.resource, self.stack.parent_resource)
            await work.kind.cancelled(work)
            await lifecycle.mark_failed(work, reason)
            self._failed(work.resource, reason)

    def fail(self, reason: str) -> None:
        """Note that what the stack has become cannot be its end."""
        self.failures.append(Failure(self.stack.action, reason))
        self.run.note_failure(self.stack.action, reason)

    def note_standing_failure(self, row: Resource, text: str) -> None:
        """Note that a resource cannot take part in what is done to all, because it has failed before."""
        self._note(Failure(self.stack.action, text, name=row.name))

    def _failed(self, row: Resource, error: Exception) -> None:
        cause = lifecycle.failure_cause(row.name, error).concealed(self.run.secrets)
        text = concealed_text(str(cause), self.run.secrets)
        action = Action.UPDATE if isinstance(error, ResourceActionRestricted) else row.action
        if self.plan.rule.verb is not None:
            action = self.stack.action
        self._note(Failure(action, text, cause, row.name))

    def _note(self, failure: Failure) -> None:
        self.failures.append(failure)
        if not self.plan.rule.continues:
            self.run.note_failure(failure.action, failure.text)

    # --- the end --------------------------------------------------------------------------------

    @property
    def completed(self) -> str:
        """The reason of the stack at its good end."""
        return stack_reason(self.stack.action, Status.COMPLETE) + self._remark

    @property
    def failed(self) -> str:
        """The reason of the stack when there were failures: the first one, or all if the walk went on."""
        first = self.failures[0]
        if not self.plan.rule.continues or not first.name:
            return first.reason + self._remark
        shown = "; ".join(f"{each.name}: {each.text}" for each in self.failures[:SHOWN_FAILURES])
        more = len(self.failures) - SHOWN_FAILURES
        rest = f" and {more} more" if more > 0 else ""
        return f"Resource {first.action} failed: {shown}{rest}{self._remark}"

    @property
    def _remark(self) -> str:
        """That some types have no check."""
        if self.plan.rule.verb is not Verb.CHECK:
            return ""
        rows = (row for plan in self.plan.walk() for row in plan.view.values() if row is not None)
        whole = all(is_checkable(row, self.run.services.registry) for row in rows)
        return "" if whole else ". 'CHECK' not fully supported (see resources)"
