"""What a resource shows after a planned update in place."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.planning.shown import after_update, touched_attributes
from stackd.resources.registry import load_registry
from stackd.template.unknown import Unknown, has_unknown
from tests.support.records import a_resource, a_stack

TYPES = load_registry().types


@pytest.mark.parametrize(
    ("kind", "changed", "touched"),
    [
        ("OS::Neutron::Net", "qos_policy", {"qos_policy_id"}),
        ("OS::Neutron::Net", "shared", set()),
        ("OS::Neutron::Port", "dns_name", {"dns_assignment"}),
        ("OS::Keystone::Project", "domain", {"domain_id"}),
        ("OS::Cinder::Volume", "name", {"display_name"}),
        ("OS::Nova::Server", "networks", {"networks", "addresses", "first_address"}),
    ],
)
def test_attributes_that_show_a_changed_property_are_touched(kind: str, changed: str, touched: Any) -> None:
    assert touched_attributes(TYPES[kind], {changed}) == touched | {"show"}


def test_computed_attribute_that_a_change_touches_is_not_known() -> None:
    kind = TYPES["OS::Heat::WaitCondition"]
    row = a_resource(a_stack(), "w", data={"signals": "{}"}, properties={"handle": "h", "timeout": 1})
    props = kind.properties.load({"handle": "h", "timeout": 1, "count": 2})
    assert after_update(row, kind, props, {"count"}).attributes == {"data": Unknown("w", ("data",))}
    assert not has_unknown(after_update(row, kind, props, set()).attributes)
