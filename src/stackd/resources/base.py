"""The base of every resource type: declarations, and the few methods that the engine calls.

A type is stateless. The engine keeps state, events and deadlines, and drives a resource through::

    create → (id stored) → configure → ready? … → attributes stored
    update → ready? …
    delete → gone? …

``create`` makes exactly one object and reports its id through ``ctx.created``; whatever has to be
done to it afterwards belongs into ``configure``, which must be safe to run again: when the process
dies in between, that is what recovery does. ``update`` must be safe to run again for the same
reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, get_args

from stackd.clients import lookup
from stackd.drafts import changed
from stackd.errors import CloudNotFound, OutputError, ResourceFailure, StateInvalid
from stackd.records import Resource
from stackd.resources.attributes import SHOW, Attribute
from stackd.resources.context import JSON, Context, Probe
from stackd.resources.entity import Entity, Readiness, find_made
from stackd.resources.follows import Follows, Named, Siblings
from stackd.resources.property_schema import PropertySchema
from stackd.resources.scaling import Adjustment, kept
from stackd.resources.schema import Properties, Support
from stackd.template.named import declare_kind

P = TypeVar("P", bound=Properties)


def declare_lookups(lookups: Mapping[str, lookup.Collection]) -> None:
    """Let names of these kinds of objects be found, and constraints demand that they exist."""
    for kind, collection in lookups.items():
        lookup.declare_collection(kind, collection)
        declare_kind(kind)


class ResourceType(Generic[P]):
    """A kind of resource. Subclasses declare; the engine calls.

    ``readiness``, or an own ``ready``, makes the engine watch the object (one list call for all that
    wait); overriding ``is_ready`` makes it ask this one. ``lookups`` are the collections, by kind of
    object (``service.thing``), in which properties with ``find`` and constraints look names up.
    ``follows`` are the siblings that come first although no property refers to them.
    ``properties`` need not be given: it is the class in the brackets after the base.
    """

    type_name: ClassVar[str] = ""
    description: ClassVar[str] = ""
    support: ClassVar[Support] = Support()
    properties: ClassVar[type[Properties]] = Properties
    update_policy: ClassVar[Mapping[str, PropertySchema]] = {}
    attributes: ClassVar[Mapping[str, Attribute]] = {}
    entity: ClassVar[Entity | None] = None
    readiness: ClassVar[Readiness | None] = None
    lookups: ClassVar[Mapping[str, lookup.Collection]] = {}
    follows: ClassVar[Sequence[Follows | Named]] = ()
    service: ClassVar[str | None] = None
    """The service without which there are no such resources, if not that of ``entity``; empty for none."""

    extension: ClassVar[str | None] = None
    """The extension of that service's API without which there are none."""

    name_limit: ClassVar[int] = 255
    awaits_deletion: ClassVar[bool] = False
    checkable: ClassVar[bool] = False
    good_statuses: ClassVar[tuple[str, ...]] = ()
    """The statuses that ``check`` accepts; without any it accepts what ``ready`` does."""

    former_names: ClassVar[tuple[str, ...]] = ()
    """Hidden types whose resources become ones of this type in place when a template names this type."""

    signalable: ClassVar[bool] = False
    signalled_always: ClassVar[bool] = False
    """Whether signals are taken while the resource is suspended or deleted, too."""

    gives_up: ClassVar[bool] = False
    """Whether an interrupted action is given up, and the resource replaced, when an update changes it."""

    any_attributes: ClassVar[bool] = False
    """Whether there may be attributes that are not declared, of which the stored ones are known."""

    snapshots: ClassVar[bool] = False
    kept: ClassVar[tuple[str, ...]] = ()
    """The private values in which a snapshot leaves what it made."""

    rewritten: ClassVar[tuple[str, ...]] = ()
    """The properties that ``restored`` sets: they count as changed each time that a snapshot is restored."""

    any_properties: ClassVar[bool] = False
    waits_for: ClassVar[str] = ""
    """What has to come true before a new object can be used, where ``readiness`` does not say it."""

    gathers: ClassVar[str] = ""
    """The type of the resources, in the stacks beside its own, of which ``gathered`` makes metadata."""

    remade: ClassVar[bool] = False
    """Whether what the resource stands for goes with its stack, such as a guest's user: whoever adopts the
    resource makes it anew, and takes over only the metadata."""

    local: ClassVar[bool] = False
    """Whether the type touches nothing outside the store: its steps then are stored in one write."""

    replaced_by_updates: ClassVar[bool] = False
    """Whether every update of the stack makes a new object, though nothing about it has changed."""

    replaced_by_metadata: ClassVar[bool] = False
    """Whether other metadata make a new object."""

    replaced_by_checks: ClassVar[bool] = True
    """Whether a failed check, or somebody's word that it is unhealthy, means a new object whatever ``broken``
    returns."""

    shown_by: ClassVar[Mapping[str, Collection[str]]] = {}
    """Attributes that change when a property does although they have other names."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = getattr(cls, "__orig_bases__", ())
        given = [each for base in bases for each in get_args(base) if isinstance(each, type)]
        if "properties" not in vars(cls) and given and issubclass(given[0], Properties):
            cls.properties = given[0]
        own = vars(cls).get("lookups", {}).items()
        declare_lookups({kind: each for kind, each in own if kind not in lookup.DECLARED})

    @classmethod
    def needed_service(cls) -> str | None:
        """The service without which there are no such resources."""
        if cls.service is not None:
            return cls.service or None
        return cls.entity.service if cls.entity is not None else None

    # --- pure -----------------------------------------------------------------------------------

    def validate(self, props: P) -> None:
        """Rules across properties; raise ``PropertyError``. Values may be ``Unknown``."""

    def validate_among(self, props: P, siblings: Siblings) -> None:
        """Rules about the other resources of the stack; as ``validate``."""

    def validate_metadata(self, props: P, metadata: Mapping[str, Any]) -> None:
        """Rules about the metadata in the template; as ``validate``."""

    def validate_update_policy(self, policy: Mapping[str, Any]) -> None:
        """Rules about the update policy that its schema does not express; as ``validate``."""

    def needs_replace(self, old: P, new: P, changed: frozenset[str]) -> str | None:
        """Why these changes need a new object although each alone could be made in place."""
        return None

    def must_replace(self, resource: Resource, new: P) -> str | None:
        """Why the changed properties need a new object, judged by what is stored of the resource."""
        return None

    def must_update(self, new: P) -> str | None:
        """Why an update of the stack changes the object in place although none of its properties differs."""
        return None

    def own_metadata(self, stored: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
        """The entries of the stored metadata that stay when a template has others ``written`` there.

        They did not come from a template: signals, for instance.
        """
        return {}

    def gathered(self, resource: Resource, around: str, found: Sequence[Resource]) -> Mapping[str, Any]:
        """The metadata that guests see besides the stored ones, made of what is ``found`` at that moment.

        ``around`` is the name of the resource that the stack of this one is.
        """
        return {}

    def ready(self, live: JSON) -> bool:
        """Whether the object can be used; raise ``ResourceInError`` when it never will."""
        return self.readiness is None or self.readiness.is_reached(live)

    @property
    def takes_time(self) -> bool:
        """Whether a new object can be used only when ``ready`` returns true."""
        return self.readiness is not None or type(self).ready is not ResourceType.ready

    @property
    def awaited(self) -> str:
        """What has to come true before a new object can be used, for people."""
        if self.waits_for or self.readiness is None:
            return self.waits_for or "it can be used"
        return f"its {self.readiness.field} is {' or '.join(self.readiness.ready)}"

    @property
    def status_field(self) -> str:
        """The field of the object that ``ready`` reads; an answer without it is ignored."""
        return self.readiness.field if self.readiness is not None else "status"

    def end_signal(self, unique_id: str, status: str) -> Mapping[str, Any]:
        """The details of a signal which reports that something has succeeded or failed, as AWS has them."""
        return {"Status": status, "UniqueId": unique_id, "Reason": "", "Data": ""}

    def observed(self, props: P, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """By the names of properties, what each is to be and what the object shows; None if that is not
        known.

        Both are in the form of the API. What the object does not show is left out.
        """
        return None

    def broken(self, live: JSON) -> bool:
        """Whether a failed resource's object must be replaced rather than updated."""
        return True

    def reference(self, resource: Resource) -> Any:
        """What ``get_resource`` gives: the physical id, or the logical name before there is one."""
        return resource.physical_id or resource.name

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """All attributes that are fields of the object; ``show`` is added by the engine."""
        return {
            name: live.get(attribute.source or name)
            for name, attribute in self.attributes.items()
            if attribute.is_field
        }

    def stored_names(self) -> frozenset[str]:
        """Names of the attributes that are stored when the resource completes."""
        return frozenset({SHOW, *(name for name, each in self.attributes.items() if each.compute is None)})

    def computed_values(self, resource: Resource) -> dict[str, Any]:
        """All attributes that are worked out from what is stored."""
        declared = self.attributes.items()
        return {name: each.computed(name, resource) for name, each in declared if each.compute is not None}

    def with_computed(self, resource: Resource) -> Resource:
        """The resource with the computed attributes among the stored ones."""
        computed = self.computed_values(resource)
        return changed(resource, attributes={**resource.attributes, **computed}) if computed else resource

    # --- with the cloud -------------------------------------------------------------------------

    async def probe(self, ctx: Probe, props: P) -> None:
        """Ask other services, while a request is checked, whether this can be made; raise ``PropertyError``.

        Values may be ``Unknown``.
        """

    async def create(self, ctx: Context, props: P) -> None:
        """Make the object and report its id with ``ctx.created``."""
        raise NotImplementedError(f"{self.type_name} cannot be created")

    async def configure(self, ctx: Context, props: P) -> None:
        """What has to follow the creation; safe to run again."""

    async def is_ready(self, ctx: Context, props: P) -> bool:
        """Whether the object can be used, asked until it is so."""
        return self.ready(await ctx.live())

    async def update(self, ctx: Context, old: P, new: P) -> None:
        """Change the object in place; safe to run again."""

    async def delete(self, ctx: Context, props: P) -> None:
        """Remove the object; a ``CloudNotFound`` is taken for done."""
        if self.entity is not None:
            path = self.entity.of(ctx.resource).at(ctx.physical_id)
            await ctx.cloud.service(self.entity.service).delete(path)

    async def is_gone(self, ctx: Context) -> bool:
        """Whether the object no longer exists; polled until true, for types with ``awaits_deletion``."""
        try:
            return self.gone(await ctx.live(fresh=True))
        except CloudNotFound:
            return True

    def gone(self, live: JSON) -> bool:
        """Whether an object that the service still shows counts as deleted."""
        return False

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """Objects that an interrupted ``create`` may have made, by their deterministic name.

        Each must carry its id under the entity's ``id_field``.
        """
        if self.entity is None:
            return []
        name = props.data.get("name") or ctx.physical_name
        return await find_made(ctx, self.entity.of(ctx.resource), {self.entity.name_field: name})

    async def prepare_for_replace(self, ctx: Context, props: P) -> None:
        """Free what the replacement needs (ports, unique names); safe to run again.

        A ``CloudNotFound`` is taken for done, here and in ``undo_replace``.
        """

    async def undo_replace(self, ctx: Context, props: P) -> None:
        """Take back ``prepare_for_replace`` when a rollback keeps this object."""

    async def check(self, ctx: Context, props: P) -> None:
        """Raise ``ResourceFailure`` unless the object exists in good state."""
        if self.entity is None:
            return
        live = await ctx.poll(lambda live: True, "it is seen")
        if not self.good_statuses:
            self.ready(live)
        elif (status := live.get(self.status_field)) not in self.good_statuses:
            expected = list(self.good_statuses) if len(self.good_statuses) > 1 else self.good_statuses[0]
            raise StateInvalid(f"'{self.status_field}': expected '{expected}', got '{status}'")

    async def suspend(self, ctx: Context, props: P) -> None:
        """Let the object rest until it is resumed; safe to run again."""

    async def resume(self, ctx: Context, props: P) -> None:
        """Let the object work again; safe to run again."""

    async def snapshot(self, ctx: Context, props: P) -> None:
        """Copy the object and note the copy in the ``kept`` private values; safe to run again."""

    async def delete_snapshot(self, ctx: Context, kept: Mapping[str, Any]) -> None:
        """Remove what ``snapshot`` made. Idempotent: ignores 404."""

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties, as in a template, that bring back what ``snapshot`` made."""
        return dict(properties)

    async def cancelled(self, ctx: Context) -> None:
        """The action was interrupted, and nothing will resume it: the resource fails. Safe to run again."""

    def adjustment(self, resource: Resource) -> Adjustment | None:
        """How a signal changes the size of a group, which is an operation of its own; None if it does not."""
        return None

    async def signal(self, ctx: Context, details: Mapping[str, Any] | None) -> str | None:
        """Take a message from outside; the text goes into the event, None means no event."""
        return None


@dataclass(frozen=True, slots=True)
class Child:
    """What a nested stack should be: template data (or text), parameters, and where it came from."""

    template: Mapping[str, Any] | str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: str = "nested_stack"


@dataclass(frozen=True, slots=True)
class Scaled:
    """A group after a change of its size: its private values that change, and the stack inside it."""

    data: Mapping[str, Any]
    child: Child


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of a rolling change: the child to reach, and the seconds between it and another."""

    child: Child
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class FailedOutput:
    """Stands for the value of an output that cannot be evaluated."""

    reason: str


