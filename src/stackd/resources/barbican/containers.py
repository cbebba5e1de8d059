"""What all containers have in common: secrets by names, of which the service keeps no secret twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from stackd.records import Resource
from stackd.resources.attributes import LIVE, attr
from stackd.resources.barbican.kept import Kept, kept
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Readiness
from stackd.resources.rest import same
from stackd.resources.schema import Properties, prop

CONTAINERS = kept("containers")
_REF = "_ref"


def secret_ref(description: str) -> Any:
    """Declare a property that refers to a secret."""
    return prop(description, constraints=[custom("barbican.secret")])


class ContainerProps(Properties):
    """Properties of every container."""

    name: str | None = prop("Name of the container.")


C = TypeVar("C", bound=ContainerProps)


class ContainerType(Kept[C]):
    """A container of one type, whose properties that end in ``_ref`` are the secrets in it."""

    properties = ContainerProps
    entity = CONTAINERS
    fields: ClassVar = same("name")
    readiness = Readiness(ready=("ACTIVE",), working=("PENDING",))
    container_type: ClassVar[str] = ""
    attributes: ClassVar = {
        "status": attr("State of the container.", how=LIVE),
        "container_ref": attr("URL of the container."),
        "secret_refs": attr("The URLs of the secrets by their names.", "map", LIVE),
        "consumers": attr("Who is registered as a user of the container.", "list", LIVE),
    }

    def refs(self, props: C) -> Iterable[tuple[str, Any]]:
        """The names of the secrets, and their URLs."""
        for name, value in props.data.items():
            if name.endswith(_REF) and value:
                yield name.removesuffix(_REF), value

    def body(self, ctx: Context, props: C) -> JSON:
        """The secrets stand in a list."""
        refs = [{"name": name, "secret_ref": ref} for name, ref in self.refs(props)]
        return {**super().body(ctx, props), "type": self.container_type, "secret_refs": refs}

    def observed(self, props: C, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Each secret by its property."""
        held = by_name(live)
        refs = {f"{name}{_REF}": (ref, held.get(name)) for name, ref in self.refs(props)}
        return {**(super().observed(props, live) or {}), **refs}

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The secrets by their names."""
        return {**super().attribute_values(resource, live), "secret_refs": by_name(live)}


def by_name(live: JSON) -> dict[str, str]:
    """The URLs of the secrets in a container by their names."""
    return {each.get("name") or "": each["secret_ref"] for each in live.get("secret_refs") or ()}
