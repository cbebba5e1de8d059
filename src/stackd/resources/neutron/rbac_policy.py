"""OS::Neutron::RBACPolicy, by which an object is shared with one project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from stackd.errors import PropertyError
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.entity import find_made
from stackd.resources.neutron.network import network, owner
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.resources.undated import UndatedResource

_SHARED, _EXTERNAL = "access_as_shared", "access_as_external"
_ACTIONS: Final = {
    "network": (_SHARED, _EXTERNAL),
    "qos_policy": (_SHARED,),
    "security_group": (_SHARED,),
    "address_scope": (_SHARED,),
    "subnetpool": (_SHARED,),
}


class RBACPolicyProps(Properties):
    """Properties of a policy."""

    object_type: str = prop("Kind of the object.", required=True, constraints=[one_of(*_ACTIONS)])
    target_tenant: str = prop(
        "Id of the project that may use the object; * for all, which only administrators may choose.",
        required=True,
        update=IN_PLACE,
    )
    action: str = prop(
        "How the project may use the object.", required=True, constraints=[one_of(_SHARED, _EXTERNAL)]
    )
    object_id: str = prop("Name or id of the object.", required=True)
    tenant_id: str | None = owner("policy")


@resource_type("OS::Neutron::RBACPolicy", since="6.0.0")
class RBACPolicy(UndatedResource[RBACPolicyProps]):
    """Lets a project use an object of another one; the kind of object says where its name is looked up."""

    extension = "rbac-policies"
    entity = network(
        "rbac_policy", plural="rbac_policies", name_field="", distinct=True, found_by=("object_id",)
    )
    survives = True
    fields: ClassVar = same("object_type", "target_tenant", "action", "tenant_id")

    def validate(self, props: RBACPolicyProps) -> None:
        """Only networks can be external."""
        super().validate(props)
        possible = _ACTIONS.get(known(props.object_type), (_SHARED, _EXTERNAL))
        if known(props.action) and props.action not in possible:
            raise PropertyError(
                f'Property action "{props.action}" is not valid for object_type "{props.object_type}".',
                path="properties.action",
                remedy=f"Choose {' or '.join(possible)}.",
            )

    async def creation(self, ctx: Context, props: RBACPolicyProps) -> JSON:
        """The object may be named."""
        named = await ctx.find.id_of(f"neutron.{props.object_type}", props.object_id)
        return {**self.body(ctx, props), "object_id": named}

    async def alike(self, ctx: Context, props: RBACPolicyProps) -> Sequence[JSON]:
        """The policy of the same object for the same project."""
        return await find_made(ctx, self.entity, await self.creation(ctx, props))
