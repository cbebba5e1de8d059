"""One action on one resource: create, resume, update, delete, with everything stored in its order.

The order that every cloud call with a side effect obeys: *intent stored → call → physical id stored
→ wait until ready → outcome stored*. ``resume`` starts from whatever of these was reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from stackd.clients.failures import AnswerLost
from stackd.db import resources as resource_rows
from stackd.db.journal import Remove
from stackd.engine.execution.cancellation import Stopped
from stackd.engine.execution.resource_context import ResourceContext, collection_of
from stackd.engine.services.stack_data import OWN_DATA
from stackd.errors import (
    CloudConflict,
    CloudNotFound,
    Fenced,
    NotFound,
    ResourceFailure,
    ResourceInError,
    ServiceUnavailable,
    StackdError,
)
from stackd.records import Action, Resource, Status, now
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON
from stackd.resources.copies import without_copies
from stackd.resources.schema import Properties
from stackd.template.masking import Secrets, concealed_text, hidden_if_secret

CLOCK_SKEW = timedelta(seconds=5)
_FIRST_REPEAT, _LONGEST_REPEAT = 0.25, 8.0
"""Seconds between two attempts to delete what is in use."""

UNEXPECTED = "Unexpected error in the engine; its log has the details under the request id."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Why an action failed: the type of the error, the path of the resource, and the message.

    As a text it has the form that clients know: ``Type: resources.name.resources.inner: message``.
    """

    kind: str
    path: tuple[str, ...]
    message: str

    @property
    def where(self) -> str:
        """The dotted path of the resource."""
        return ".".join(f"resources.{name}" for name in self.path)

    def concealed(self, secrets: Secrets) -> FailureCause:
        """The same cause with secrets masked in its message."""
        return replace(self, message=concealed_text(self.message, secrets))

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.message}"


class NestedFailure(ResourceFailure):
    """A failure of a resource inside a nested stack."""

    def __init__(self, cause: FailureCause) -> None:
        super().__init__(f"{cause.where}: {cause.message}")
        self.cause = cause


class NoObjectGiven(ResourceFailure):
    """The data of a stack that is adopted name no object for a resource; under the name that Heat shows."""

    wire_type = "Exception"


def failure_cause(name: str, error: BaseException) -> FailureCause:
    """Why an action on a resource failed, from the resource in the nested stack if it failed there."""
    if isinstance(error, NestedFailure):
        return replace(error.cause, path=(name, *error.cause.path))
    if isinstance(error, StackdError):
        return FailureCause(error.wire_type, (name,), str(error))
    return FailureCause(type(error).__name__, (name,), UNEXPECTED)


async def create(
    work: ResourceContext, props: Properties, wanted: frozenset[tuple[Any, ...]], **intent: Any
) -> None:
    """Make the object. Objects that end in error are deleted and made again, up to the limit.

    ``intent`` are further values to store with the intent.
    """
    failures: list[StackdError] = []
    for attempt in range(work.run.services.tuning.create_retries + 1):
        if failures:
            await _clear_away(work, props, failures[-1])
            await work.sleep(_pause(work, attempt))
        await work.enter(Action.CREATE, **intent)
        try:
            await _make(work, props)
            await finish(work, props, wanted)
            return
        except (ResourceInError, CloudConflict) as error:
            failures.append(error)
    raise failures[0]


async def _clear_away(work: ResourceContext, props: Properties, error: StackdError) -> None:
    """Delete a half-made object before the next attempt."""
    await work.leave(Status.FAILED, _told(work, error))
    await work.enter(Action.DELETE)
    await _remove_object(work, props)
    work.forget_live()
    await work.leave(Status.COMPLETE, physical_id=None)


def _pause(work: ResourceContext, attempt: int) -> float:
    """Seconds before the next attempt: they double, and are never the same for two resources."""
    jitter = random.uniform(0, 2)  # noqa: S311 - not a secret
    return work.run.services.tuning.retry_pause * (2.0**attempt + jitter)


