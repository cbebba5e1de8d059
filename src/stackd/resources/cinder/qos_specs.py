"""OS::Cinder::QoSSpecs, limits and guarantees for the traffic of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from stackd.clients.lookup import Collection
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_DEFAULTS: Mapping[str, str] = {"consumer": "back-end"}
"""The specs that every object has, which the service keeps beside the others."""


class QoSSpecsProps(Properties):
    """Properties of ``OS::Cinder::QoSSpecs``."""

    name: str | None = prop("Name of the QoS specs.")
    specs: dict[str, Any] = prop(
        "The specs by their names; `consumer` says who sees to them: front-end, back-end or both.",
        required=True,
        update=IN_PLACE,
    )


@resource_type("OS::Cinder::QoSSpecs", since="7.0.0")
class QoSSpecs(RestResource[QoSSpecsProps]):
    """Specs of quality of service, for the volume types that they are associated with.

    In requests they stand beside the name. Names are unique: what failed is repaired rather than replaced.
    """

    entity = Entity("volume", "/qos-specs", "qos_specs", "qos_specs", found_by=())
    extension = "qos-specs"
    survives = True
    lookups: ClassVar = {
        "cinder.qos_specs": Collection("QoS specs", "volume", "/qos-specs", "qos_specs", whole=True)
    }
    fields: ClassVar = same("name")

    def body(self, ctx: Context, props: QoSSpecsProps) -> JSON:
        """The specs, and the name among them."""
        return as_text(props.specs) | super().body(ctx, props)

    def observed(self, props: QoSSpecsProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """The specs with those that every object has."""
        wanted, shown = {**_DEFAULTS, **as_text(props.specs)}, _shown(live)
        return {**(super().observed(props, live) or {}), "specs": (wanted, shown)}

    async def update(self, ctx: Context, old: QoSSpecsProps, new: QoSSpecsProps) -> None:
        """Take away what is no longer there, and set the others."""
        path, wanted = f"/qos-specs/{ctx.physical_id}", {**_DEFAULTS, **as_text(new.specs)}
        now = _shown(await ctx.live(fresh=True))
        if gone := sorted(now.keys() - wanted.keys()):
            await ctx.cloud.volume.put(f"{path}/delete_keys", {"keys": gone})
        if changed := {key: value for key, value in wanted.items() if now.get(key) != value}:
            await ctx.cloud.volume.put(path, {"qos_specs": changed})

    async def delete(self, ctx: Context, props: QoSSpecsProps) -> None:
        """Take them off every volume type first."""
        await change(ctx, f"/qos-specs/{ctx.physical_id}/disassociate_all")
        await super().delete(ctx, props)


async def change(ctx: Context, path: str, **query: str) -> None:
    """Change associations, which the service does by GET; to do so again changes nothing."""
    await ctx.cloud.volume.request("GET", path, params=query, idempotent=True)


def _shown(live: JSON) -> dict[str, str]:
    """All specs of an object."""
    return dict(live["specs"]) | {name: live[name] for name in _DEFAULTS if name in live}
