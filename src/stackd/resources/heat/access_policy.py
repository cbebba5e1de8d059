"""OS::Heat::AccessPolicy, which names the resources whose metadata a user may read."""

from __future__ import annotations

from typing import Any

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.follows import Siblings
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import has_unknown


class AccessPolicyProps(Properties):
    """Properties of ``OS::Heat::AccessPolicy``."""

    allowed: list[Any] = prop(
        "Names of the resources of the stack that may be read.", name="AllowedResources", required=True
    )


@resource_type("OS::Heat::AccessPolicy")
class AccessPolicy(ResourceType[AccessPolicyProps]):
    """Names resources of the stack; a user whose policies name it may read the metadata of these only."""

    local = True

    def validate_among(self, props: AccessPolicyProps, siblings: Siblings) -> None:
        """Each of the resources must exist in the stack."""
        if has_unknown(props.data):
            return
        for name in props.allowed:
            if not isinstance(name, str) or name not in siblings:
                raise PropertyError(
                    f"AccessPolicy resource {name!s:.200} not in stack",
                    remedy="Name resources of the same template.",
                )

    async def create(self, ctx: Context, props: AccessPolicyProps) -> None:
        """Make nothing: a policy is what its properties say."""

    def reference(self, resource: Resource) -> Any:
        """The name, as there is no physical id."""
        return resource.name