async def _make(work: ResourceContext, props: Properties) -> None:
    """Call ``create``; when its answer is lost, search for the object before trying once more."""
    intended = work.resource.updated_at or work.resource.created_at
    for is_last in (False, True):
        try:
            await work.kind.create(work, props)
            return
        except AnswerLost:
            await asyncio.sleep(0.5)
            if work.resource.physical_id is not None or await _find_lost(work, props, intended):
                return
            if is_last:
                raise


async def _find_lost(work: ResourceContext, props: Properties, intended: datetime) -> bool:
    """Search the cloud for the object of an interrupted create, and record it if it is ours."""
    for found in await work.kind.find(work, props):
        identity = _identity(work.kind, found)
        if await _is_free(work, identity, found, intended):
            await work.created(identity, found)
            return True
    return False


def _identity(kind: ResourceType[Any], found: JSON) -> str:
    return str(found[kind.entity.id_field if kind.entity else "id"])


async def _is_free(work: ResourceContext, identity: str, found: JSON, intended: datetime) -> bool:
    """Whether this resource's create can have made an object: young enough, and no other row's."""
    run = work.run
    made = found.get("created_at") or found.get("created")
    if made and _time(str(made)) < intended - CLOCK_SKEW:
        return False
    claim = (collection_of(work.kind), identity)
    if claim in run.attributed:
        return False
    run.attributed.add(claim)  # before the first await: no other step may claim it meanwhile
    rows = await resource_rows.with_physical_id(run.services.db, hidden_if_secret(identity, run.secrets))
    return not any(_is_of_collection(work, row, claim[0]) for row in rows)


def _is_of_collection(work: ResourceContext, row: Resource, collection: str) -> bool:
    """Whether a row's object lives there; a row whose type is no longer installed may be anywhere."""
    registry = work.run.services.registry
    return row.kind not in registry or collection_of(registry.get(row.kind)) == collection


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=now().tzinfo)


async def finish(work: ResourceContext, props: Properties, wanted: frozenset[tuple[Any, ...]]) -> None:
    """Complete the creation of an object whose id is stored: from there to the stored outcome."""
    kind = work.kind
    if type(kind).configure is not ResourceType.configure:
        await kind.configure(work, props)
    await wait_until_ready(work, props)
    await work.leave(Status.COMPLETE, attributes=await work.attributes(wanted))


async def adopt(
    work: ResourceContext, props: Properties, data: object, wanted: frozenset[tuple[Any, ...]], **intent: Any
) -> None:
    """Make an object that exists the resource's own: the one that the ``data`` of an exported stack name.

    What went with the stack that had it is made anew.
    """
    given = _given(work, data)
    if work.kind.remade and "physical_id" in given:
        await _remake(work, props, given, wanted, **intent)
        return
    await work.enter(Action.ADOPT, **{**intent, **given})
    if "physical_id" not in given and not _needs_none(work, data):
        raise NoObjectGiven("Resource ID was not provided.")
    try:
        await work.live(fresh=True)
    except CloudNotFound as error:
        raise ResourceFailure(f"There is no {given['physical_id']} to adopt: {error}") from error
    await work.leave(Status.COMPLETE, attributes=await work.attributes(wanted))


def _needs_none(work: ResourceContext, data: object) -> bool:
    """Whether a resource was whole without an object, as a wait condition is."""
    if not isinstance(data, Mapping) or work.kind.entity is not None:
        return False
    return data.get("status") == Status.COMPLETE and data.get("action") != Action.INIT


async def _remake(
    work: ResourceContext,
    props: Properties,
    given: Mapping[str, Any],
    wanted: frozenset[tuple[Any, ...]],
    **intent: Any,
) -> None:
    """Make what a resource needs, with the metadata that it had; what a crash interrupted is completed."""
    row = work.resource
    if (row.action, row.status) != (Action.ADOPT, Status.IN_PROGRESS):
        kept = {"metadata": given["metadata"]} if "metadata" in given else {}
        await work.enter(Action.ADOPT, **{**intent, **kept})
    await work.kind.create(work, props)
    await finish(work, props, wanted)


