"""OS::Barbican::GenericContainer, secrets of any kind under names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.barbican.containers import ContainerProps, ContainerType, by_name
from stackd.resources.constraints import custom
from stackd.resources.context import JSON
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import has_unknown


class NamedSecret(Properties):
    """A secret in a container."""

    name: str = prop("Name of the secret in the container.", required=True)
    ref: str = prop("URL of the secret.", required=True, constraints=[custom("barbican.secret")])


class GenericContainerProps(ContainerProps):
    """Properties of a container of secrets."""

    secrets: list[NamedSecret] | None = prop("The secrets in the container.")


@resource_type("OS::Barbican::GenericContainer", since="6.0.0")
class GenericContainer(ContainerType[GenericContainerProps]):
    """A container of secrets, each once, whose names mean nothing to the service."""

    container_type = "generic"
    lookups: ClassVar = {
        "barbican.container": Collection("Container", "key-manager", "/containers", "containers", by_url=True)
    }

    def validate(self, props: GenericContainerProps) -> None:
        """No secret is in a container twice."""
        refs = [each["ref"] for each in props.data.get("secrets") or () if not has_unknown(each)]
        if twice := sorted({ref for ref in refs if refs.count(ref) > 1}):
            raise PropertyError(
                f"Duplicate refs are not allowed: {', '.join(twice)}.",
                path="properties.secrets",
                remedy="Name each secret once.",
            )

    def refs(self, props: GenericContainerProps) -> Iterable[tuple[str, Any]]:
        """The secrets of the list."""
        return ((each.name, each.ref) for each in props.secrets or ())

    def observed(self, props: GenericContainerProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """The secrets as one property."""
        pairs = RestResource.observed(self, props, live) or {}
        return {**pairs, "secrets": (dict(self.refs(props)), by_name(live))}
