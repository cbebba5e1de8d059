"""What resource types ask of services themselves while a request is checked, all at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stackd.clients.cloud import Cloud
from stackd.clients.remote import Remote, Remotes
from stackd.engine.definition.desired import Desired, loaded_properties, property_path
from stackd.engine.definition.types import inner_label
from stackd.engine.validation.resource_rules import placed
from stackd.engine.validation.tree import Expanded
from stackd.errors import CloudError, CloudNotFound, PropertyError, TemplateError
from stackd.offload import in_thread
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON
from stackd.template.evaluate import evaluate
from stackd.template.masking import concealed_error
from stackd.template.problems import raise_all
from stackd.template.unknown import has_unknown
from stackd.wording import Reason

_AT_ONCE = 8
_LARGE = 2000
"""Resources of a tree that is gone through in a thread."""


@dataclass(slots=True)
class Asking:
    """One resource of a definition that is checked; implements the types' ``Probe``."""

    cloud: Cloud
    remotes: Remotes
    desired: Desired
    name: str
    around: tuple[str, ...]

    def remote(self, place: Remote) -> Cloud:
        """See ``Probe``."""
        return self.remotes.open(self.cloud, place)

    async def inherited(self) -> tuple[JSON, Mapping[str, str]]:
        """See ``Probe``."""
        source, written = self.desired.source, self.desired.types[self.name].written
        return dict(source.environment.child(self.name, written).to_data()), source.files


async def refuse_unfit(expanded: Expanded, cloud: Cloud, remotes: Remotes) -> None:
    """Raise what the types of the resources find wrong."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def ask(resource: Asking) -> TemplateError | None:
        async with room:
            return await _mistake(resource)

    def listed() -> list[Asking]:
        return list(_asking(expanded, cloud, remotes, ()))

    asking = await in_thread(listed) if expanded.count() > _LARGE else listed()
    found = await asyncio.gather(*map(ask, asking))
    if mistakes := [each for each in found if each is not None]:
        secrets = await in_thread(expanded.secrets)
        raise_all([concealed_error(each, secrets) for each in mistakes])


def _asking(expanded: Expanded, cloud: Cloud, remotes: Remotes, around: tuple[str, ...]) -> Iterator[Asking]:
    """The resources of the tree that are external, or whose types have something to ask."""
    desired = expanded.desired
    for name, definition in desired.resources.items():
        handler = desired.types[name].handler
        asks = type(handler).probe is not ResourceType.probe
        if handler.entity is not None if definition.external_id is not None else asks:
            yield Asking(cloud, remotes, desired, name, around)
    for name, child in expanded.children.items():
        label = inner_label(name, getattr(desired.types[name].handler, "source", "") or "nested_stack")
        yield from _asking(child, cloud, remotes, (*around, label))


async def _mistake(resource: Asking) -> TemplateError | None:
    desired, name = resource.desired, resource.name
    error: TemplateError | None = None
    if desired.resources[name].external_id is not None:
        error = await _missing(resource)
    else:
        props = await in_thread(loaded_properties, desired, name, desired.scope({}))
        try:
            await desired.types[name].handler.probe(resource, props)
        except PropertyError as found:
            error = placed(desired, name, found)
    if error is not None:
        for label in reversed(resource.around):
            error = error.inside(label)
    return error


async def _missing(resource: Asking) -> TemplateError | None:
    """That an external object is not there; None if it is, or nobody can tell."""
    desired, name = resource.desired, resource.name
    kind, template = desired.types[name], desired.source.template
    entity = kind.handler.entity
    identity = evaluate(desired.resources[name].external_id, desired.scope({}), template=template)
    if entity is None or entity.is_inside or has_unknown(identity):
        return None
    try:
        await resource.cloud.service(entity.service).get(entity.at(str(identity)))
    except CloudNotFound:
        path = property_path(template, name, f"resources.{name}.external_id")
        return TemplateError(
            Reason.EXTERNAL_MISSING(id=identity, type=kind.written),
            path=f"resources.{name}.external_id",
            place=template.place(path),
            value=template.value(path),
            remedy="Give the id of an object that exists and that you may see.",
        )
    except CloudError:
        return None  # the walk will find out
    return None