def _given(work: ResourceContext, data: object) -> dict[str, Any]:
    """What exported data say of a resource, but for what only counts in the stack that it was in."""
    if not isinstance(data, Mapping):
        return {}
    given: dict[str, Any] = {}
    if isinstance(identity := data.get("resource_id"), str) and identity:
        given["physical_id"] = hidden_if_secret(identity, work.run.secrets)
    if isinstance(metadata := data.get("metadata"), Mapping) and metadata:
        given["metadata"] = dict(metadata)
    if isinstance(private := data.get("resource_data"), Mapping):
        given["data"] = {key: value for key, value in private.items() if key not in OWN_DATA}
    return given


async def wait_until_ready(work: ResourceContext, props: Properties) -> None:
    """Watch the object until its type is content; types without a rule are content at once."""
    kind = type(work.kind)
    if kind.is_ready is not ResourceType.is_ready:

        async def ready() -> bool:
            return await work.kind.is_ready(work, props)

        await work.until(ready, work.kind.awaited)
    elif work.kind.takes_time:
        live = await work.live()
        if work.kind.status_field not in live or not work.kind.ready(live):
            await work.poll(work.kind.ready, work.kind.awaited)


async def resume(
    work: ResourceContext, old: Properties, props: Properties, wanted: frozenset[tuple[Any, ...]]
) -> bool:
    """Continue an action that a crash or a newer operation interrupted, with what it was to reach.

    ``old`` are the properties before an update. Answers whether the resource stands now; if not, nothing was
    made and it has to be created.
    """
    if work.resource.action is Action.UPDATE:
        await work.kind.update(work, old, props)
        await wait_until_ready(work, props)
        await work.leave(Status.COMPLETE, attributes=await work.attributes(wanted), previous_properties=None)
        return True
    if work.resource.physical_id is None and not await recover_id(work, props):
        return False
    try:
        await finish(work, props, wanted)
    except CloudNotFound:
        return False
    return True


async def recover_id(work: ResourceContext, props: Properties) -> bool:
    """Find the object of a create whose id was never stored; False when there is none."""
    intended = work.resource.updated_at or work.resource.created_at
    remaining = work.run.services.tuning.settling - (now() - intended).total_seconds()
    if remaining > 0 and not work.kind.local:
        await asyncio.sleep(remaining)
    return await _find_lost(work, props, intended)


async def update(
    work: ResourceContext,
    old: Properties,
    new: Properties,
    wanted: frozenset[tuple[Any, ...]],
    *,
    requires: tuple[str, ...],
    **intent: Any,
) -> None:
    """Change the object in place. Until that is done it needs what it needed before, too."""
    both = tuple(sorted({*work.resource.requires, *requires}))
    await work.enter(Action.UPDATE, requires=both, **intent)
    work.forget_live()
    await work.kind.update(work, old, new)
    work.forget_live()
    await wait_until_ready(work, new)
    await work.leave(
        Status.COMPLETE,
        attributes=await work.attributes(wanted),
        previous_properties=None,
        requires=requires,
    )


