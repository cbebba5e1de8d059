from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "OS::Neutron::RBACPolicy"
GIVEN = {"object_type": "qos_policy", "object_id": "gold", "action": "access_as_shared", "target_tenant": "*"}
BODY = {**GIVEN, "object_id": "q1"}


def named(**stored: Any) -> FakeContext:
    return FakeContext(KIND, properties=GIVEN, finds={("neutron.qos_policy", "gold"): "q1"}, stored=stored)


async def test_name_is_looked_up_among_objects_of_the_kind() -> None:
    ctx = named()
    ctx.cloud.on("GET", "/rbac-policies", {"rbac_policies": []})
    ctx.cloud.on("POST", "/rbac-policies", {"rbac_policy": {"id": "r1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "r1"
    assert ctx.cloud.sent("POST") == [{"rbac_policy": BODY}]


async def test_interrupted_creation_is_found_by_object_and_project() -> None:
    ctx = named(older=[])
    policies = [{"id": "r1", **BODY, "target_tenant": "p"}, {"id": "r2", **BODY}]
    ctx.cloud.on("GET", "/rbac-policies", {"rbac_policies": policies})
    assert await ctx.type.find(ctx, ctx.props) == [policies[1]]
    assert ctx.cloud.calls[0].params == {"object_id": "q1"}


@pytest.mark.parametrize("kind", ["qos_policy", "security_group", "address_scope", "subnetpool"])
def test_only_networks_can_be_external(kind: str) -> None:
    ctx = FakeContext(KIND, properties={**GIVEN, "object_type": kind, "action": "access_as_external"})
    with pytest.raises(PropertyError, match=f'"access_as_external" is not valid for object_type "{kind}"'):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize("kind", ["network", Unknown("parameter")])
def test_networks_and_what_is_not_known_yet_are_accepted(kind: Any) -> None:
    ctx = FakeContext(KIND, properties={**GIVEN, "object_type": kind, "action": "access_as_external"})
    assert ctx.type.validate(ctx.props) is None
