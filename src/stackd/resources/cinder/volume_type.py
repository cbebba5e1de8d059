"""OS::Cinder::VolumeType, a kind of storage that volumes are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.extra_specs import Access, add_specs, set_specs
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.rules import is_set, known
from stackd.resources.schema import IN_PLACE, Properties, prop

_ACCESS: Final = Access("addProjectAccess", "removeProjectAccess", "project")
_PUBLIC: Final = "is_public"
_PUBLIC_AT_FIRST: Final = "os-volume-type-access:is_public"


class VolumeTypeProps(Properties):
    """Properties of ``OS::Cinder::VolumeType``."""

    name: str = prop("Name of the volume type.", required=True, update=IN_PLACE)
    metadata: dict[str, Any] | None = prop("Extra specs of the volume type.", update=IN_PLACE)
    is_public: bool = prop(
        "Whether every project may use the volume type.", default=True, update=IN_PLACE, since="5.0.0"
    )
    description: str | None = prop("What the volume type is for.", update=IN_PLACE, since="5.0.0")
    projects: list[str] = prop(
        "Names or ids of the projects that may use the volume type when it is not public.",
        default=[],
        update=IN_PLACE,
        element_find="keystone.project",
        since="5.0.0",
    )


@resource_type("OS::Cinder::VolumeType", since="2015.1")
class VolumeType(RestResource[VolumeTypeProps]):
    """Describes storage by extra specs; usually for administrators.

    Extra specs and access are collections of their own. Names are unique: what failed is repaired rather than
    replaced.
    """

    entity = Entity(
        *("volume", "/types", "volume_type", "volume_types", "PUT"),
        list_query={"is_public": "None"},
        found_by=(),
    )
    extension = "os-types-manage"
    survives = True
    lookups: ClassVar = {
        "cinder.vtype": Collection(
            *("VolumeType", "volume", "/types", "volume_types"), whole=True, params={"is_public": "None"}
        )
    }
    fields: ClassVar = same("name", _PUBLIC) | {"description": Field("description", cleared="")}

    def validate(self, props: VolumeTypeProps) -> None:
        """Projects are named only for a type that is not public."""
        if known(props.is_public) and is_set(props.projects):
            raise PropertyError(
                "Projects can be given for a volume type only if it is not public.",
                path="properties.projects",
                remedy="Leave projects out, or set is_public to false.",
            )

    def observed(self, props: VolumeTypeProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Extra specs are compared where there are some in the template."""
        pairs = dict(super().observed(props, live) or {})
        if props.metadata:
            pairs["metadata"] = (as_text(props.metadata), live["extra_specs"])
        return pairs

    async def creation(self, ctx: Context, props: VolumeTypeProps) -> JSON:
        """A field has another name in the first request than in later ones."""
        body = self.body(ctx, props)
        return {_PUBLIC_AT_FIRST if name == _PUBLIC else name: value for name, value in body.items()}

    async def configure(self, ctx: Context, props: VolumeTypeProps) -> None:
        """Set extra specs and access."""
        path = f"/types/{ctx.physical_id}"
        await add_specs(ctx.cloud.volume, f"{path}/extra_specs", props.metadata)
        await _ACCESS.change(ctx.cloud.volume, path, (), props.projects)

    async def update(self, ctx: Context, old: VolumeTypeProps, new: VolumeTypeProps) -> None:
        """A public type has no access to change: it goes before the type becomes public, or comes after."""
        path = f"/types/{ctx.physical_id}"
        if new.is_public and old.projects and not (await ctx.live(fresh=True))[_PUBLIC]:
            await _ACCESS.change(ctx.cloud.volume, path, old.projects, ())
        await super().update(ctx, old, new)
        if not new.is_public:
            await _ACCESS.change(ctx.cloud.volume, path, old.projects, new.projects)
        if new.metadata != old.metadata:
            await set_specs(ctx.cloud.volume, f"{path}/extra_specs", new.metadata)