async def delete(work: ResourceContext, props: Properties, *, keep: bool = False) -> None:
    """Remove the object, as far as the deletion policy lets it, and then the row unless it is to be kept."""
    row = work.resource
    if row.action is Action.INIT and row.physical_id is None:
        await work.run.write(Remove(Resource, row.id))
        return
    lost = row.action is Action.CREATE and row.status is Status.IN_PROGRESS and row.physical_id is None
    if lost and not work.kind.local:
        await recover_id(work, props)
    if (row.action, row.status) != (Action.DELETE, Status.IN_PROGRESS):
        forgotten = without_copies(row.data, work.kind.kept)
        await work.enter(Action.DELETE, **({"data": forgotten} if forgotten != row.data else {}))
    stays = row.deletion_policy == "Retain" or row.external_id is not None or work.run.inputs.abandons
    if not stays and not await _has_heir(work):
        await _remove_object(work, props)
    if work.run.inputs.abandons:
        await work.users.remove()  # it may speak for a resource of this stack, and of no other
        await work.alarms.delete()  # it acts on resources of this stack
    elif stays:
        await work.alarms.release()  # else nobody could change it any more
    if keep:
        await work.leave(Status.COMPLETE)
        return
    await work.remove()


async def _has_heir(work: ResourceContext) -> bool:
    """Whether another row of the name stands for the same object: where names are ids, it took it over."""
    row = work.resource
    if row.physical_id is None or not (row.replaces or row.replaced_by):
        return False
    rows = await resource_rows.with_physical_id(work.run.services.db, row.physical_id)
    heirs = [each for each in rows if (each.stack_id, each.name) == (row.stack_id, row.name)]
    return any(
        each.id != row.id and _is_of_collection(work, each, collection_of(work.kind)) for each in heirs
    )


async def _remove_object(work: ResourceContext, props: Properties) -> None:
    """Delete and wait until the object no longer exists.

    Conflicts are retried for as long as a creation is that fails every time, in shorter intervals.
    """
    if work.resource.physical_id is None:
        await _remove_belongings(work, props)
        return
    tuning, clock = work.run.services.tuning, asyncio.get_running_loop().time
    end, pause = clock() + tuning.retry_pause * (2.0 ** (tuning.create_retries + 1) - 2), _FIRST_REPEAT
    while True:
        try:
            await work.kind.delete(work, props)
            break
        except CloudNotFound:
            return
        except CloudConflict:
            if clock() >= end:
                raise
            await work.sleep(pause)
            pause = min(2 * pause, _LONGEST_REPEAT)
    if work.kind.awaits_deletion:
        await _wait_until_gone(work)


async def _remove_belongings(work: ResourceContext, props: Properties) -> None:
    """Delete what a create made before the object itself, recorded in the type's private values."""
    if work.resource.data and work.resource.nested_stack_id is None:
        with contextlib.suppress(CloudNotFound, NotFound):
            await work.kind.delete(work, props)


async def _wait_until_gone(work: ResourceContext) -> None:
    """Poll until the service no longer knows the object, or its type counts it as deleted."""
    kind = type(work.kind)
    if kind.is_gone is not ResourceType.is_gone or kind.entity is None:
        await work.until(lambda: work.kind.is_gone(work), "it is deleted")
        return
    with contextlib.suppress(CloudNotFound):
        await work.poll(work.kind.gone, "it is deleted")


async def run_guarded(work: ResourceContext, action: Any) -> StackdError | Exception | None:
    """Run an action; a failure becomes the row's state and is returned.

    ``Stopped`` and ``Fenced`` pass: the row stays as it is, for whoever resumes.
    """
    try:
        await action
    except (Stopped, Fenced, ServiceUnavailable, asyncio.CancelledError):
        raise
    except Exception as error:
        if not isinstance(error, StackdError):
            # Texts of unexpected errors may have anything in them.
            broke = concealed_text(traceback.format_exc(), work.run.secrets)
            log.error("action_broke", resource=work.resource.name, type=work.kind.type_name, exception=broke)
        await mark_failed(work, error)
        return error
    return None


async def mark_failed(work: ResourceContext, error: Exception) -> None:
    """Store that the running action failed, and why."""
    if work.resource.status is Status.IN_PROGRESS:
        await work.leave(Status.FAILED, _told(work, error))


def _told(work: ResourceContext, error: Exception) -> str:
    """Why an action failed, as everybody may know it."""
    return concealed_text(str(failure_cause(work.resource.name, error)), work.run.secrets)