def _nobody(reference: Any) -> Resource | None:
    return None


@dataclass(frozen=True, slots=True)
class Members:
    """The resources of a nested stack as they stand: what groups read their attributes from.

    ``outputs`` are values, or `FailedOutput`. ``definitions`` are those that the nested stack was last given.
    ``reached`` are the members that are as the change wants them, where it was begun before; None for one
    that begins now. ``adopted`` are the names of members that a new nested stack takes over. ``sibling``
    gives the resource of the stack around that a reference means; the reference, and its properties, may be
    ``Unknown``.
    """

    resources: Mapping[str, Resource]
    references: Mapping[str, Any]
    outputs: Mapping[str, Any]
    attribute: Callable[[str, tuple[Any, ...]], Any]
    definitions: Mapping[str, Any] = field(default_factory=dict)
    reached: frozenset[str] | None = None
    adopted: Sequence[str] = ()
    sibling: Callable[[Any], Resource | None] = _nobody

    def output(self, resource: Resource, name: str) -> Any:
        """An output of the stack inside a resource, None if it has none; raises ``OutputError``."""
        value = self.outputs.get(name)
        if isinstance(value, FailedOutput):
            raise OutputError(f"Error in {resource.name} output {name}: {value.reason}")
        return value


class NestedType(ResourceType[P]):
    """A type whose resource is a stack of its own; the engine creates, updates and deletes it.

    Subclasses define, purely, the child's template and how attributes are read from its members. ``shaping``
    are the properties which decide what resources the child has: while one of them is not known, neither are
    these.
    """

    shaping: ClassVar[Collection[str]] = ()
    adopted: ClassVar[tuple[str, ...]] = ()
    """The private values, texts, that a stack which adopts the resource takes over."""

    scales: ClassVar[bool] = False
    """Whether policies change how many resources there are: ``scaled`` and ``cooldown`` are defined."""

    def count(self, props: P) -> int | None:
        """How many resources the nested stack has, if that is known before it is built."""
        return None

    def others(self, props: P) -> int:
        """How many resources the nested stack has besides the members that are counted."""
        return 0

    async def gather(self, ctx: Context, props: P) -> Mapping[str, Any]:
        """Private values from the cloud, kept when the resource is made: the child is computed from them."""
        return {}

    def child(self, resource: Resource, props: P, members: Members, files: Mapping[str, str]) -> Child:
        """What the nested stack should be now."""
        raise NotImplementedError(f"{self.type_name} has no child")

    def batches(
        self, resource: Resource, old: P | None, new: P, members: Members, files: Mapping[str, str]
    ) -> Sequence[Batch]:
        """The steps to ``new``, the last of which is the final child; one step unless rolling.

        A change that was begun before goes on from ``members.reached``; ``old`` is None for a creation.
        """
        return [Batch(self.child(resource, new, members, files))]

    def data_after(self, resource: Resource, props: P, members: Members) -> Mapping[str, Any]:
        """Private values to keep with an update, before the child is computed from them."""
        return {}

    def own_metadata(self, stored: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
        """The cooldown of a group."""
        return kept(stored)

    def metadata_after(self, resource: Resource, props: P, moment: datetime) -> Mapping[str, Any]:
        """The metadata once the nested stack has reached what it should be."""
        return resource.metadata

    def scaled(self, resource: Resource, props: P, members: Members, adjustment: Adjustment) -> Scaled | None:
        """The group after a change of its size, None when the size stays; members keep their definitions."""
        raise unsupported("Scaling", self.type_name)

    def cooldown(self, props: P) -> float | None:
        """Seconds after a change of size in which signals are ignored, where the policy does not say it."""
        return None

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """The value of an attribute; raise ``InvalidTemplateAttribute`` when there is none."""
        return members.output(resource, name)


def unsupported(action: str, type_name: str) -> ResourceFailure:
    """The failure of an action that a type does not know."""
    return ResourceFailure(f"{action} is not supported for {type_name}")
