"""What databases come after: subnets of their networks, and routers on these."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed

SIBLINGS = among(
    Sibling("subnet", "OS::Neutron::Subnet", {"network": Unknown("net")}),
    Sibling("way", "OS::Neutron::RouterInterface", {"subnet": Unknown("subnet"), "router": "r"}),
    Sibling("beside", "OS::Neutron::Subnet", {"network": Unknown("other")}),
    Sibling("aside", "OS::Neutron::RouterInterface", {"subnet": Unknown("beside"), "router": "r"}),
)
HERE = [{"network": Unknown("net")}]
INSTANCE = {"flavor": "f", "size": 1}
MEMBER = {"flavor": "f", "volume_size": 1}
CLUSTER = {"datastore_type": "mariadb", "datastore_version": "1"}
ALL = {"subnet", "way", "beside", "aside"}


@pytest.mark.parametrize(
    ("kind", "given", "names"),
    [
        ("Instance", {**INSTANCE, "networks": HERE}, {"subnet", "way"}),
        ("Instance", INSTANCE, set()),
        ("Instance", {**INSTANCE, "networks": Unknown("", ("parameters", "p"))}, ALL),
        ("Cluster", {**CLUSTER, "instances": [MEMBER, {**MEMBER, "networks": HERE}]}, {"subnet", "way"}),
        ("Cluster", {**CLUSTER, "instances": [MEMBER]}, set()),
    ],
)
def test_databases_follow_the_way_to_them(kind: str, given: dict[str, Any], names: set[str]) -> None:
    ctx = FakeContext(f"OS::Trove::{kind}", properties=given)
    assert followed(ctx, ctx.props, SIBLINGS) == names
