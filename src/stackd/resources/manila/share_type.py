"""OS::Manila::ShareType, a kind of storage that shares are made of."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.extra_specs import set_specs
from stackd.resources.manila.shared import SERVICE, names
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.resources.undated import UndatedResource

_ALL: Final = {"is_public": "all"}
_PUBLIC: Final = "share_type_access:is_public"
_SPECS: Final = ("driver_handles_share_servers", "snapshot_support")
"""The properties that are extra specs to the service."""


class ShareTypeProps(Properties):
    """Properties of a share type."""

    name: str = prop("Name of the share type.", required=True)
    driver_handles_share_servers: bool = prop(
        "Whether each share network gets share servers of its own.", required=True
    )
    is_public: bool = prop("Whether every project may use the share type.", default=True)
    snapshot_support: bool = prop(
        "Whether there can be snapshots of the shares.", default=True, since="6.0.0"
    )
    extra_specs: dict[str, Any] | None = prop(
        "What the storage must have, as pairs that the scheduler and drivers read.", update=IN_PLACE
    )


@resource_type("OS::Manila::ShareType", since="5.0.0")
class ShareType(UndatedResource[ShareTypeProps]):
    """Describes storage by extra specs; for administrators.

    Names are unique, so that a type which is replaced leaves its name to the new one.
    """

    entity = Entity(*(SERVICE, "/types", "share_type", "share_types", "PUT"), list_query=_ALL, found_by=())
    survives = True
    lookups: ClassVar = {"manila.share_type": names("Share type", "/types", "share_types", _ALL)}
    fields: ClassVar = same("name", "extra_specs") | {"is_public": _PUBLIC}

    def body(self, ctx: Context, props: ShareTypeProps) -> JSON:
        """All extra specs come with the type: the service makes none without those that it demands."""
        return {**super().body(ctx, props), "extra_specs": _specs(props)}

    def observed(self, props: ShareTypeProps, live: JSON) -> dict[str, tuple[Any, Any]]:
        """Each property that is an extra spec is one of them; others that somebody added do not count."""
        shown, wanted = live.get("extra_specs") or {}, _specs(props)
        pairs: dict[str, tuple[Any, Any]]
        pairs = {name: (wanted[name], _flag(shown[name])) for name in _SPECS if name in shown}
        given = as_text(props.extra_specs)
        if given:
            pairs["extra_specs"] = (given, {name: shown[name] for name in given if name in shown})
        if _PUBLIC in live:
            pairs["is_public"] = (props.is_public, live[_PUBLIC])
        return {**pairs, "name": (props.name, live["name"])}

    async def update(self, ctx: Context, old: ShareTypeProps, new: ShareTypeProps) -> None:
        """Leave the extra specs that are wanted, and no others."""
        path = f"{self.entity.at(ctx.physical_id)}/extra_specs"
        await set_specs(self.service_of(ctx), path, _specs(new))

    async def prepare_for_replace(self, ctx: Context, props: ShareTypeProps) -> None:
        """Leave the name to the new type: the id stands in for it."""
        await self._rename(ctx, ctx.physical_id, ctx.physical_id)

    async def undo_replace(self, ctx: Context, props: ShareTypeProps) -> None:
        """Take the name back, also from the new type."""
        types = await self.service_of(ctx).list_all(self.entity.path, self.entity.plural, _ALL)
        holder = next((each["id"] for each in types if each["name"] == props.name), None)
        if holder == ctx.physical_id:
            return
        if holder is not None:
            await self._rename(ctx, holder, holder)
        await self._rename(ctx, ctx.physical_id, props.name)

    async def _rename(self, ctx: Context, identity: str, name: str) -> None:
        await self.service_of(ctx).put(self.entity.at(identity), self.entity.wrap({"name": name}))


def _specs(props: ShareTypeProps) -> dict[str, str]:
    """All extra specs of a type; flags are written as the service's own clients write them."""
    return as_text(props.extra_specs) | {name: str(props.data[name]) for name in _SPECS}


def _flag(text: Any) -> str:
    """A flag as ``_specs`` writes it; the service keeps any of the words for it."""
    return str(str(text).lower() in ("true", "1", "yes", "<is> true"))
